//! Several engines under one control plane: two simulated ones, and the local one with real processes.

use crate::{PASSWORD, caller};
use control::{Caller, Control, Vault};
use engine::local::LocalEngine;
use engine::several::Several;
use engine::simulated::{Manner, SimulatedEngine};
use engine::{Change, Engine, Place, Stop};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use store::Store;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use types::id::{ContainerId, SessionId};
use types::people::permissions::Role;
use types::quantity::{Quantity, Slots};
use types::sessions::launch::StartSession;
use types::sessions::{SessionDetail, SessionType, Status};
use types::time::Millis;

/// Far more than anything here takes, even on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

struct Yard {
    folder: tempfile::TempDir,
    now: Arc<AtomicI64>,
    one: Arc<SimulatedEngine>,
    two: Arc<SimulatedEngine>,
    local: LocalEngine,
    control: Control,
    ann: Caller,
}

/// An engine with two agents, and an image with the engine's name.
fn simulated(name: &str, now: &Arc<AtomicI64>) -> Arc<SimulatedEngine> {
    let text = format!(
        "[[agents]]\nname = \"{name}\"\ncount = 2\nslots = {{ cpu = \"8\", mem = \"32g\" }}\n[[images]]\nname = \"{name}\"\n"
    );
    let clock = now.clone();
    Arc::new(SimulatedEngine::with_clock(text.parse().unwrap(), Arc::new(move || Millis(clock.load(Ordering::SeqCst)))))
}

impl Yard {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicI64::new(1_764_000_000_000));
        let (one, two) = (simulated("one", &now), simulated("two", &now));
        let test = std::env::current_exe().unwrap();
        let exe = test.parent().and_then(Path::parent).unwrap().join("examples/session_helper");
        let local = LocalEngine::open(folder.path().join("sessions"), exe).unwrap();
        let control = Self::open(folder.path(), [one.clone(), two.clone()], &local, &now).await;
        control.first_start(Some("root@example.org"), Some(PASSWORD)).await.unwrap();
        control.create_user_here("ann@example.org", "ann", "", PASSWORD, Role::User).await.unwrap();
        let ann = caller(&control, "ann@example.org").await;
        control.round().await.unwrap();
        Self { folder, now, one, two, local, control, ann }
    }

    async fn open(folder: &Path, simulated: [Arc<SimulatedEngine>; 2], local: &LocalEngine, now: &Arc<AtomicI64>) -> Control {
        let store = Store::open(&folder.join("yard.db")).await.unwrap();
        let vault = Vault::open(&folder.join("secret.key")).unwrap();
        let [one, two] = simulated;
        let all: Vec<(String, Arc<dyn Engine>)> =
            vec![("one".into(), one), ("two".into(), two), ("local".into(), Arc::new(local.clone()))];
        let now = now.clone();
        let clock = Arc::new(move || Millis(now.load(Ordering::SeqCst)));
        Control::with_clock(store, Arc::new(Several::new(all).unwrap()), vault, clock)
    }

    /// Starts the server again with the same database and engines.
    async fn restart(&mut self) {
        let simulated = [self.one.clone(), self.two.clone()];
        self.control = Self::open(self.folder.path(), simulated, &self.local, &self.now).await;
        self.control.round().await.unwrap();
    }

    async fn start(&self, image: &str, kind: SessionType, command: &str) -> SessionId {
        let options = self.control.start_options(&self.ann, "").await.unwrap();
        let asked = StartSession {
            project: options.projects[0].id,
            resource_group: "default".into(),
            kind,
            image: image.into(),
            command: command.into(),
            slots: Slots::cpu_mem(Quantity::thousandths(200), 128 << 20),
            ..StartSession::default()
        };
        self.control.start_session(&self.ann, &asked).await.unwrap()[0].id
    }

    /// Lets these seconds pass for the simulated engines and the control plane, with a round every two seconds.
    async fn seconds(&self, seconds: i64) {
        for _ in 0..seconds / 2 {
            self.now.fetch_add(2_000, Ordering::SeqCst);
            self.one.advance();
            self.two.advance();
            self.control.round().await.unwrap();
        }
    }

    async fn session(&self, id: SessionId) -> SessionDetail {
        self.control.session(&self.ann, id).await.unwrap()
    }

    async fn agent(&self, id: SessionId) -> String {
        self.session(id).await.row.agents.concat()
    }

    /// Waits until a session on the local engine has this status, with a round after each change that the engine reports.
    async fn reaches(&self, id: SessionId, status: Status) {
        let mut changes = self.local.changes();
        let wait = async {
            loop {
                self.control.round().await.unwrap();
                let row = self.session(id).await.row;
                if row.status == status {
                    return;
                }
                assert!(!row.status.is_final(), "{:?}: {}", row.status, row.info);
                assert!(matches!(changes.next().await, Some(Change::Of(_))));
            }
        };
        tokio::time::timeout(DEADLINE, wait).await.expect("the session reached the status");
    }

    async fn log(&self, id: SessionId) -> String {
        self.control.session_log(&self.ann, id, 0, 0, false).await.unwrap().text
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        // A failed test must leave no processes behind either. This needs a thread of its own, because the test's runtime is in
        // use.
        let local = self.local.clone();
        let end = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                for place in local.containers().await.unwrap() {
                    local.stop(&place, Stop::Now).await.unwrap();
                }
            });
        });
        // That thread has reported any error.
        drop(end.join());
    }
}

