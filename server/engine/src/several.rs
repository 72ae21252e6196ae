//! Several engines combined into one, each with its own agents.
//!
//! A call about a container goes to the engine of its agent; a call about everything goes to all engines at once. When an engine
//! fails or hangs, only its own agents become silent. An agent belongs to the first engine that reports it, until the server is
//! started again. Deliberately absent: anything kept on disk.

use crate::{
    Agents, Changes, Connection, DiskSize, Engine, EngineError, Image, LaunchSpec, LogPiece, Place, RunState, Stop, Terminal,
};
use async_trait::async_trait;
use futures::future::{BoxFuture, join_all};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use types::quantity::Slots;
use types::sessions::Usage;
use types::time::Millis;

/// An engine that has not answered after this time is considered hung. Longer than any engine needs to start a container.
const PATIENCE: Duration = Duration::from_secs(15);
/// An engine that hung is not called again for this long. Otherwise every call would wait for it.
const REST: Duration = Duration::from_secs(60);

/// Several engines that act as one.
pub struct Several {
    engines: Vec<Member>,
    known: Mutex<Known>,
    patience: Duration,
}

/// One of the engines.
struct Member {
    /// The engine's name in its agents' reports.
    name: String,
    engine: Arc<dyn Engine>,
    condition: Mutex<Condition>,
}

/// The health of an engine.
#[derive(Default)]
struct Condition {
    /// The last logged reason why it does not answer.
    trouble: Option<String>,
    /// Set after it hung: it is not called again before this time.
    rests_until: Option<Instant>,
    /// Its images from its last answer. They can be used again as soon as the engine is back.
    images: Vec<Image>,
}

#[derive(Default)]
struct Known {
    /// Whether the engines have been asked for their agents at least once.
    asked: bool,
    /// The index of each agent's engine.
    owners: HashMap<String, usize>,
    /// Agents that were refused because another engine has them, with the index of the refused engine. Each is logged once.
    refused: HashSet<(String, usize)>,
}

impl Several {
    /// Combines engines into one. Each comes with the name that its agents' reports carry. An agent that two engines report
    /// belongs to the one that reported it first; if both report it at the same time, to the one that comes first here.
    ///
    /// # Errors
    ///
    /// When two of them have the same name.
    pub fn new(engines: Vec<(String, Arc<dyn Engine>)>) -> Result<Self, EngineError> {
        Self::with_patience(engines, PATIENCE)
    }

    /// Like [`Several::new`], but with this time limit for answers instead of the usual one.
    ///
    /// # Errors
    ///
    /// When two of them have the same name.
    pub fn with_patience(engines: Vec<(String, Arc<dyn Engine>)>, patience: Duration) -> Result<Self, EngineError> {
        let mut names = HashSet::new();
        if let Some((twice, _)) = engines.iter().find(|(name, _)| !names.insert(name.clone())) {
            return Err(EngineError::unsupported(format!("Two engines are called “{twice}”; give each its own name.")));
        }
        let member = |(name, engine)| Member { name, engine, condition: Mutex::default() };
        Ok(Self { engines: engines.into_iter().map(member).collect(), known: Mutex::default(), patience })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks an engine about all its agents. Returns `None` when it does not answer.
    async fn ask<T>(&self, member: &Member, question: impl Future<Output = Result<T, EngineError>>) -> Option<T> {
        if member.rests() {
            return None;
        }
        match tokio::time::timeout(self.patience, question).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => member.has_trouble(error.with_causes()),
            Err(_) => {
                member.condition().rests_until = Some(Instant::now() + REST);
                member.has_trouble("it did not answer in time".into());
            }
        }
        None
    }

    /// Returns the index of an agent's engine, if any engine has reported the agent. Asks the engines first if nobody has yet.
    async fn owner(&self, agent: &str) -> Option<usize> {
        let asked = self.known().asked;
        if !asked {
            drop(self.agents().await);
        }
        self.known().owners.get(agent).copied()
    }

