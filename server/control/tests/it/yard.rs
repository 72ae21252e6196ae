//! A small simulated cluster whose clock the tests move.

use crate::{PASSWORD, caller};
use control::{Caller, Control, Vault};
use engine::Engine;
use engine::simulated::{Scenario, SimulatedEngine};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use store::Store;
use types::cluster::resource_groups::{RESOURCE_GROUPS, ResourceGroup, SaveGroup};
use types::id::SessionId;
use types::limits::policies::{KEYPAIR_POLICIES, KeypairPolicy, SavePolicy};
use types::people::permissions::Role;
use types::quantity::{Quantity, Slots};
use types::sessions::launch::StartSession;
use types::sessions::{QUEUE, SessionDetail, SessionRow, SessionType, Status};
use types::time::Millis;

const MACHINES: &str = r#"
[[agents]]
name = "vm"
count = 2
slots = { cpu = "8", mem = "32g", "cuda.shares" = "2" }

[sessions]
start_seconds = 1.0
interactive_cpu = 0.0
"#;

pub struct Yard {
    folder: tempfile::TempDir,
    pub engine: Arc<SimulatedEngine>,
    /// Time that passes, and how far the clock was set away from it.
    now: Arc<AtomicI64>,
    set: Arc<AtomicI64>,
    pub control: Control,
    pub root: Caller,
    pub ann: Caller,
}

impl Yard {
    pub async fn new() -> Self {
        Self::of(MACHINES).await
    }

