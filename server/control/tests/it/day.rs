//! A day in a simulated cluster: 50,000 sessions, agents that vanish, crash and come back, and a server that is killed at any
//! moment. Only the engine and the database survive that.

use crate::PASSWORD;
use control::{Caller, Control, Vault};
use engine::simulated::{Scenario, SimulatedEngine};
use engine::{Engine, Place};
use std::collections::{BTreeMap, HashSet};
use std::future::Future;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll};
use store::Store;
use types::cluster::agents::AGENTS;
use types::id::ContainerId;
use types::limits::policies::{KeypairPolicy, SavePolicy};
use types::list::{ListQuery, Window};
use types::people::permissions::Role;
use types::quantity::{Quantity, Slots};
use types::sessions::launch::StartSession;
use types::sessions::{Cluster, ClusterMode};
use types::sessions::{SESSIONS, SessionRow, SessionType, Status};
use types::time::Millis;

const MACHINES: &str = r#"
[[agents]]
name = "cpu"
count = 16
slots = { cpu = "64", mem = "256g" }

[[agents]]
name = "gpu"
count = 8
slots = { cpu = "64", mem = "512g", "cuda.shares" = "8" }

[sessions]
start_seconds = 3.0
"#;

/// Sessions that are started during the day. They come in handfuls, as from scripts.
const ARRIVALS: u32 = 50_000;
/// The length of the day in hours.
const HOURS: i64 = 24;
/// Seconds between two rounds.
const STEP: i64 = 60;
const PEOPLE: usize = 6;

/// Numbers that look random and are the same every time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n.max(1)
    }
}

/// Polls a future `polls` times, then drops it wherever it is, as a kill would.
struct KilledAfter<F> {
    inner: Pin<Box<F>>,
    polls: u64,
}

impl<F: Future> Future for KilledAfter<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polls == 0 {
            return Poll::Ready(None);
        }
        self.polls -= 1;
        self.inner.as_mut().poll(cx).map(Some)
    }
}

struct Day {
    folder: tempfile::TempDir,
    engine: Arc<SimulatedEngine>,
    now: Arc<AtomicI64>,
    control: Control,
    chance: Chance,
    asked: u32,
}

async fn open(folder: &Path, engine: &Arc<SimulatedEngine>, now: &Arc<AtomicI64>) -> Control {
    let store = Store::open(&folder.join("yard.db")).await.unwrap();
    let (engine, now): (Arc<dyn Engine>, _) = (engine.clone(), now.clone());
    let vault = Vault::open(&folder.join("secret.key")).unwrap();
    Control::with_clock(store, engine, vault, Arc::new(move || Millis(now.load(Ordering::SeqCst))))
}

