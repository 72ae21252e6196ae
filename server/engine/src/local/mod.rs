//! The local engine: sessions are real processes on this machine, each with a supervisor process of its own.
//!
//! The engine itself holds nothing that a restart would lose. What a session is doing is read from its folder (`layout`), and what
//! changes comes from its supervisor's socket. Deliberately absent: removing folders of sessions that have ended (their log and
//! usage are still asked for), and any limit on how many sessions there are.

mod cgroup;
mod client;
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

pub use init::session_init;
pub use supervisor::supervise;

use crate::{Engine, EngineError, Launch, LaunchSpec, RunState, Stop, Terminal};
use async_trait::async_trait;
use cgroup::Hierarchies;
use isolation::Isolation;
use layout::{Folder, Plan};
use machine::Machine;
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::broadcast;
use types::cluster::agents::AgentReport;
use types::id::ContainerId;
use types::sessions::{LogChunk, Usage};
use types::time::Millis;

/// Changes that a slow reader may be behind before it is told that it missed some.
const CHANGES: usize = 1024;
/// A supervisor that has not taken its session after this long is not going to.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs one of the hidden subcommands `supervise <folder>` and `session-init`, if that is what the arguments say.
///
/// To be called first thing in `main`, before any thread: both are whole programs of their own.
pub fn helper(mut args: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let code = match args.nth(1)?.to_str()? {
        "supervise" => supervise(Path::new(&args.next()?)),
        "session-init" => session_init(),
        _ => return None,
    };
    Some(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// What of this machine's abilities the engine uses. The default is everything that works.
#[derive(Clone, Debug)]
pub struct Options {
    /// Isolate sessions with bubblewrap.
    pub bubblewrap: bool,
    /// Limit and measure sessions with control groups.
    pub cgroups: bool,
    /// Bytes of log that are kept of each session.
    pub log_limit: u64,
    /// The resource group that the machine says it belongs to.
    pub resource_group: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { bubblewrap: true, cgroups: true, log_limit: 16 << 20, resource_group: None }
    }
}

/// The engine that runs sessions on this machine.
#[derive(Clone)]
pub struct LocalEngine(Arc<Inner>);

struct Inner {
    dir: PathBuf,
    /// Open for as long as the server runs: what is started later is this program, even when its file was replaced.
    exe: File,
    options: Options,
    isolation: Isolation,
    machine: Machine,
    changes: broadcast::Sender<ContainerId>,
    /// Sessions whose supervisor's connection is being listened to.
    watched: Mutex<HashSet<ContainerId>>,
}

impl LocalEngine {
    /// Opens the folder `dir` of all sessions' folders, and takes up those that are alive. `exe` is the program whose first lines
    /// call [`helper`]; when its file is gone, this very program is taken.
    pub fn open(dir: PathBuf, exe: PathBuf) -> Result<Self, EngineError> {
        Self::open_with(dir, exe, Options::default())
    }

    /// [`LocalEngine::open`], without some of what the machine can do.
    pub fn open_with(dir: PathBuf, exe: PathBuf, options: Options) -> Result<Self, EngineError> {
        let failed = |what: &str| EngineError::io(format!("opening the local engine's {what}"));
        // Others pass through, to homes of their own, but see nothing.
        DirBuilder::new().recursive(true).mode(0o711).create(&dir).map_err(failed("folder"))?;
        let dir = dir.canonicalize().map_err(failed("folder"))?;
        let exe = File::open(&exe).or_else(|_| File::open("/proc/self/exe")).map_err(failed("program"))?;
        let (isolation, why) = Isolation::probe(options.bubblewrap, &dir);
        let groups = if options.cgroups { Hierarchies::find() } else { Hierarchies::default() };
        let name = machine::name(&dir).map_err(failed("name"))?;
        let machine = Machine::new(name, options.resource_group.clone(), &isolation, why.as_deref(), &groups);
        let engine = Self(Arc::new(Inner {
            dir,
            exe,
            options,
            isolation,
            machine,
            changes: broadcast::channel(CHANGES).0,
            watched: Mutex::default(),
        }));
        // Outside tokio nobody can listen yet; then each session is taken up when it is first asked for.
        if tokio::runtime::Handle::try_current().is_ok() {
            engine.take_up_all().map_err(failed("folder"))?;
        }
        Ok(engine)
    }

    fn take_up_all(&self) -> io::Result<()> {
        for entry in std::fs::read_dir(&self.0.dir)? {
            let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let folder = self.folder(id);
            if !folder.has(layout::EXIT) && folder.is_supervised()? {
                self.take_up(id);
            }
        }
        Ok(())
    }

    fn folder(&self, id: ContainerId) -> Folder {
        Folder::of(&self.0.dir, id)
    }

    /// Listens to the supervisor of a session that is alive, unless that is done already.
    fn take_up(&self, id: ContainerId) {
        if !self.claim(id) {
            return;
        }
        let engine = self.clone();
        tokio::spawn(async move {
            match engine.reach(id).await {
                Some(stream) => engine.listen(id, BufReader::new(stream)).await,
                None => {
                    engine.release(id);
                    engine.tell(id);
                }
            }
        });
    }

    /// Connects to a supervisor, which may have its lock a moment before its socket; nothing when it has ended.
    async fn reach(&self, id: ContainerId) -> Option<UnixStream> {
        loop {
            let attempt = self.blocking("reaching a supervisor", move |engine| {
                let folder = engine.folder(id);
                let alive = folder.is_supervised()?;
                Ok((folder.connect().ok(), alive))
            });
            match attempt.await.ok()? {
                (Some(stream), _) => {
                    stream.set_nonblocking(true).ok()?;
                    return UnixStream::from_std(stream).ok();
                }
                (None, true) => tokio::time::sleep(Duration::from_millis(10)).await,
                (None, false) => return None,
            }
        }
    }

    fn claim(&self, id: ContainerId) -> bool {
        self.0.watched.lock().unwrap_or_else(PoisonError::into_inner).insert(id)
    }

    fn release(&self, id: ContainerId) {
        self.0.watched.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    /// Passes on what a supervisor says, until it ends.
    async fn listen(self, id: ContainerId, mut supervisor: BufReader<UnixStream>) {
        let mut line = String::new();
        while matches!(supervisor.read_line(&mut line).await, Ok(1..)) {
            if line == supervisor::RUNNING {
                self.tell(id);
            }
            line.clear();
        }
        // A supervisor that was killed closes its files one after another: its lock may be free a moment later, and nobody would
        // say so again.
        for _ in 0..500 {
            match self.blocking("looking at a session", move |engine| engine.folder(id).look()).await {
                Ok(RunState::Running(_) | RunState::Starting) => tokio::time::sleep(Duration::from_millis(2)).await,
                _ => break,
            }
        }
        self.release(id);
        self.tell(id);
    }

    fn tell(&self, id: ContainerId) {
        // Nobody has to listen.
        let _ = self.0.changes.send(id);
    }

    /// Runs file work off the async threads.
    async fn blocking<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> Result<T, EngineError> {
        let engine = self.clone();
        match tokio::task::spawn_blocking(move || work(&engine)).await {
            Ok(result) => result.map_err(EngineError::io(what)),
            Err(panicked) => Err(EngineError::io(what)(io::Error::other(panicked))),
        }
    }

    /// Writes down what to start; nothing when it was started before.
    fn prepare(&self, id: ContainerId, launch: LaunchSpec) -> io::Result<Option<Folder>> {
        let folder = self.folder(id);
        folder.create()?;
        if folder.has(layout::EXIT) || folder.has(layout::STARTED) || folder.is_supervised()? {
            return Ok(None);
        }
        let plan = Plan {
            id,
            launch,
            isolation: self.0.isolation.clone(),
            cgroups: self.0.options.cgroups,
            log_limit: self.0.options.log_limit,
        };
        folder.write_json(layout::SPEC, &plan)?;
        Ok(Some(folder))
    }

    /// Starts a supervisor and returns the connection to it. It leaves this process's session by itself, first thing.
    fn spawn(&self, folder: &Folder) -> io::Result<StdUnixStream> {
        let (ours, theirs) = StdUnixStream::pair()?;
        let errors = OpenOptions::new().append(true).create(true).mode(0o600).open(folder.file(layout::SUPERVISOR_LOG))?;
        let mut command = tokio::process::Command::new(format!("/proc/self/fd/{}", self.0.exe.as_raw_fd()));
        command.arg0("yardmaster").arg("supervise").arg(folder.path()).current_dir("/");
        command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::null()).stderr(Stdio::from(errors));
        let mut child = command.spawn()?;
        // Reaped here while this server lives, and by the machine's init after that.
        tokio::spawn(async move { child.wait().await });
        ours.set_nonblocking(true)?;
        Ok(ours)
    }

    fn order(&self, id: ContainerId, how: Stop) -> io::Result<()> {
        let folder = self.folder(id);
        if folder.has(layout::EXIT) || !folder.has(layout::SPEC) {
            return Ok(());
        }
        let order = layout::stop_text(how);
        let say = || writeln!(folder.connect()?, "stop {order}");
        if say().is_err() {
            // It is not there yet, or no more. One that starts reads this after it opened its socket, so one of the two is heard.
            folder.write(layout::STOP, order.as_bytes())?;
            let _ = say();
        }
        Ok(())
    }
}

#[async_trait]
impl Engine for LocalEngine {
    async fn agents(&self) -> Result<Vec<AgentReport>, EngineError> {
        self.blocking("looking at the machine", |engine| Ok(vec![engine.0.machine.report()])).await
    }

    async fn start(&self, id: ContainerId, _agent: &str, spec: &LaunchSpec) -> Result<(), EngineError> {
        let launch = spec.clone();
        let prepared = self.blocking("writing down a session", move |engine| engine.prepare(id, launch)).await?;
        let Some(folder) = prepared else { return Ok(()) };
        let failed = || EngineError::io("starting a supervisor");
        let stream = self.spawn(&folder).and_then(UnixStream::from_std).map_err(failed())?;
        let mut supervisor = BufReader::new(stream);
        let mut line = String::new();
        // Until it holds its lock the session looks as if it had never been started.
        let read = tokio::time::timeout(PATIENCE, supervisor.read_line(&mut line)).await;
        if line == supervisor::MINE {
            if self.claim(id) {
                tokio::spawn(self.clone().listen(id, supervisor));
            }
            return Ok(());
        }
        // Another start was faster, or none worked.
        let known = self.blocking("looking at a session", move |engine| {
            Ok(folder.has(layout::STARTED) || folder.has(layout::EXIT) || engine.folder(id).is_supervised()?)
        });
        match (known.await?, read) {
            (true, _) => Ok(()),
            // It may still come: to give the session up now would be to run it for nobody. Whoever asks for its state sees what is,
            // and may start it again: only one of several supervisors gets the lock.
            (false, Err(_)) => Ok(()),
            (false, Ok(_)) => Err(failed()(io::Error::other("it ended at once; its supervisor.log may say why"))),
        }
    }

    async fn stop(&self, id: ContainerId, how: Stop) -> Result<(), EngineError> {
        self.blocking("stopping a session", move |engine| engine.order(id, how)).await
    }

    async fn containers(&self) -> Result<Vec<(ContainerId, String)>, EngineError> {
        self.blocking("looking for sessions", |engine| {
            let mut alive = Vec::new();
            for entry in std::fs::read_dir(&engine.0.dir)? {
                let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
                let folder = engine.folder(id);
                if !folder.has(layout::EXIT) && folder.is_supervised()? {
                    alive.push((id, engine.0.machine.name().to_owned()));
                }
            }
            Ok(alive)
        })
        .await
    }

    async fn state(&self, id: ContainerId) -> Result<RunState, EngineError> {
        let state = self.blocking("looking at a session", move |engine| engine.folder(id).look()).await?;
        if matches!(state, RunState::Starting | RunState::Running(_)) {
            self.take_up(id);
        }
        Ok(state)
    }

    async fn log(&self, id: ContainerId, from: u64, max: usize) -> Result<LogChunk, EngineError> {
        self.blocking("reading a log", move |engine| {
            let folder = engine.folder(id);
            // In this order: a log that is looked at after its session has ended is whole.
            let ended = matches!(folder.look()?, RunState::Ended { .. });
            log::read(&folder.file(layout::LOG), from, max, ended)
        })
        .await
    }

    async fn usage(&self, id: ContainerId, after: Millis) -> Result<Vec<Usage>, EngineError> {
        self.blocking("reading measurements", move |engine| usage::read(&engine.folder(id).file(layout::USAGE), after)).await
    }

    async fn terminal(&self, id: ContainerId, columns: u16, rows: u16) -> Result<Terminal, EngineError> {
        let folder = self.folder(id);
        let looked_at = folder.clone();
        let look = move |_: &Self| Ok((looked_at.look()?, looked_at.read_json::<Plan>(layout::SPEC)?));
        match self.blocking("looking at a session", look).await? {
            (RunState::Unknown, _) => Err(EngineError::UnknownSession),
            (RunState::Running(_), Some(plan)) if plan.launch.what == Launch::Interactive => {
                terminal::open(&folder, columns, rows).await
            }
            _ => Err(EngineError::NotRunning),
        }
    }

    fn changes(&self) -> broadcast::Receiver<ContainerId> {
        self.0.changes.subscribe()
    }
}