    /// Sends a call to the engine of an agent.
    async fn route<'a, T, F>(&'a self, agent: &str, question: impl FnOnce(&'a dyn Engine) -> F) -> Result<T, EngineError>
    where
        F: Future<Output = Result<T, EngineError>>,
    {
        let away = || EngineError::AgentAway(agent.to_owned());
        let owner = self.owner(agent).await.ok_or_else(away)?;
        let member = self.engines.get(owner).filter(|member| !member.rests()).ok_or_else(away)?;
        // One agent that hangs does not make its whole engine rest: the others may still answer.
        tokio::time::timeout(self.patience, question(&*member.engine)).await.unwrap_or_else(|_| Err(away()))
    }
}

impl Known {
    /// Returns whether an agent belongs to an engine. An agent without an engine is assigned to this one.
    fn claim(&mut self, agent: &str, number: usize, engines: &[Member]) -> bool {
        let owner = *self.owners.entry(agent.to_owned()).or_insert(number);
        if owner != number && self.refused.insert((agent.to_owned(), number)) {
            let names: Vec<_> = [owner, number].iter().filter_map(|at| engines.get(*at)).map(|member| &member.name).collect();
            tracing::error!(agent, engines = ?names, "two engines report an agent with this name; only the first one's is used");
        }
        owner == number
    }
}

impl Member {
    fn condition(&self) -> MutexGuard<'_, Condition> {
        self.condition.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rests(&self) -> bool {
        self.condition().rests_until.is_some_and(|until| Instant::now() < until)
    }

    /// Logs why the engine does not answer, once for each reason.
    fn has_trouble(&self, why: String) {
        let mut condition = self.condition();
        if condition.trouble.as_ref() != Some(&why) {
            tracing::warn!(engine = self.name, why, "an engine does not answer; its agents are silent until it does");
            condition.trouble = Some(why);
        }
    }

    fn has_reported(&self) {
        let mut condition = self.condition();
        if condition.trouble.take().is_some() {
            tracing::info!(engine = self.name, "an engine answers again");
        }
    }
}

#[async_trait]
impl Engine for Several {
    async fn agents(&self) -> Result<Agents, EngineError> {
        let ask = |member| async move { self.ask(member, member.engine.agents()).await };
        let answers = join_all(self.engines.iter().map(ask)).await;
        let mut all = Agents::default();
        let mut known = self.known();
        known.asked = true;
        for (number, (member, answer)) in self.engines.iter().zip(answers).enumerate() {
            let Some(agents) = answer else {
                all.away.push(member.name.clone());
                continue;
            };
            member.has_reported();
            for mut report in agents.reports {
                if known.claim(&report.name, number, &self.engines) {
                    report.engine.clone_from(&member.name);
                    all.reports.push(report);
                }
            }
        }
        Ok(all)
    }

    /// Returns the images of all engines, each with the engines that have it. An image's minimum is the largest of its engines'.
    async fn images(&self) -> Result<Vec<Image>, EngineError> {
        let ask = |member: &'_ Member| {
            let (engine, name) = (member.engine.clone(), member.name.clone());
            async move {
                let images = engine.images().await?;
                Ok(images.into_iter().map(|image| Image { engines: vec![name.clone()], ..image }).collect::<Vec<_>>())
            }
        };
        let answers = join_all(self.engines.iter().map(|member| self.ask(member, ask(member)))).await;
        let mut all: Vec<Image> = Vec::new();
        for (member, answer) in self.engines.iter().zip(answers) {
            let mut condition = member.condition();
            condition.images = answer.unwrap_or_else(|| std::mem::take(&mut condition.images));
            for image in &condition.images {
                match all.iter_mut().find(|other| other.offer.name == image.offer.name) {
                    Some(other) => {
                        raise_to_at_least(&mut other.offer.minimum, &image.offer.minimum);
                        other.engines.extend(image.engines.iter().cloned());
                    }
                    None => all.push(image.clone()),
                }
            }
        }
        Ok(all)
    }

    async fn start(&self, place: &Place, spec: &LaunchSpec) -> Result<(), EngineError> {
        self.route(&place.agent, |engine| engine.start(place, spec)).await
    }

