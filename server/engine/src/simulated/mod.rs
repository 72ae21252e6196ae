//! The simulated engine: thousands of agents and sessions without processes, for trying out the console, for tests and for
//! benchmarks. Nothing runs: a container's behaviour follows from its start time, its spec and the clock.
//!
//! It refuses what a real agent could not do, such as starting more than it has room for, so that a faulty scheduler fails
//! loudly here.

mod container;
mod controls;
mod inside;
mod journal;
mod scenario;
mod streams;

pub use controls::Manner;
pub use scenario::{Behaviour, Scenario, SimulatedAgent, WrongScenario};

use crate::{
    Agents, Changes, Connection, Engine, EngineError, Image, Launch, LaunchSpec, LogPiece, Place, RunState, Stop, Terminal, host,
};
use async_trait::async_trait;
use container::Container;
use inside::Inside;
use journal::Journal;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::broadcast;
use types::cluster::agents::{AgentReport, Fact};
use types::quantity::{CPU, MEM, Quantity, Slots};
use types::sessions::{Outcome, Usage};
use types::time::Millis;

/// The number of changes that a slow listener may fall behind before it misses some.
const CHANGES: usize = 8_192;
/// Milliseconds that a container takes to end after a gentle stop.
const FAREWELL: i64 = 500;
/// The largest number of measurements in one answer, and the milliseconds between two of them.
const MOST_USAGE: i64 = 600;
const USAGE_EVERY: i64 = 1_000;
/// The share of its cores that a container uses on average at most: the wave around it goes a quarter higher.
const STEADY: f64 = 0.78;

/// The engine's name in its agents' reports.
const ENGINE: &str = "simulated";

/// Returns the current time.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// A simulated cluster.
pub struct SimulatedEngine {
    scenario: Scenario,
    images: Vec<Image>,
    clock: Clock,
    inside: Mutex<Inside>,
    changes: broadcast::Sender<Place>,
    /// Notified when the next change is due sooner than before.
    sooner: tokio::sync::Notify,
}

fn system_clock() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

impl SimulatedEngine {
    /// Makes a cluster that uses the system's clock and keeps nothing on disk.
    pub fn new(scenario: Scenario) -> Self {
        Self::with_clock(scenario, Arc::new(system_clock))
    }

    /// Like [`SimulatedEngine::new`], but with another clock. After moving the clock, call [`SimulatedEngine::advance`].
    pub fn with_clock(scenario: Scenario, clock: Clock) -> Self {
        let (changes, sooner) = (broadcast::channel(CHANGES).0, tokio::sync::Notify::new());
        let images = scenario.images.iter().map(|offer| Image { offer: offer.clone(), engines: vec![ENGINE.into()] }).collect();
        Self { scenario, images, clock, inside: Mutex::default(), changes, sooner }
    }

    /// Opens a cluster that keeps its containers in a journal, where the next server finds them again.
    pub fn open(scenario: Scenario, journal: PathBuf) -> Result<Self, EngineError> {
        let engine = Self::new(scenario);
        let now = engine.now();
        let (journal, containers) =
            Journal::open(&journal, now).map_err(EngineError::failed("the journal could not be opened"))?;
        {
            let mut inside = engine.inside();
            inside.journal = Some(journal);
            for (id, container) in containers {
                inside.put(id, container, now);
            }
        }
        Ok(engine)
    }