impl Day {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicI64::new(1_764_000_000_000));
        let clock = now.clone();
        let scenario: Scenario = MACHINES.parse().unwrap();
        let engine = Arc::new(SimulatedEngine::with_clock(scenario, Arc::new(move || Millis(clock.load(Ordering::SeqCst)))));
        let control = open(folder.path(), &engine, &now).await;
        control.first_start(Some("root@example.org"), Some(PASSWORD)).await.unwrap();
        for n in 0..PEOPLE {
            let email = format!("p{n}@example.org");
            control.create_user_here(&email, &format!("p{n}"), "", PASSWORD, Role::User).await.unwrap();
        }
        let root = crate::caller(&control, "root@example.org").await;
        let policy = KeypairPolicy { max_cluster: 4, ..KeypairPolicy::new("default") };
        control.save_policy(&root, &SavePolicy { policy, revision: Some(1) }).await.unwrap();
        control.round().await.unwrap();
        Self { folder, engine, now, control, chance: Chance(7), asked: 0 }
    }

    /// Lets time pass: the agents act, and the control plane runs a round.
    async fn step(&mut self) {
        self.now.fetch_add(STEP * 1000, Ordering::SeqCst);
        self.engine.advance();
        if self.chance.below(20) == 0 {
            self.kill().await;
        }
        self.control.round().await.unwrap();
    }

    /// Kills the server in the middle of a round and starts it again.
    async fn kill(&mut self) {
        let polls = self.chance.below(60);
        let control = self.control.clone();
        let round = async move { control.round().await };
        drop(KilledAfter { inner: Box::pin(round), polls }.await);
        self.control = open(self.folder.path(), &self.engine, &self.now).await;
    }

    async fn machines_come_and_go(&mut self, away: &mut BTreeMap<String, i64>, at: i64) {
        let back: Vec<String> = away.iter().filter(|(_, until)| **until <= at).map(|(name, _)| name.clone()).collect();
        for name in back {
            away.remove(&name);
            self.engine.return_agent(&name);
        }
        if self.chance.below(30) == 0 && away.len() < 6 {
            let n = self.chance.below(24);
            let name = if n < 16 { format!("cpu-{}", n + 1) } else { format!("gpu-{}", n - 15) };
            // Some are back before they count as gone, some much later.
            let until = at + 10 + i64::try_from(self.chance.below(1200)).unwrap();
            if away.insert(name.clone(), until).is_none() {
                if self.chance.below(2) == 0 { self.engine.lose_agent(&name) } else { self.engine.crash_agent(&name) }
            }
        }
    }

    async fn somebody_asks(&mut self, people: &[Caller]) {
        let who = self.chance.below(PEOPLE as u64) as usize;
        let options = self.control.start_options(&people[who], "").await.unwrap();
        let count = 1 + self.chance.below(29) as u32;
        let several = self.chance.below(12) == 0;
        let mut slots = Slots::cpu_mem(Quantity::whole(1 + self.chance.below(4) as i64), (1 + self.chance.below(8) as i64) << 30);
        if !several && self.chance.below(6) == 0 {
            slots.0.insert("cuda.shares".into(), Quantity::thousandths(250 * (1 + self.chance.below(6) as i64)));
        }
        let mode = if self.chance.below(2) == 0 { ClusterMode::SingleNode } else { ClusterMode::MultiNode };
        let asked = StartSession {
            project: options.projects[0].id,
            resource_group: "default".into(),
            kind: SessionType::Batch,
            image: "host".into(),
            command: format!("sleep {}", 30 + self.chance.below(1500)),
            slots,
            cluster: Cluster { mode, size: if several { 3 } else { 1 } },
            priority: self.chance.below(11) as u8,
            count,
            ..StartSession::default()
        };
        let started = self.control.start_session(&people[who], &asked).await.unwrap();
        assert_eq!(started.len() as u32, count);
        self.asked += count;
        if self.chance.below(20) == 0 {
            let force = self.chance.below(2) == 0;
            // It may have ended already.
            let _ = self.control.terminate(&people[who], started[0].id, force).await;
        }
    }

    async fn sessions(&self, root: &Caller, finished: Option<bool>) -> Vec<SessionRow> {
        let window = Some(Window { offset: 0, limit: 1_000_000, any_tab: true });
        let page = self.control.sessions(root, &ListQuery { window, ..ListQuery::new(&SESSIONS) }, None).await.unwrap();
        page.rows.into_iter().filter(|row| finished.is_none_or(|finished| row.status.is_final() == finished)).collect()
    }

    /// Asserts that on every agent that answers, the occupied slots are those of the containers running there.
    async fn occupancy_is_what_runs(&self, root: &Caller) {
        let answering: HashSet<String> =
            self.engine.agents().await.unwrap().reports.into_iter().map(|report| report.name).collect();
        let living = self.living(root).await;
        let mut expected: BTreeMap<String, Slots> = BTreeMap::new();
        let mut known: HashSet<Place> = HashSet::new();
        for row in &living {
            for (index, agent) in (0u32..).zip(&row.agents) {
                known.insert(Place::new(agent, ContainerId::of(row.id, index)));
                if answering.contains(agent) {
                    expected.entry(agent.clone()).or_default().add(&row.slots);
                }
            }
        }
        let window = Some(Window { offset: 0, limit: 1_000, any_tab: true });
        let agents = self.control.agents(root, &ListQuery { window, ..ListQuery::new(&AGENTS) }).await.unwrap();
        for agent in agents.rows.iter().filter(|agent| answering.contains(&agent.report.name)) {
            let name = &agent.report.name;
            assert!(agent.occupied.beyond(&agent.report.capacity).next().is_none(), "{name} is over its capacity");
            assert_eq!(agent.occupied, expected.remove(name).unwrap_or_default(), "{name}");
        }
        let running: HashSet<Place> = self.engine.running().into_iter().collect();
        for row in living.iter().filter(|row| row.status == Status::Running) {
            for (index, agent) in (0u32..).zip(&row.agents) {
                let place = Place::new(agent, ContainerId::of(row.id, index));
                assert!(running.contains(&place) || !answering.contains(agent), "{} counts as running and does not", row.name);
            }
        }
        let strays: Vec<_> = self
            .engine
            .running()
            .into_iter()
            .filter(|place| answering.contains(&place.agent) && !known.contains(place))
            .collect();
        assert!(strays.is_empty(), "{} containers belong to no session", strays.len());
    }

    async fn living(&self, root: &Caller) -> Vec<SessionRow> {
        let window = Some(Window { offset: 0, limit: 1_000_000, any_tab: false });
        let page = self.control.sessions(root, &ListQuery { window, ..ListQuery::new(&SESSIONS) }, None).await.unwrap();
        page.rows
    }

    async fn people(&self) -> (Caller, Vec<Caller>) {
        let root = crate::caller(&self.control, "root@example.org").await;
        let mut people = Vec::new();
        for n in 0..PEOPLE {
            people.push(crate::caller(&self.control, &format!("p{n}@example.org")).await);
        }
        (root, people)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_agents_and_killed_servers_neither_lose_nor_double_sessions() {
    let mut day = Day::new().await;
    let (root, people) = day.people().await;
    let steps = HOURS * 3600 / STEP;
    let mut away = BTreeMap::new();
    for n in 0..steps {
        let due = (i64::from(ARRIVALS) * (n + 1) / steps) as u32;
        while day.asked < due {
            pin!(day.somebody_asks(&people)).await;
        }
        day.machines_come_and_go(&mut away, n * STEP).await;
        day.step().await;
        if n % 60 == 0 {
            // Recalculating also ends containers on agents that had been given up.
            day.control.recalculate_usage(&root).await.unwrap();
            day.occupancy_is_what_runs(&root).await;
        }
    }
    let names: Vec<String> = away.keys().cloned().collect();
    names.iter().for_each(|name| day.engine.return_agent(name));
    // No more arrivals: everything comes to its end.
    let mut left = usize::MAX;
    for _ in 0..1_000 {
        day.step().await;
        left = day.living(&root).await.len();
        if left == 0 {
            break;
        }
    }
    assert_eq!(left, 0, "nothing is stuck");
    day.control.recalculate_usage(&root).await.unwrap();
    day.occupancy_is_what_runs(&root).await;
    let all = day.sessions(&root, Some(true)).await;
    assert_eq!(all.len() as u32, day.asked, "no session is lost or doubled");
    let ended_well = all.iter().filter(|row| row.status == Status::Terminated).count();
    assert!(ended_well * 10 > all.len() * 8, "{ended_well} of {} ended well", all.len());
    let lost = all.iter().filter(|row| row.status == Status::Error);
    for row in lost {
        assert!(row.info.contains("no longer answers") || row.info.contains("Lost"), "{}: {}", row.name, row.info);
    }
}
