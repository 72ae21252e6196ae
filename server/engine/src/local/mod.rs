//! The local engine: sessions are real processes on this machine, each with its own supervisor process.
//!
//! The engine itself holds nothing that a restart would lose. It reads a session's state from its folder (`layout`) and receives
//! changes over its supervisor's socket. Deliberately absent: removing the folders of ended sessions (their log and usage are
//! still read), a limit on the number of sessions, and the features that it explicitly refuses: images, mounted folders and
//! chosen user ids.

mod cgroup;
mod client;
mod disk;
mod frame;
mod init;
mod inside;
mod isolation;
mod launch;
mod layout;
mod log;
mod machine;
mod shell;
mod supervisor;
mod sys;
mod terminal;
mod tree;
mod usage;
mod watch;

#[cfg(fuzzing)]
pub mod fuzz;

pub use init::session_init;
pub use supervisor::supervise;

use crate::{
    Agents, Changes, Connection, DiskSize, Engine, EngineError, Image, Launch, LaunchSpec, LogPiece, Place, RunState, Stop, Terminal, host,
};
use async_trait::async_trait;
use cgroup::Hierarchies;
use futures::future::BoxFuture;
use isolation::visible::seen_through;
use isolation::{Isolation, Possible};
use layout::{Folder, Plan, Planned};
use machine::Machine;
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::broadcast;
use types::id::ContainerId;
use types::sessions::Usage;
use types::time::Millis;