    /// Announces starts and ends when they are due, as long as the engine lives.
    pub fn spawn_clock(self: &Arc<Self>) {
        let engine = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(engine) = engine.upgrade() {
                engine.advance();
                let next = engine.inside().due.first().map(|(at, _)| at.since(engine.now()));
                let wait = Duration::from_millis(next.unwrap_or(1_000).clamp(5, 1_000).unsigned_abs());
                tokio::select! { () = tokio::time::sleep(wait) => {}, () = engine.sooner.notified() => {} }
            }
        });
    }

    /// Announces every change that is due by now.
    pub fn advance(&self) {
        let now = self.now();
        let mut changed = Vec::new();
        {
            let mut inside = self.inside();
            while let Some((at, id)) = inside.due.first().copied().filter(|(at, _)| *at <= now) {
                inside.due.remove(&(at, id));
                inside.bury(id, now);
                changed.extend(inside.containers.get(&id).map(|container| Place::new(&container.agent, id)));
            }
        }
        for place in changed {
            // It is fine if nobody listens.
            let _ = self.changes.send(place);
        }
    }

    /// Returns every container that is alive, whether or not its agent answers.
    pub fn running(&self) -> Vec<Place> {
        let now = self.now();
        let inside = self.inside();
        let alive = inside.containers.iter().filter(|(_, container)| container.is_alive(now));
        alive.map(|(id, container)| Place::new(&container.agent, *id)).collect()
    }

    fn now(&self) -> Millis {
        (self.clock)()
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when the engine answers: at once, with an error or never, as set by [`SimulatedEngine::answer`].
    async fn reached(&self) -> Result<(), EngineError> {
        let manner = self.inside().manner;
        match manner {
            Manner::Answers => Ok(()),
            Manner::Fails => Err(EngineError::failed("the engine could not be reached")("it was set to fail")),
            Manner::Hangs => std::future::pending().await,
        }
    }

    /// Returns the container at a place, if there is one. Fails if its agent does not answer.
    fn known(&self, place: &Place) -> Result<Option<Container>, EngineError> {
        let inside = self.inside();
        if inside.away.contains(&place.agent) {
            return Err(EngineError::AgentAway(place.agent.clone()));
        }
        Ok(inside.containers.get(&place.container).filter(|container| container.agent == place.agent).cloned())
    }

    /// Returns the running container at a place.
    fn running_at(&self, place: &Place) -> Result<Container, EngineError> {
        let container = self.known(place)?.ok_or(EngineError::UnknownContainer)?;
        let runs = matches!(container.state(self.now()), RunState::Running(_));
        if runs { Ok(container) } else { Err(EngineError::NotRunning) }
    }

    /// Returns when and how a batch command ends on its own.
    fn plan(&self, what: &Launch, from: Millis) -> Option<(Millis, Outcome)> {
        let Launch::Batch(command) = what else { return None };
        let word = |name: &str| command.split([';', '&', '\n']).map(str::trim).find_map(|part| part.strip_prefix(name));
        let seconds = word("sleep ").and_then(|rest| rest.trim().parse::<f64>().ok());
        let code = match word("exit ").and_then(|rest| rest.trim().parse().ok()) {
            Some(code) => code,
            None => i32::from(word("false").is_some()),
        };
        let runs = seconds.unwrap_or(self.scenario.behaviour.batch_seconds).clamp(0.0, 1e9);
        Some((Millis(from.0 + (runs * 1000.0) as i64), Outcome::Exited(code)))
    }

    /// Returns the milliseconds of processor time that a container has used until `at`.
    fn cpu_until(&self, container: &Container, at: Millis) -> u64 {
        let share = match container.spec.what {
            Launch::Interactive => self.scenario.behaviour.interactive_cpu,
            Launch::Batch(_) => STEADY,
        };
        let seconds = at.since(container.runs_at) as f64 / 1000.0;
        let cores = container.spec.cpu.as_thousandths() as f64 / 1000.0;
        // A slow wave, so that charts have something to show.
        let wave = (seconds / 20.0).sin() * 5.0;
        ((seconds + wave).max(0.0) * share.min(STEADY) * cores * 1000.0) as u64
    }

    fn memory(&self, container: &Container, at: Millis) -> i64 {
        let filled = (at.since(container.runs_at) as f64 / 120_000.0).min(1.0);
        (container.spec.mem as f64 * (0.1 + 0.6 * filled)) as i64
    }
}

