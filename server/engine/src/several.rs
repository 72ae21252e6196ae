//! One engine made of several, each with its own agents.
//!
//! What concerns a container goes to the engine of its agent; what concerns all is asked of all at the same time. An engine that
//! fails or hangs takes its own agents away and never the others'. Deliberately absent: anything kept on disk. Whose an agent is
//! follows from the first engine that reports it, and does not change until the server is started again.

use crate::{Agents, Changes, Connection, Engine, EngineError, Image, LaunchSpec, Place, RunState, Stop, Terminal};
use async_trait::async_trait;
use futures::future::join_all;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use types::quantity::Slots;
use types::sessions::{LogChunk, Usage};
use types::time::Millis;

/// An engine that has not answered after this long hangs. Longer than any engine needs to start a container.
const PATIENCE: Duration = Duration::from_secs(15);
/// An engine that hung is left alone for this long: otherwise every question would wait for it anew.
const REST: Duration = Duration::from_secs(60);

/// Several engines that look like one.
pub struct Several {
    engines: Vec<Member>,
    known: Mutex<Known>,
    patience: Duration,
}

/// One of the engines.
struct Member {
    /// What its agents' reports say of their engine.
    name: String,
    engine: Arc<dyn Engine>,
    condition: Mutex<Condition>,
}

/// How an engine is doing.
#[derive(Default)]
struct Condition {
    /// Why it does not answer, as the log last said.
    trouble: Option<String>,
    /// It hung, and is not asked again before.
    rests_until: Option<Instant>,
    /// Its images as it last named them: they are there again when it is.
    images: Vec<Image>,
}

#[derive(Default)]
struct Known {
    /// The engines have been asked for their agents at least once.
    asked: bool,
    /// The number of the engine that each agent belongs to.
    owners: HashMap<String, usize>,
    /// Agents that were refused, with the number of the engine that reported them too; said in the log once.
    refused: HashSet<(String, usize)>,
}

impl Several {
    /// One engine of these, each with the name that its agents' reports get. An agent that two of them report belongs to the one
    /// that reported it first, or comes first here.
    ///
    /// # Errors
    ///
    /// When two of them have the same name.
    pub fn new(engines: Vec<(String, Arc<dyn Engine>)>) -> Result<Self, EngineError> {
        Self::with_patience(engines, PATIENCE)
    }

    /// [`Several::new`], with engines counting as away that have not answered after this time.
    ///
    /// # Errors
    ///
    /// When two of them have the same name.
    pub fn with_patience(engines: Vec<(String, Arc<dyn Engine>)>, patience: Duration) -> Result<Self, EngineError> {
        let mut names = HashSet::new();
        if let Some((twice, _)) = engines.iter().find(|(name, _)| !names.insert(name.clone())) {
            return Err(EngineError::unsupported(format!("Two engines are called “{twice}”; give each a name of its own.")));
        }
        let member = |(name, engine)| Member { name, engine, condition: Mutex::default() };
        Ok(Self { engines: engines.into_iter().map(member).collect(), known: Mutex::default(), patience })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks an engine for something that concerns all its agents; `None` when it does not answer.
    async fn ask<T>(&self, member: &Member, question: impl Future<Output = Result<T, EngineError>>) -> Option<T> {
        if member.rests() {
            return None;
        }
        match tokio::time::timeout(self.patience, question).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => member.has_trouble(error.with_causes()),
            Err(_) => {
                member.condition().rests_until = Some(Instant::now() + REST);
                member.has_trouble("it hangs".into());
            }
        }
        None
    }

    /// The number of an agent's engine, as far as engines have said so. They are asked here only if nobody has done so yet.
    async fn owner(&self, agent: &str) -> Option<usize> {
        let asked = self.known().asked;
        if !asked {
            drop(self.agents().await);
        }
        self.known().owners.get(agent).copied()
    }

    /// Asks the engine of an agent.
    async fn route<'a, T, F>(&'a self, agent: &str, question: impl FnOnce(&'a dyn Engine) -> F) -> Result<T, EngineError>
    where
        F: Future<Output = Result<T, EngineError>>,
    {
        let away = || EngineError::AgentAway(agent.to_owned());
        let owner = self.owner(agent).await.ok_or_else(away)?;
        let member = self.engines.get(owner).filter(|member| !member.rests()).ok_or_else(away)?;
        // One agent that hangs is no reason to leave the others of its engine alone.
        tokio::time::timeout(self.patience, question(&*member.engine)).await.unwrap_or_else(|_| Err(away()))
    }
}

impl Known {
    /// Says whether an agent belongs to an engine; one that belongs to nobody does from now on.
    fn claim(&mut self, agent: &str, number: usize, engines: &[Member]) -> bool {
        let owner = *self.owners.entry(agent.to_owned()).or_insert(number);
        if owner != number && self.refused.insert((agent.to_owned(), number)) {
            let names: Vec<_> = [owner, number].iter().filter_map(|at| engines.get(*at)).map(|member| &member.name).collect();
            tracing::error!(agent, engines = ?names, "two engines have an agent of this name; only the first one's is used");
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

    /// Says in the log why it does not answer, once for each reason.
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

    /// The images of all, each with the engines that have it. One that several have needs what it needs in any of them.
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
                        raise(&mut other.offer.minimum, &image.offer.minimum);
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
        // Whatever nobody answers for cannot be said.
        let mut all: Vec<_> = places.iter().map(|place| Err(EngineError::AgentAway(place.agent.clone()))).collect();
        for (at, state) in answers.into_iter().flatten().flatten() {
            if let Some(answer) = all.get_mut(at) {
                *answer = state;
            }
        }
        all
    }

    async fn log(&self, place: &Place, from: u64, max: usize) -> Result<LogChunk, EngineError> {
        self.route(&place.agent, |engine| engine.log(place, from, max)).await
    }

    async fn usage(&self, place: &Place, after: Millis) -> Result<Vec<Usage>, EngineError> {
        self.route(&place.agent, |engine| engine.usage(place, after)).await
    }

    async fn terminal(&self, place: &Place, columns: u16, rows: u16) -> Result<Terminal, EngineError> {
        self.route(&place.agent, |engine| engine.terminal(place, columns, rows)).await
    }

    async fn connect(&self, place: &Place, port: u16) -> Result<Connection, EngineError> {
        self.route(&place.agent, |engine| engine.connect(place, port)).await
    }

    fn changes(&self) -> Changes {
        Changes::merged(self.engines.iter().map(|member| member.engine.changes()))
    }
}

/// Raises each amount to at least that of another.
fn raise(minimum: &mut Slots, other: &Slots) {
    for (slot, amount) in &other.0 {
        let least = minimum.0.entry(slot.clone()).or_insert(*amount);
        *least = (*least).max(*amount);
    }
}
