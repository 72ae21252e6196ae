//! Shared helpers of the tests: an engine in its own folder, waiting with a deadline, finding processes.

use engine::local::{LocalEngine, Options};
use engine::{Engine, Launch, LaunchSpec, Place, RunState, Stop};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use types::id::ContainerId;
use types::quantity::Quantity;
use types::sessions::Outcome;

/// Far longer than anything here takes, even on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

/// Whether sessions are isolated: everything the machine has, and plain processes.
pub const WAYS: [bool; 2] = [true, false];

/// The program with the hidden subcommands, built with these tests.
pub fn exe() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().join("examples/supervisor")
}

/// An engine whose sessions all end when it is dropped.
pub struct Yard {
    pub engine: LocalEngine,
    pub dir: tempfile::TempDir,
    options: Options,
}

pub fn yard() -> Yard {
    yard_with(Options::default())
}

pub fn way(isolation: bool) -> Yard {
    yard_with(Options { isolation, allow_unisolated: true, ..Options::default() })
}

pub fn yard_with(options: Options) -> Yard {
    let dir = tempfile::tempdir().unwrap();
    // As the server creates its data folder: other users may pass through but cannot list it.
    std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
    let engine = LocalEngine::open_with(sessions(&dir), exe(), options.clone()).unwrap();
    Yard { engine, dir, options }
}

fn sessions(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join("sessions")
}

impl Yard {
    pub fn sessions(&self) -> PathBuf {
        sessions(&self.dir)
    }

    /// Opens a second engine on the same folder, as after a restart.
    pub fn restarted(&self) -> LocalEngine {
        LocalEngine::open_with(self.sessions(), exe(), self.options.clone()).unwrap()
    }

    pub async fn start(&self, what: Launch) -> Place {
        let place = new_place(&self.engine).await;
        self.engine.start(&place, &spec(what)).await.unwrap();
        place
    }

    pub async fn batch(&self, command: &str) -> Place {
        self.start(Launch::Batch(command.into())).await
    }

    /// Runs a command to its end. Returns its outcome and its log.
    pub async fn run(&self, command: &str) -> (Outcome, String) {
        let place = self.batch(command).await;
        let outcome = ended(&self.engine, &place).await;
        (outcome, log(&self.engine, &place).await)
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        // A failed test leaves nothing behind either. This needs its own thread, because the test's runtime is in use.
        let (engine, sessions) = (self.engine.clone(), self.sessions());
        let end = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                for entry in std::fs::read_dir(sessions).into_iter().flatten().flatten() {
                    let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
                    let place = Place::new("here", id);
                    if matches!(engine.state(&place).await, Ok(RunState::Starting | RunState::Running(_))) {
                        stop(&engine, &place, Stop::Now).await;
                    }
                }
            });
        });
        // If something goes wrong here, that thread has printed it.
        drop(end.join());
    }
}

/// A file system of its own for a folder, of which a test can use every byte.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Returns `None` where a test may not mount one.
    pub fn mount(folder: &Path, size: &str) -> Option<Self> {
        let options = format!("size={size},mode=711");
        let mounted = std::process::Command::new("mount").args(["-t", "tmpfs", "-o", &options, "none"]).arg(folder).status();
        mounted.is_ok_and(|status| status.success()).then(|| Self(folder.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, because a session may still be ending.
        let _ = std::process::Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Returns a place for a new container on the engine's agent.
pub async fn new_place(engine: &LocalEngine) -> Place {
    let agent = engine.agents().await.unwrap().reports.remove(0).name;
    Place::new(agent, ContainerId(uuid::Uuid::now_v7()))
}

pub fn spec(what: Launch) -> LaunchSpec {
    LaunchSpec {
        name: "job-1".into(),
        what,
        cpu: Quantity::whole(1),
        mem: 256 << 20,
        slots: types::quantity::Slots::cpu_mem(Quantity::whole(1), 256 << 20),
        host_name: String::new(),
        shared_memory: None,
        env: vec![("COLOUR".into(), "blue".into())],
        image: "host".into(),
        mounts: Vec::new(),
        ports: Vec::new(),
        user: None,
        working_directory: None,
    }
}

/// Waits until `look` finds something.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub async fn ended(engine: &LocalEngine, place: &Place) -> Outcome {
    until("a session's end", async || match engine.state(place).await.unwrap() {
        RunState::Ended { outcome, .. } => Some(outcome),
        _ => None,
    })
    .await
}

pub async fn running(engine: &LocalEngine, place: &Place) {
    until("a running session", async || match engine.state(place).await.unwrap() {
        RunState::Running(_) => Some(()),
        RunState::Ended { outcome, .. } => panic!("{outcome:?}"),
        _ => None,
    })
    .await;
}

/// Returns the whole log as it is now.
pub async fn log(engine: &LocalEngine, place: &Place) -> String {
    let (mut text, mut from) = (String::new(), 0);
    loop {
        let chunk = engine.log(place, from, 64 << 10).await.unwrap();
        if chunk.next == from {
            return text;
        }
        text.push_str(&chunk.text);
        from = chunk.next;
    }
}

pub async fn log_has(engine: &LocalEngine, place: &Place, words: &str) {
    until(words, async || {
        let state = engine.state(place).await.unwrap();
        let log = log(engine, place).await;
        assert!(log.contains(words) || !matches!(state, RunState::Ended { .. }), "{state:?} {log}");
        log.contains(words).then_some(())
    })
    .await;
}

pub async fn stop(engine: &LocalEngine, place: &Place, how: Stop) -> Outcome {
    engine.stop(place, how).await.unwrap();
    ended(engine, place).await
}

/// Returns the processes that have `marker` in their arguments.
pub fn processes(marker: &str) -> Vec<i32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        let words = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if pid != std::process::id() as i32 && String::from_utf8_lossy(&words).contains(marker) {
            found.push(pid);
        }
    }
    found
}

pub async fn none_left(marker: &str) {
    until("the end of every process", async || processes(marker).is_empty().then_some(())).await;
}

pub fn kill(pid: i32) {
    // SAFETY: takes no pointers.
    unsafe { libc::kill(pid, libc::SIGKILL) };
}

pub fn marker() -> String {
    format!("marker-{}", uuid::Uuid::now_v7())
}

/// Returns the agent's fact of this name: whether it is good, and its text.
pub async fn fact(engine: &LocalEngine, name: &str) -> (bool, String) {
    let agents = engine.agents().await.unwrap();
    let fact = agents.reports[0].facts.iter().find(|fact| fact.name == name).unwrap();
    (fact.good, fact.value.clone())
}