#[async_trait]
impl Engine for SimulatedEngine {
    async fn agents(&self) -> Result<Agents, EngineError> {
        self.reached().await?;
        let now = self.now();
        let inside = self.inside();
        let answering = self.scenario.agents.iter().filter(|agent| !inside.away.contains(&agent.name));
        let report = |agent: &SimulatedAgent| {
            let mut used = Slots::default();
            for id in inside.on.get(&agent.name).into_iter().flatten() {
                let Some(container) = inside.containers.get(id) else { continue };
                if matches!(container.state(now), RunState::Running(_)) {
                    let last = Millis(now.0 - USAGE_EVERY);
                    let cpu = self.cpu_until(container, now).saturating_sub(self.cpu_until(container, last));
                    let mut one = container.spec.slots.clone();
                    one.0.insert(CPU.into(), Quantity::thousandths(i64::try_from(cpu).unwrap_or(i64::MAX)));
                    one.0.insert(MEM.into(), Quantity::whole(self.memory(container, now)));
                    used.add(&one);
                }
            }
            // As on a real machine, where programs that want more share what there is.
            for (slot, amount) in &mut used.0 {
                *amount = (*amount).min(agent.slots.get(slot));
            }
            AgentReport {
                name: agent.name.clone(),
                address: agent.address.clone(),
                engine: ENGINE.into(),
                version: env!("CARGO_PKG_VERSION").into(),
                architecture: agent.architecture.clone(),
                resource_group: agent.resource_group.clone(),
                capacity: agent.slots.clone(),
                used,
                at: now,
                facts: vec![Fact { name: "Processes".into(), value: "None: everything here is simulated".into(), good: false }],
                refusal: None,
            }
        };
        Ok(Agents { reports: answering.map(report).collect(), away: Vec::new() })
    }

    async fn images(&self) -> Result<Vec<Image>, EngineError> {
        self.reached().await?;
        Ok(self.images.clone())
    }

    async fn start(&self, place: &Place, spec: &LaunchSpec) -> Result<(), EngineError> {
        self.reached().await?;
        let now = self.now();
        let (agent, id) = (place.agent.as_str(), place.container);
        {
            let mut inside = self.inside();
            if inside.away.contains(agent) {
                return Err(EngineError::AgentAway(agent.to_owned()));
            }
            if let Some(before) = inside.containers.get(&id) {
                let here = before.agent == agent;
                let elsewhere =
                    || EngineError::failed("the engine refused it")(format!("it was already started on {}", before.agent));
                return if here { Ok(()) } else { Err(elsewhere()) };
            }
            if inside.refused > 0 {
                inside.refused -= 1;
                return Err(EngineError::failed("the engine refused it")("it was set to refuse"));
            }
            if let Some(what) = &inside.unable {
                return Err(EngineError::unsupported(what.clone()));
            }
            host::check_image(&spec.image, &self.images)?;
            let Some(machine) = self.scenario.agents.iter().find(|machine| machine.name == agent) else {
                return Err(EngineError::failed("the engine refused it")(format!("there is no agent {agent}")));
            };
            let mut wanted = inside.held(agent, now);
            wanted.add(&spec.slots);
            if wanted.beyond(&machine.slots).next().is_some() {
                return Err(EngineError::Full(agent.to_owned()));
            }
            let runs_at = Millis(now.0 + (self.scenario.behaviour.start_seconds * 1000.0) as i64);
            let planned = self.plan(&spec.what, runs_at);
            let agent = agent.to_owned();
            let container = Container { agent, spec: spec.clone(), asked_at: now, runs_at, planned, ended: None };
            inside.put(id, container, now);
            inside.keep(id)?;
        }
        self.sooner.notify_one();
        Ok(())
    }