#[tokio::test]
async fn each_session_runs_on_the_engine_that_has_its_image() {
    let mut yard = Yard::new().await;
    let images = yard.control.start_options(&yard.ann, "").await.unwrap().images;
    assert_eq!(images.iter().map(|image| image.name.as_str()).collect::<Vec<_>>(), ["one", "two", "host"]);
    let first = yard.start("one", SessionType::Batch, "sleep 3600").await;
    let second = yard.start("two", SessionType::Interactive, "").await;
    let real = yard.start("host", SessionType::Batch, "echo real output; sleep 1000").await;
    let shell = yard.start("host", SessionType::Interactive, "").await;
    yard.seconds(4).await;
    yard.reaches(real, Status::Running).await;
    yard.reaches(shell, Status::Running).await;
    assert!(yard.agent(first).await.starts_with("one-") && yard.agent(second).await.starts_with("two-"));
    let machine = yard.local.agents().await.unwrap().reports.remove(0).name;
    assert_eq!((yard.agent(real).await, yard.agent(shell).await), (machine.clone(), machine.clone()));
    for (id, engine) in [(first, &yard.one), (second, &yard.two)] {
        assert_eq!(yard.session(id).await.row.status, Status::Running);
        assert_eq!(engine.running(), [Place::new(yard.agent(id).await, ContainerId::of(id, 0))]);
        assert!(yard.log(id).await.starts_with("simulated: "));
    }
    let mut output = String::new();
    let printed = async {
        while !output.contains("real output") {
            output = yard.log(real).await;
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, printed).await.expect("the real process prints");

    let (mut terminal, _permit) = yard.control.terminal(&yard.ann, second, 80, 24).await.unwrap();
    let mut greeting = [0; 30];
    terminal.output.read_exact(&mut greeting).await.unwrap();
    assert!(greeting.starts_with(b"This session is simulated"));
    let (mut terminal, _permit) = yard.control.terminal(&yard.ann, shell, 80, 24).await.unwrap();
    terminal.input.write_all(b"echo $((40 + 2)); exit\n").await.unwrap();
    let mut screen = String::new();
    tokio::time::timeout(DEADLINE, terminal.output.read_to_string(&mut screen)).await.unwrap().unwrap();
    assert!(screen.contains("42"), "{screen}");

    // A new server finds all of them again.
    yard.restart().await;
    for id in [first, second, real, shell] {
        assert_eq!(yard.session(id).await.row.status, Status::Running);
    }
    yard.control.terminate(&yard.ann, second, false).await.unwrap();
    yard.control.terminate(&yard.ann, real, true).await.unwrap();
    yard.seconds(4).await;
    yard.reaches(real, Status::Terminated).await;
    assert_eq!(yard.session(second).await.row.status, Status::Terminated);
    assert_eq!((yard.one.running().len(), yard.two.running().len()), (1, 0));
    assert_eq!(yard.local.containers().await.unwrap(), [Place::new(machine, ContainerId::of(shell, 0))]);
}

#[tokio::test]
async fn an_engine_that_is_away_keeps_its_sessions_and_delays_no_others() {
    let mut yard = Yard::new().await;
    let first = yard.start("one", SessionType::Batch, "sleep 3600").await;
    let second = yard.start("two", SessionType::Batch, "sleep 3600").await;
    yard.seconds(4).await;
    yard.one.answer(Manner::Fails);
    let waits = yard.start("one", SessionType::Batch, "sleep 3600").await;
    let next = yard.start("two", SessionType::Batch, "sleep 3600").await;
    let real = yard.start("host", SessionType::Batch, "sleep 1000").await;
    // Longer than an agent may be silent if its engine answers.
    yard.seconds(60).await;
    yard.reaches(real, Status::Running).await;
    let status = async |id| yard.session(id).await.row.status;
    assert_eq!(status(first).await, Status::Running, "an engine that is away does not end its sessions");
    assert_eq!((status(second).await, status(next).await), (Status::Running, Status::Running));
    assert_eq!(yard.session(waits).await.row.info, "Waiting for an agent: none in resource group default runs its environment.");
    assert!(yard.control.session_log(&yard.ann, first, 0, 0, false).await.is_err());
    // An agent of another engine is still found lost.
    let lost = yard.agent(second).await;
    yard.two.lose_agent(&lost);
    yard.seconds(50).await;
    assert_eq!(yard.session(second).await.row.status, Status::Error);
    // A server that starts while the engine is away does not give up its sessions either.
    yard.restart().await;
    yard.seconds(60).await;
    assert_eq!(yard.session(first).await.row.status, Status::Running);
    yard.one.answer(Manner::Answers);
    yard.seconds(10).await;
    assert_eq!(yard.session(first).await.row.status, Status::Running);
    assert_eq!(yard.session(waits).await.row.status, Status::Running);
    assert!(yard.log(first).await.starts_with("simulated: "));
}