    async fn stop(&self, place: &Place, how: Stop) -> Result<(), EngineError> {
        self.route(&place.agent, |engine| engine.stop(place, how)).await
    }

    async fn containers(&self) -> Result<Vec<Place>, EngineError> {
        let ask = |member| async move { self.ask(member, member.engine.containers()).await };
        let answers = join_all(self.engines.iter().map(ask)).await;
        let known = self.known();
        let all =
            answers.into_iter().enumerate().flat_map(|(number, places)| places.into_iter().flatten().map(move |p| (number, p)));
        Ok(all.filter(|(number, place)| known.owners.get(&place.agent) == Some(number)).map(|(_, place)| place).collect())
    }

    async fn states(&self, places: &[Place]) -> Vec<Result<RunState, EngineError>> {
        let mut of_engine: HashMap<usize, Vec<usize>> = HashMap::new();
        for (at, place) in places.iter().enumerate() {
            if let Some(owner) = self.owner(&place.agent).await {
                of_engine.entry(owner).or_default().push(at);
            }
        }
        let ask = |(owner, mine): (usize, Vec<usize>)| async move {
            let member = self.engines.get(owner)?;
            let asked: Vec<Place> = mine.iter().filter_map(|at| places.get(*at)).cloned().collect();
            let states = self.ask(member, async { Ok(member.engine.states(&asked).await) }).await?;
            Some(mine.into_iter().zip(states))
        };
        let answers = join_all(of_engine.into_iter().map(ask)).await;
        // The state stays unknown wherever no engine answers.
        let mut all: Vec<_> = places.iter().map(|place| Err(EngineError::AgentAway(place.agent.clone()))).collect();
        for (at, state) in answers.into_iter().flatten().flatten() {
            if let Some(answer) = all.get_mut(at) {
                *answer = state;
            }
        }
        all
    }

    async fn log(&self, place: &Place, from: u64, max: usize) -> Result<LogPiece, EngineError> {
        self.route(&place.agent, |engine| engine.log(place, from, max)).await
    }

    async fn log_growth(&self, place: &Place) -> BoxFuture<'static, ()> {
        let asked = self.route(&place.agent, |engine| async { Ok(engine.log_growth(place).await) }).await;
        asked.unwrap_or_else(|_| Box::pin(tokio::time::sleep(Duration::from_secs(1))))
    }

    async fn usage(&self, place: &Place, after: Millis) -> Result<Vec<Usage>, EngineError> {
        self.route(&place.agent, |engine| engine.usage(place, after)).await
    }

    async fn memory_kills(&self, place: &Place) -> Result<u64, EngineError> {
        self.route(&place.agent, |engine| engine.memory_kills(place)).await
    }

    /// Without a deadline, because many files take long.
    async fn disk(&self, place: &Place, most: u64) -> Result<Option<DiskSize>, EngineError> {
        let Some(owner) = self.owner(&place.agent).await.and_then(|owner| self.engines.get(owner)) else { return Ok(None) };
        owner.engine.disk(place, most).await
    }

    async fn terminal(&self, place: &Place, columns: u16, rows: u16) -> Result<Terminal, EngineError> {
        self.route(&place.agent, |engine| engine.terminal(place, columns, rows)).await
    }

    async fn connect(&self, place: &Place, port: u16) -> Result<Connection, EngineError> {
        self.route(&place.agent, |engine| engine.connect(place, port)).await
    }

    async fn folder(&self, place: &Place) -> Option<std::path::PathBuf> {
        let owner = self.owner(&place.agent).await?;
        self.engines.get(owner)?.engine.folder(place).await
    }

    fn changes(&self) -> Changes {
        Changes::merged(self.engines.iter().map(|member| member.engine.changes()))
    }
}

/// Raises each amount to at least that of another.
fn raise_to_at_least(minimum: &mut Slots, other: &Slots) {
    for (slot, amount) in &other.0 {
        let least = minimum.0.entry(slot.clone()).or_insert(*amount);
        *least = (*least).max(*amount);
    }
}