/// The number of changes that a slow listener may fall behind before it misses some.
const CHANGES: usize = 1024;
/// A supervisor that has not taken its session after this time is not expected to.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs one of the hidden subcommands `supervise <folder>`, `session-init` and `try-isolation <folder>`, if the arguments ask for one.
///
/// Call this first in `main`, before any thread starts: they are complete programs.
pub fn helper(mut args: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let code = match args.nth(1)?.to_str()? {
        "supervise" => supervise(Path::new(&args.next()?)),
        "session-init" => session_init(),
        "try-isolation" => isolation::trial::try_isolation(Path::new(&args.next()?)),
        _ => return None,
    };
    Some(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// Variables of the server that its supervisors get: the programs that it finds, and the number of open files that was usual before
/// the server raised its own.
const INHERITED: [&str; 2] = ["PATH", "YARDMASTER_USUAL_DESCRIPTORS"];

/// The engine's name in its agent's report.
pub(crate) const ENGINE: &str = "local";

/// The abilities of this machine that the engine may use. The default is everything that works.
#[derive(Clone, Debug)]
pub struct Options {
    /// Isolate sessions from the machine and from each other.
    pub isolation: bool,
    /// Where sessions cannot be isolated, run them as plain processes instead of refusing them.
    pub allow_unisolated: bool,
    /// Bytes of log kept for each session.
    pub log_limit: u64,
    /// The resource group that the machine reports as its own.
    pub resource_group: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { isolation: true, allow_unisolated: false, log_limit: 16 << 20, resource_group: None }
    }
}

/// The engine that runs sessions on this machine.
#[derive(Clone)]
pub struct LocalEngine(Arc<Inner>);

struct Inner {
    dir: PathBuf,
    /// The program for supervisors. It stays open while the server runs, so that later sessions start the same program even if
    /// its file was replaced.
    exe: File,
    options: Options,
    possible: Possible,
    groups: Hierarchies,
    machine: Machine,
    changes: broadcast::Sender<Place>,
    /// Sessions whose supervisor we are listening to.
    watched: Mutex<HashSet<ContainerId>>,
}

impl LocalEngine {
    /// Opens the folder `dir` of all sessions' folders, and watches the sessions that are alive. `exe` is the program that first
    /// calls [`helper`]; if its file is gone, the running program is used instead.
    ///
    /// # Errors
    ///
    /// When the folder or the program cannot be opened.
    pub fn open(dir: PathBuf, exe: PathBuf) -> Result<Self, EngineError> {
        Self::open_with(dir, exe, Options::default())
    }

    /// Like [`LocalEngine::open`], but may leave some of the machine's abilities unused.
    ///
    /// # Errors
    ///
    /// When the folder or the program cannot be opened.
    pub fn open_with(dir: PathBuf, exe: PathBuf, options: Options) -> Result<Self, EngineError> {
        let failed = |what: &str| EngineError::failed(format!("the local engine's {what} cannot be opened"));
        // Other users may pass through to their own homes, but cannot list the folder.
        DirBuilder::new().recursive(true).mode(0o711).create(&dir).map_err(failed("folder"))?;
        let dir = dir.canonicalize().map_err(failed("folder"))?;
        let exe = File::open(&exe).or_else(|_| File::open("/proc/self/exe")).map_err(failed("program"))?;
        if let Some(through) = seen_through(&dir) {
            let seen = format!("sessions see {}, so no data can be kept in {}", through.display(), dir.display());
            return Err(failed("folder")(io::Error::other(seen)));
        }
        let possible =
            Possible::find(options.isolation, options.allow_unisolated, &dir, || isolation::trial::try_container(&exe, &dir));
        if let Some(refusal) = &possible.refusal {
            tracing::error!("no session can start on this machine: {refusal}");
        } else if possible.isolation == Isolation::None {
            tracing::warn!("sessions are not isolated: {}", possible.why.as_deref().unwrap_or_default());
        }
        let groups = if possible.isolation == Isolation::Container { Hierarchies::find(&dir) } else { Hierarchies::default() };
        let name = machine::name(&dir).map_err(failed("name"))?;
        let machine = Machine::new(name, options.resource_group.clone(), &possible, &groups);
        let engine = Self(Arc::new(Inner {
            dir,
            exe,
            options,
            possible,
            groups,
            machine,
            changes: broadcast::channel(CHANGES).0,
            watched: Mutex::default(),
        }));
        // Outside tokio nobody can listen yet. Then each session is watched from the first request for its state.
        if tokio::runtime::Handle::try_current().is_ok() {
            engine.take_up_all().map_err(failed("folder"))?;
        }
        Ok(engine)
    }

    /// Whether sessions start without being isolated from each other and from the machine.
    pub fn runs_unisolated(&self) -> bool {
        self.0.possible.isolation == Isolation::None && self.0.possible.refusal.is_none()
    }

    fn folder(&self, id: ContainerId) -> Folder {
        Folder::of(&self.0.dir, id)
    }

    fn place(&self, id: ContainerId) -> Place {
        Place::new(self.0.machine.name(), id)
    }

    /// Runs file work off the async threads. `what` is a clause for the error if it fails, such as “a log could not be read”.
    async fn blocking<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> Result<T, EngineError> {
        let engine = self.clone();
        match tokio::task::spawn_blocking(move || work(&engine)).await {
            Ok(result) => result.map_err(EngineError::failed(what)),
            Err(panicked) => Err(EngineError::failed(what)(panicked)),
        }
    }

    /// Saves the plan of a session. Returns `None` if the session was started before.
    fn prepare(&self, id: ContainerId, launch: LaunchSpec) -> io::Result<Option<Folder>> {
        let folder = self.folder(id);
        folder.create()?;
        if folder.has(layout::EXIT) || folder.has(layout::STARTED) || folder.is_supervised()? {
            return Ok(None);
        }
        let plan = Plan { id, launch, isolation: self.0.possible.isolation.clone(), log_limit: self.0.options.log_limit };
        folder.write_json(layout::SPEC, &plan)?;
        Ok(Some(folder))
    }

    /// Starts a supervisor and returns the connection to it. The supervisor itself leaves this process's session first.
    fn spawn(&self, folder: &Folder) -> io::Result<StdUnixStream> {
        let (ours, theirs) = StdUnixStream::pair()?;
        let errors = OpenOptions::new().append(true).create(true).mode(0o600).open(folder.file(layout::SUPERVISOR_LOG))?;
        let mut command = tokio::process::Command::new(format!("/proc/self/fd/{}", self.0.exe.as_raw_fd()));
        command.arg0("yardmaster").arg("supervise").arg(folder.path()).current_dir("/");
        // The server's own environment holds passwords, and this process lives beside the session.
        let kept = |name: &str| std::env::var_os(name).map(|value| (name.to_owned(), value));
        command.env_clear().envs(INHERITED.iter().copied().filter_map(kept));
        command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::null()).stderr(Stdio::from(errors));
        let mut child = command.spawn()?;
        // Reaped here while this server lives, and by the machine's init after that.
        tokio::spawn(async move { child.wait().await });
        ours.set_nonblocking(true)?;
        Ok(ours)
    }

    /// Returns the spec that a running container was started with.
    async fn running(&self, place: &Place) -> Result<LaunchSpec, EngineError> {
        let folder = self.folder(place.container);
        let look = move |_: &Self| Ok((folder.look()?, folder.read_json::<Planned>(layout::SPEC)?));
        match self.blocking("the state of a container could not be read", look).await? {
            (RunState::Unknown, _) => Err(EngineError::UnknownContainer),
            (RunState::Running(_), Some(plan)) => Ok(plan.launch),
            _ => Err(EngineError::NotRunning),
        }
    }

    /// Ends a session by force if its supervisor has not done so in time.
    async fn insist(self, id: ContainerId) {
        tokio::time::sleep(PATIENCE).await;
        let ended = self.blocking("a container could not be killed", move |engine| {
            let folder = engine.folder(id);
            if matches!(folder.look()?, RunState::Ended { .. } | RunState::Unknown) {
                return Ok(());
            }
            tracing::warn!(container = %id, "its supervisor did not end it in {} s; both are killed", PATIENCE.as_secs());
            folder.end_by_force()
        });
        if let Err(error) = ended.await {
            tracing::error!(container = %id, "{}", error.with_causes());
        }
    }

    fn order(&self, id: ContainerId, how: Stop) -> io::Result<()> {
        let folder = self.folder(id);
        if folder.has(layout::EXIT) {
            return Ok(());
        }
        if !folder.has(layout::SPEC) {
            // Nothing was started, or its folder was removed: then its processes can only be killed.
            cgroup::clean_up(&self.0.dir, id);
            return Ok(());
        }
        let order = layout::stop_text(how);
        let say = || writeln!(folder.connect()?, "stop {order}");
        if say().is_err() {
            // The supervisor is not there yet, or no longer. A supervisor that is starting reads this file after it opened its
            // socket, so it receives the order in one of the two ways.
            folder.write(layout::STOP, order.as_bytes())?;
            let _ = say();
        }
        Ok(())
    }
}