    /// A cluster of the given agents.
    pub async fn of(machines: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicI64::new(1_764_000_000_000));
        let set = Arc::new(AtomicI64::new(0));
        let engine = Self::machines(machines, &now, &set);
        let control = Self::open(folder.path(), &engine, &now, &set).await;
        control.first_start(Some("root@example.org"), Some(PASSWORD)).await.unwrap();
        control.create_user_here("ann@example.org", "ann", "", PASSWORD, Role::User).await.unwrap();
        let root = caller(&control, "root@example.org").await;
        let ann = caller(&control, "ann@example.org").await;
        control.round().await.unwrap();
        Self { folder, engine, now, set, control, root, ann }
    }

    /// The clock of the wall.
    fn wall(now: &Arc<AtomicI64>, set: &Arc<AtomicI64>) -> control::Clock {
        let (now, set) = (now.clone(), set.clone());
        Arc::new(move || Millis(now.load(Ordering::SeqCst) + set.load(Ordering::SeqCst)))
    }

    fn machines(scenario: &str, now: &Arc<AtomicI64>, set: &Arc<AtomicI64>) -> Arc<SimulatedEngine> {
        Arc::new(SimulatedEngine::with_clock(scenario.parse::<Scenario>().unwrap(), Self::wall(now, set)))
    }

    async fn open(
        folder: &std::path::Path,
        engine: &Arc<SimulatedEngine>,
        now: &Arc<AtomicI64>,
        set: &Arc<AtomicI64>,
    ) -> Control {
        let store = Store::open(&folder.join("yard.db")).await.unwrap();
        let engine: Arc<dyn Engine> = engine.clone();
        let vault = Vault::open(&folder.join("secret.key")).unwrap();
        let steady = Self::wall(now, &Arc::default());
        Control::with_clocks(store, engine, vault, Self::wall(now, set), steady)
    }

    /// Sets the clock by these seconds.
    pub fn set_clock(&self, seconds: i64) {
        self.set.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    /// Starts the server again with the same database and engine.
    pub async fn restart(&mut self) {
        self.control = Self::open(self.folder.path(), &self.engine, &self.now, &self.set).await;
        self.round().await;
    }

    /// Starts the server again with a new engine of the given agents. The containers of the old one are gone.
    pub async fn restart_with(&mut self, machines: &str) {
        self.engine = Self::machines(machines, &self.now, &self.set);
        self.restart().await;
    }

    /// Creates another person and signs them in.
    pub async fn person(&self, name: &str) -> Caller {
        let email = format!("{name}@example.org");
        self.control.create_user_here(&email, name, "", PASSWORD, Role::User).await.unwrap();
        caller(&self.control, &email).await
    }

    /// Lets these seconds pass, with a round every two seconds.
    pub async fn seconds(&self, seconds: i64) {
        let mut left = seconds;
        while left > 0 {
            let step = left.min(2);
            self.now.fetch_add(step * 1000, Ordering::SeqCst);
            self.engine.advance();
            self.round().await;
            left -= step;
        }
    }

    /// Lets these milliseconds pass, without a round.
    pub async fn pass(&self, milliseconds: i64) {
        self.now.fetch_add(milliseconds, Ordering::SeqCst);
        self.engine.advance();
    }

    pub async fn round(&self) {
        self.control.round().await.unwrap();
    }

    pub fn now(&self) -> Millis {
        Millis(self.now.load(Ordering::SeqCst) + self.set.load(Ordering::SeqCst))
    }

    /// Ann's default request: one core for an hour.
    pub async fn asked(&self) -> StartSession {
        let options = self.control.start_options(&self.ann, "").await.unwrap();
        StartSession {
            project: options.projects[0].id,
            resource_group: "default".into(),
            kind: SessionType::Batch,
            image: "host".into(),
            command: "sleep 3600".into(),
            slots: Slots::cpu_mem(Quantity::whole(1), 1 << 30),
            ..StartSession::default()
        }
    }

    /// The same request for whole cores in a resource group.
    pub async fn cores(&self, group: &str, cores: i64) -> StartSession {
        let slots = Slots::cpu_mem(Quantity::whole(cores), 1 << 30);
        StartSession { resource_group: group.into(), slots, ..self.asked().await }
    }

    pub async fn start(&self, asked: &StartSession) -> SessionId {
        self.start_as(&self.ann, asked).await
    }

    pub async fn start_as(&self, who: &Caller, asked: &StartSession) -> SessionId {
        self.control.start_session(who, asked).await.unwrap()[0].id
    }

    /// The queue of a resource group as the scheduler page shows it.
    pub async fn queue(&self, group: &str) -> Vec<SessionRow> {
        self.control.queue(&self.root, group, &types::list::ListQuery::new(&QUEUE)).await.unwrap().rows
    }

    /// The message with which a request is refused.
    pub async fn refused(&self, asked: &StartSession) -> String {
        match self.control.start_session(&self.ann, asked).await.unwrap_err() {
            types::Problem::Invalid(errors) => errors.into_iter().map(|error| error.message).collect::<Vec<_>>().join(" "),
            problem => problem.to_string(),
        }
    }

    pub async fn session(&self, id: SessionId) -> SessionDetail {
        self.control.session(&self.root, id).await.unwrap()
    }

    pub async fn status(&self, id: SessionId) -> Status {
        self.session(id).await.row.status
    }

    pub async fn info(&self, id: SessionId) -> String {
        self.session(id).await.row.info
    }

    /// Changes the policy that everybody follows.
    pub async fn limit(&self, change: impl FnOnce(&mut KeypairPolicy)) {
        let query = types::list::ListQuery::new(&KEYPAIR_POLICIES);
        let row = self.control.policies::<KeypairPolicy>(&self.root, &query).await.unwrap().rows.remove(0);
        let mut policy = row.policy;
        change(&mut policy);
        self.control.save_policy(&self.root, &SavePolicy { policy, revision: Some(row.revision) }).await.unwrap();
        self.round().await;
    }

    /// Changes the resource group `default`, active or not.
    pub async fn group(&self, change: impl FnOnce(&mut ResourceGroup)) {
        let mut rows = Vec::new();
        for tab in ["active", "inactive"] {
            let query = types::list::ListQuery { tab: tab.into(), ..types::list::ListQuery::new(&RESOURCE_GROUPS) };
            rows.extend(self.control.resource_groups(&self.root, &query).await.unwrap().rows);
        }
        let row = rows.into_iter().find(|row| row.group.name == "default").unwrap();
        let mut group = row.group;
        change(&mut group);
        self.control.save_resource_group(&self.root, &SaveGroup { group, revision: Some(row.revision) }).await.unwrap();
        self.round().await;
    }
}