    async fn stop(&self, place: &Place, how: Stop) -> Result<(), EngineError> {
        self.reached().await?;
        let id = place.container;
        let Some(before) = self.known(place)? else { return Ok(()) };
        let now = self.now();
        if !before.is_alive(now) {
            return Ok(());
        }
        let end = match how {
            Stop::Gently(_) => (Millis(now.0 + FAREWELL), Outcome::Signalled(15)),
            Stop::Now => (now, Outcome::Signalled(9)),
        };
        {
            let mut inside = self.inside();
            let Some(container) = inside.containers.get_mut(&id) else { return Ok(()) };
            // After two orders to stop, the sooner end counts.
            if container.ended.as_ref().is_some_and(|(at, _)| *at <= end.0) {
                return Ok(());
            }
            container.ended = Some(end.clone());
            inside.due.insert((end.0, id));
            inside.keep(id)?;
        }
        self.sooner.notify_one();
        Ok(())
    }

    async fn containers(&self) -> Result<Vec<Place>, EngineError> {
        self.reached().await?;
        let mut running = self.running();
        let inside = self.inside();
        running.retain(|place| !inside.away.contains(&place.agent));
        Ok(running)
    }

    async fn states(&self, places: &[Place]) -> Vec<Result<RunState, EngineError>> {
        let now = self.now();
        if let Err(error) = self.reached().await {
            let why = error.with_causes();
            return places
                .iter()
                .map(|_| Err(EngineError::failed("the state of a container could not be read")(why.clone())))
                .collect();
        }
        let state = |place| Ok(self.known(place)?.map_or(RunState::Unknown, |container| container.state(now)));
        places.iter().map(state).collect()
    }

    async fn log(&self, place: &Place, from: u64, max: usize) -> Result<LogPiece, EngineError> {
        self.reached().await?;
        let container = self.known(place)?.ok_or(EngineError::UnknownContainer)?;
        let state = container.state(self.now());
        let mut text = format!("simulated: {} was placed on {}\n", container.spec.name, container.agent);
        if !matches!(state, RunState::Starting) {
            text.push_str(&match &container.spec.what {
                Launch::Interactive => "simulated: a shell waits for terminals\n".to_owned(),
                Launch::Batch(command) => format!("simulated: running `{command}`\n"),
            });
        }
        let end = matches!(state, RunState::Ended { .. });
        if let RunState::Ended { outcome, .. } = state {
            text.push_str(&format!("simulated: {}\n", outcome.describe()));
        }
        let size = text.len() as u64;
        let at = from.min(size);
        let rest = usize::try_from(at).ok().and_then(|at| text.as_bytes().get(at..)).unwrap_or_default();
        let piece = &rest[..rest.len().min(max)];
        Ok(LogPiece { bytes: piece.to_vec(), at, first: 0, size, end: end && piece.len() == rest.len() })
    }

    async fn usage(&self, place: &Place, after: Millis) -> Result<Vec<Usage>, EngineError> {
        self.reached().await?;
        let container = self.known(place)?.ok_or(EngineError::UnknownContainer)?;
        let last = container.ends_at().map_or(self.now(), |end| end.min(self.now()));
        let first = after.0.max(last.0 - MOST_USAGE * USAGE_EVERY).max(container.runs_at.0);
        let steps = (first / USAGE_EVERY + 1)..=(last.0 / USAGE_EVERY);
        let measure = |step: i64| {
            let at = Millis(step * USAGE_EVERY);
            let mem = self.memory(&container, at).unsigned_abs();
            Usage { at, cpu_ms: self.cpu_until(&container, at), mem, processes: 1 }
        };
        Ok(steps.map(measure).collect())
    }

    async fn terminal(&self, place: &Place, _columns: u16, _rows: u16) -> Result<Terminal, EngineError> {
        self.reached().await?;
        if self.running_at(place)?.spec.what != Launch::Interactive {
            return Err(EngineError::NotRunning);
        }
        Ok(streams::terminal())
    }

    /// Connects to an echo: everything sent comes back.
    async fn connect(&self, place: &Place, port: u16) -> Result<Connection, EngineError> {
        self.reached().await?;
        if !self.running_at(place)?.spec.ports.contains(&port) {
            return Err(EngineError::PortNotAsked(port));
        }
        Ok(Box::new(streams::echo()))
    }

    fn changes(&self) -> Changes {
        Changes::of(self.changes.subscribe())
    }
}