/// Returns the folder of the machine through which sessions see `path`, if they do: nothing secret may be there.
pub fn visible_to_sessions(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().and_then(|path| seen_through(&path))
}

/// Refuses each unsupported feature with its own message, so that nothing requested is silently ignored.
fn check(spec: &LaunchSpec) -> Result<(), EngineError> {
    host::check_image(&spec.image, &images())?;
    if !spec.mounts.is_empty() {
        return Err(EngineError::unsupported("This engine cannot mount folders."));
    }
    if spec.user.is_some() {
        return Err(EngineError::unsupported("This engine cannot run processes under a chosen user id."));
    }
    Ok(())
}

fn images() -> Vec<Image> {
    vec![Image { offer: host::offer(), engines: vec![ENGINE.into()] }]
}

#[async_trait]
impl Engine for LocalEngine {
    async fn agents(&self) -> Result<Agents, EngineError> {
        self.blocking("the machine could not be inspected", |engine| {
            Ok(Agents { reports: vec![engine.0.machine.report()], away: Vec::new() })
        })
        .await
    }

    async fn images(&self) -> Result<Vec<Image>, EngineError> {
        Ok(images())
    }

    async fn start(&self, place: &Place, spec: &LaunchSpec) -> Result<(), EngineError> {
        let (id, launch) = (place.container, spec.clone());
        if place.agent != self.0.machine.name() {
            let other = format!("this agent is {}, not {}", self.0.machine.name(), place.agent);
            return Err(EngineError::failed("it was sent to the wrong agent")(other));
        }
        check(spec)?;
        if let Some(refusal) = &self.0.possible.refusal {
            return Err(EngineError::unsupported(refusal.clone()));
        }
        let prepared = self.blocking("its specification could not be saved", move |engine| engine.prepare(id, launch)).await?;
        let Some(folder) = prepared else { return Ok(()) };
        const WHAT: &str = "its supervisor could not be started";
        let stream = self.spawn(&folder).and_then(UnixStream::from_std).map_err(EngineError::failed(WHAT))?;
        let mut supervisor = BufReader::new(stream);
        let mut line = String::new();
        // Until the supervisor holds its lock, the session looks as if it had never been started.
        let read = tokio::time::timeout(PATIENCE, supervisor.read_line(&mut line)).await;
        if line == supervisor::MINE {
            if self.claim(id) {
                tokio::spawn(self.clone().listen(id, supervisor));
            }
            return Ok(());
        }
        // Either another start was faster, or this one failed.
        let known = self.blocking("the state of a container could not be read", move |engine| {
            Ok(folder.has(layout::STARTED) || folder.has(layout::EXIT) || engine.folder(id).is_supervised()?)
        });
        match (known.await?, read) {
            (true, _) => Ok(()),
            // The supervisor may still come, so the session must not be given up: it could then run unnoticed. The next request
            // for its state shows the truth, and the caller may start it again: only one of several supervisors gets the lock.
            (false, Err(_)) => Ok(()),
            (false, Ok(_)) => Err(EngineError::failed(WHAT)("it ended immediately; its supervisor.log may say why")),
        }
    }

