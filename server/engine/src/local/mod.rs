//! The local engine: sessions are real processes on this machine, each with its own supervisor process.
//!
//! The engine itself holds nothing that a restart would lose. It reads a session's state from its folder (`layout`) and receives
//! changes over its supervisor's socket. Deliberately absent: removing the folders of ended sessions (their log and usage are
//! still read), a limit on the number of sessions, and the features that it explicitly refuses: images, mounted folders and
//! chosen user ids.

mod cgroup;
mod client;
mod disk;
mod engine;
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

use crate::{EngineError, Image, LaunchSpec, Place, RunState, Stop, host};
use cgroup::Hierarchies;
use isolation::visible::seen_through;
use isolation::{Isolation, Possible};
use layout::{Folder, Plan, Planned};
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
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::broadcast;
use types::id::ContainerId;

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
        // Its command line is seen inside the session as well, so it does not say where the data is.
        let name = folder.path().file_name().unwrap_or_default();
        command.arg0("yardmaster").arg("supervise").arg(name).current_dir(folder.sessions());
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
