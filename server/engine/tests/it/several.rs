//! Several engines as one: whose an agent is, and what becomes of the others when one of them fails.

use crate::common::spec;
use async_trait::async_trait;
use engine::several::Several;
use engine::simulated::SimulatedEngine;
use engine::{
    Agents, Change, Changes, Connection, Engine, EngineError, Image, Launch, LaunchSpec, Place, RunState, Stop, Terminal,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use types::id::ContainerId;
use types::quantity::{Quantity, Slots};
use types::sessions::{LogChunk, Outcome, Usage};
use types::time::Millis;

const ANSWERS: u8 = 0;
const FAILS: u8 = 1;
const HANGS: u8 = 2;

/// A simulated engine that can be away as a whole.
struct Moody {
    inner: SimulatedEngine,
    mood: AtomicU8,
}

impl Moody {
    fn new(agents: &str, images: &str) -> Arc<Self> {
        let agents = format!("[[agents]]\nname = \"{agents}\"\ncount = 2\nslots = {{ cpu = \"4\", mem = \"8g\" }}\n{images}");
        Arc::new(Self { inner: SimulatedEngine::new(agents.parse().unwrap()), mood: AtomicU8::new(ANSWERS) })
    }

    fn be(&self, mood: u8) {
        self.mood.store(mood, Ordering::SeqCst);
    }

    async fn answer<T>(&self, question: impl Future<Output = Result<T, EngineError>>) -> Result<T, EngineError> {
        match self.mood.load(Ordering::SeqCst) {
            FAILS => Err(EngineError::failed("it could not be asked")("the connection was refused")),
            HANGS => std::future::pending().await,
            _ => question.await,
        }
    }
}

#[async_trait]
impl Engine for Moody {
    async fn agents(&self) -> Result<Agents, EngineError> {
        self.answer(self.inner.agents()).await
    }
    async fn images(&self) -> Result<Vec<Image>, EngineError> {
        self.answer(self.inner.images()).await
    }
    async fn start(&self, place: &Place, spec: &LaunchSpec) -> Result<(), EngineError> {
        self.answer(self.inner.start(place, spec)).await
    }
    async fn stop(&self, place: &Place, how: Stop) -> Result<(), EngineError> {
        self.answer(self.inner.stop(place, how)).await
    }
    async fn containers(&self) -> Result<Vec<Place>, EngineError> {
        self.answer(self.inner.containers()).await
    }
    async fn states(&self, places: &[Place]) -> Vec<Result<RunState, EngineError>> {
        match self.answer(async { Ok(self.inner.states(places).await) }).await {
            Ok(states) => states,
            Err(_) => places.iter().map(|_| Err(EngineError::failed("it could not be asked")("no connection"))).collect(),
        }
    }
    async fn log(&self, place: &Place, from: u64, max: usize) -> Result<LogChunk, EngineError> {
        self.answer(self.inner.log(place, from, max)).await
    }
    async fn usage(&self, place: &Place, after: Millis) -> Result<Vec<Usage>, EngineError> {
        self.answer(self.inner.usage(place, after)).await
    }
    async fn terminal(&self, place: &Place, columns: u16, rows: u16) -> Result<Terminal, EngineError> {
        self.answer(self.inner.terminal(place, columns, rows)).await
    }
    async fn connect(&self, place: &Place, port: u16) -> Result<Connection, EngineError> {
        self.answer(self.inner.connect(place, port)).await
    }
    fn changes(&self) -> Changes {
        self.inner.changes()
    }
}

fn several(engines: &[(&str, &Arc<Moody>)]) -> Several {
    let engines = engines.iter().map(|(name, engine)| ((*name).to_owned(), (*engine).clone() as Arc<dyn Engine>));
    // Simulated engines answer at once or, when they hang, never.
    Several::with_patience(engines.collect(), Duration::ZERO).unwrap()
}

fn place(agent: &str, n: u128) -> Place {
    Place::new(agent, ContainerId(uuid::Uuid::from_u128(n)))
}

fn sleep() -> LaunchSpec {
    spec(Launch::Batch("sleep 100".into()))
}

/// The names of agents with those of their engines.
async fn agents(engine: &Several) -> Vec<(String, String)> {
    engine.agents().await.unwrap().reports.into_iter().map(|report| (report.name, report.engine)).collect()
}

#[tokio::test]
async fn a_container_is_asked_of_the_engine_of_its_agent_and_of_no_other() {
    let (a, b) = (Moody::new("a", ""), Moody::new("b", ""));
    let all = several(&[("first", &a), ("second", &b)]);
    let mut changes = all.changes();
    all.start(&place("a-1", 1), &sleep()).await.unwrap();
    all.start(&place("b-2", 2), &sleep()).await.unwrap();
    assert_eq!((a.inner.running(), b.inner.running()), (vec![place("a-1", 1)], vec![place("b-2", 2)]));
    let names = [("a-1", "first"), ("a-2", "first"), ("b-1", "second"), ("b-2", "second")];
    assert_eq!(agents(&all).await, names.map(|(agent, engine)| (agent.to_owned(), engine.to_owned())));
    assert_eq!(all.containers().await.unwrap(), [place("a-1", 1), place("b-2", 2)]);
    let states = all.states(&[place("b-2", 2), place("nowhere", 3), place("a-1", 1), place("b-1", 2)]).await;
    assert!(
        matches!(states[..], [Ok(RunState::Starting), Err(EngineError::AgentAway(_)), Ok(_), Ok(RunState::Unknown)]),
        "{states:?}"
    );
    assert!(all.log(&place("b-2", 2), 0, 100).await.unwrap().text.contains("b-2"));
    all.stop(&place("b-2", 2), Stop::Now).await.unwrap();
    b.inner.advance();
    assert_eq!(changes.next().await, Some(Change::Of(place("b-2", 2))));
    assert!(matches!(all.state(&place("b-2", 2)).await.unwrap(), RunState::Ended { outcome: Outcome::Signalled(9), .. }));
    assert_eq!(a.inner.running().len(), 1);
}

#[tokio::test]
async fn an_engine_that_is_away_takes_its_own_agents_away_and_no_others() {
    for mood in [FAILS, HANGS] {
        let (a, b) = (Moody::new("a", ""), Moody::new("b", ""));
        let all = several(&[("first", &a), ("second", &b)]);
        all.start(&place("a-1", 1), &sleep()).await.unwrap();
        all.start(&place("b-1", 2), &sleep()).await.unwrap();
        a.be(mood);
        let answer = all.agents().await.unwrap();
        assert_eq!(answer.away, ["first"]);
        assert_eq!(answer.reports.len(), 2);
        let states = all.states(&[place("a-1", 1), place("b-1", 2)]).await;
        assert!(states[0].is_err() && states[1].is_ok(), "{states:?}");
        assert_eq!(all.containers().await.unwrap(), [place("b-1", 2)]);
        assert_eq!(all.images().await.unwrap().len(), 1);
        assert!(all.start(&place("a-2", 3), &sleep()).await.is_err());
        all.start(&place("b-2", 3), &sleep()).await.unwrap();
        assert!(all.log(&place("a-1", 1), 0, 100).await.is_err());
    }
}

#[tokio::test]
async fn an_engine_that_failed_is_back_with_its_next_answer() {
    let (a, b) = (Moody::new("a", ""), Moody::new("b", ""));
    let all = several(&[("first", &a), ("second", &b)]);
    // Not there when the server starts: whose the agent is, is not known yet.
    a.be(FAILS);
    assert!(matches!(all.state(&place("a-1", 1)).await, Err(EngineError::AgentAway(_))));
    a.be(ANSWERS);
    assert_eq!(all.state(&place("a-1", 1)).await.unwrap(), RunState::Unknown);
    assert_eq!(all.agents().await.unwrap().away, [""; 0]);
}

#[tokio::test]
async fn an_agent_that_two_engines_report_stays_the_first_ones() {
    let (a, b) = (Moody::new("same", ""), Moody::new("same", ""));
    let all = several(&[("first", &a), ("second", &b)]);
    assert!(agents(&all).await.iter().all(|(_, engine)| engine == "first"));
    all.start(&place("same-1", 1), &sleep()).await.unwrap();
    assert_eq!((a.inner.running().len(), b.inner.running().len()), (1, 0));
    // What runs on the refused one is nobody's business here.
    b.inner.start(&place("same-1", 2), &sleep()).await.unwrap();
    assert_eq!(all.containers().await.unwrap(), [place("same-1", 1)]);
    a.be(FAILS);
    assert_eq!(agents(&all).await, [], "the second one does not step in");
    assert!(all.state(&place("same-1", 1)).await.is_err());
}

#[tokio::test]
async fn images_are_those_of_all_engines_with_the_names_of_the_engines_that_have_them() {
    let image = |name: &str, cpu: u32| format!("[[images]]\nname = \"{name}\"\nslots = {{ cpu = \"{cpu}\" }}\n");
    let a = Moody::new("a", &image("torch", 1));
    let b = Moody::new("b", &(image("torch", 2) + &image("jax", 1)));
    let all = several(&[("first", &a), ("second", &b)]);
    let images = async || {
        let images = all.images().await.unwrap();
        let tell = |image: Image| (image.offer.name, image.engines.join("+"), image.offer.minimum);
        images.into_iter().map(tell).collect::<Vec<_>>()
    };
    let cpu = |n| Slots([("cpu".to_owned(), Quantity::whole(n))].into());
    let expected = [("torch".to_owned(), "first+second".to_owned(), cpu(2)), ("jax".into(), "second".into(), cpu(1))];
    assert_eq!(images().await, expected);
    b.be(FAILS);
    assert_eq!(images().await, expected, "an image is not forgotten while its engine is away");
    b.be(ANSWERS);
    let refused = all.start(&place("a-1", 1), &LaunchSpec { image: "jax".into(), ..sleep() }).await.unwrap_err();
    assert_eq!(refused.to_string(), "This engine has no image “jax”; it has: torch.");
}

#[test]
fn two_engines_of_one_name_are_refused() {
    let (a, b) = (Moody::new("a", ""), Moody::new("b", ""));
    let engines: Vec<(String, Arc<dyn Engine>)> = vec![("x".into(), a), ("x".into(), b)];
    assert!(Several::new(engines).is_err_and(|error| error.to_string().contains("“x”")));
}