    async fn stop(&self, place: &Place, how: Stop) -> Result<(), EngineError> {
        let id = place.container;
        self.blocking("a container could not be stopped", move |engine| engine.order(id, how)).await?;
        if how == Stop::Now {
            tokio::spawn(self.clone().insist(id));
        }
        Ok(())
    }

    async fn containers(&self) -> Result<Vec<Place>, EngineError> {
        self.blocking("the containers could not be listed", |engine| {
            let mut alive = Vec::new();
            for entry in std::fs::read_dir(&engine.0.dir)? {
                let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
                let folder = engine.folder(id);
                if !folder.has(layout::EXIT) && folder.is_supervised()? {
                    alive.push(id);
                }
            }
            // A container whose folder somebody removed still computes.
            alive.extend(engine.0.groups.containers());
            alive.sort_unstable();
            alive.dedup();
            Ok(alive.into_iter().map(|id| engine.place(id)).collect())
        })
        .await
    }

    async fn states(&self, places: &[Place]) -> Vec<Result<RunState, EngineError>> {
        const WHAT: &str = "the state of a container could not be read";
        let ids: Vec<ContainerId> = places.iter().map(|place| place.container).collect();
        let asked = ids.clone();
        let looked =
            self.blocking(WHAT, move |engine| Ok(asked.into_iter().map(|id| engine.folder(id).look()).collect::<Vec<_>>()));
        let states = match looked.await {
            Ok(states) => states,
            Err(error) => {
                let why = error.with_causes();
                return ids.iter().map(|_| Err(EngineError::failed(WHAT)(why.clone()))).collect();
            }
        };
        for (id, state) in ids.into_iter().zip(&states) {
            if matches!(state, Ok(RunState::Starting | RunState::Running(_))) {
                self.take_up(id);
            }
        }
        states.into_iter().map(|state| state.map_err(EngineError::failed(WHAT))).collect()
    }

    async fn log(&self, place: &Place, from: u64, max: usize) -> Result<LogPiece, EngineError> {
        let id = place.container;
        self.blocking("a log could not be read", move |engine| {
            let folder = engine.folder(id);
            // In this order: once the session has ended, its log is complete.
            let ended = matches!(folder.look()?, RunState::Ended { .. });
            log::read(&folder.file(layout::LOG), from, max, ended)
        })
        .await
    }

    async fn log_growth(&self, place: &Place) -> BoxFuture<'static, ()> {
        log::growth(self.folder(place.container).path())
    }

    async fn usage(&self, place: &Place, after: Millis) -> Result<Vec<Usage>, EngineError> {
        let id = place.container;
        self.blocking("measurements could not be read", move |engine| usage::read(&engine.folder(id).file(layout::USAGE), after))
            .await
    }

    async fn memory_kills(&self, place: &Place) -> Result<u64, EngineError> {
        let id = place.container;
        self.blocking("the end of a container could not be read", move |engine| {
            Ok(engine.folder(id).read_json::<layout::Exit>(layout::EXIT)?.map_or(0, |exit| exit.memory_kills))
        })
        .await
    }

    async fn disk(&self, place: &Place, most: u64) -> Result<Option<DiskSize>, EngineError> {
        let id = place.container;
        let measure = move |engine: &Self| {
            let folder = engine.folder(id);
            let processes = match engine.0.possible.isolation {
                Isolation::Container => engine.0.groups.group(id).processes(),
                _ => folder.supervisor().map(tree::descendants).unwrap_or_default().iter().map(|process| process.pid).collect(),
            };
            disk::size(folder.path(), &processes, most)
        };
        self.blocking("a session's disk could not be measured", measure).await.map(Some)
    }

    async fn terminal(&self, place: &Place, columns: u16, rows: u16) -> Result<Terminal, EngineError> {
        if self.running(place).await?.what != Launch::Interactive {
            return Err(EngineError::NotRunning);
        }
        terminal::open(&self.folder(place.container), columns, rows).await
    }

    /// Connects only to ports that the session was started with, because sessions share the machine's network. Any process of the
    /// machine that listens on the port may answer.
    async fn connect(&self, place: &Place, port: u16) -> Result<Connection, EngineError> {
        if !self.running(place).await?.ports.contains(&port) {
            return Err(EngineError::PortNotAsked(port));
        }
        let connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.map_err(|_| EngineError::PortSilent(port))?;
        Ok(Box::new(connection))
    }

    async fn folder(&self, place: &Place) -> Option<PathBuf> {
        (place.agent == self.0.machine.name()).then(|| LocalEngine::folder(self, place.container).path().to_owned())
    }

    fn changes(&self) -> Changes {
        Changes::of(self.0.changes.subscribe())
    }
}
