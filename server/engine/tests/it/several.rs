//! Several engines as one: which engine an agent belongs to, and how a failing engine affects the others.

use crate::common::spec;
use engine::several::Several;
use engine::simulated::{Manner, SimulatedEngine};
use engine::{Change, Engine, EngineError, Image, Launch, LaunchSpec, Place, RunState, Stop};
use std::sync::Arc;
use std::time::Duration;
use types::id::ContainerId;
use types::quantity::{Quantity, Slots};
use types::sessions::Outcome;

/// Makes an engine with two simulated agents and these images.
fn engine(agents: &str, images: &str) -> Arc<SimulatedEngine> {
    let agents = format!("[[agents]]\nname = \"{agents}\"\ncount = 2\nslots = {{ cpu = \"4\", mem = \"8g\" }}\n{images}");
    Arc::new(SimulatedEngine::new(agents.parse().unwrap()))
}

fn several(engines: &[(&str, &Arc<SimulatedEngine>)]) -> Several {
    let engines = engines.iter().map(|(name, engine)| ((*name).to_owned(), (*engine).clone() as Arc<dyn Engine>));
    // Simulated engines answer at once or, if they hang, never.
    Several::with_patience(engines.collect(), Duration::ZERO).unwrap()
}

fn place(agent: &str, n: u128) -> Place {
    Place::new(agent, ContainerId(uuid::Uuid::from_u128(n)))
}

fn sleep() -> LaunchSpec {
    spec(Launch::Batch("sleep 100".into()))
}

/// Returns the names of the agents with the names of their engines.
async fn agents(engine: &Several) -> Vec<(String, String)> {
    engine.agents().await.unwrap().reports.into_iter().map(|report| (report.name, report.engine)).collect()
}

#[tokio::test]
async fn only_the_engine_of_its_agent_is_asked_about_a_container() {
    let (a, b) = (engine("a", ""), engine("b", ""));
    let all = several(&[("first", &a), ("second", &b)]);
    let mut changes = all.changes();
    all.start(&place("a-1", 1), &sleep()).await.unwrap();
    all.start(&place("b-2", 2), &sleep()).await.unwrap();
    assert_eq!((a.running(), b.running()), (vec![place("a-1", 1)], vec![place("b-2", 2)]));
    let names = [("a-1", "first"), ("a-2", "first"), ("b-1", "second"), ("b-2", "second")];
    assert_eq!(agents(&all).await, names.map(|(agent, engine)| (agent.to_owned(), engine.to_owned())));
    assert_eq!(all.containers().await.unwrap(), [place("a-1", 1), place("b-2", 2)]);
    let states = all.states(&[place("b-2", 2), place("nowhere", 3), place("a-1", 1), place("b-1", 2)]).await;
    assert!(
        matches!(states[..], [Ok(RunState::Starting), Err(EngineError::AgentAway(_)), Ok(_), Ok(RunState::Unknown)]),
        "{states:?}"
    );
    assert!(all.log(&place("b-2", 2), 0, 100).await.unwrap().bytes.windows(3).any(|bytes| bytes == b"b-2"));
    all.stop(&place("b-2", 2), Stop::Now).await.unwrap();
    b.advance();
    assert_eq!(changes.next().await, Some(Change::Of(place("b-2", 2))));
    assert!(matches!(all.state(&place("b-2", 2)).await.unwrap(), RunState::Ended { outcome: Outcome::Signalled(9), .. }));
    assert_eq!(a.running().len(), 1);
}

#[tokio::test]
async fn only_the_agents_of_a_failing_engine_become_silent() {
    for manner in [Manner::Fails, Manner::Hangs] {
        let (a, b) = (engine("a", ""), engine("b", ""));
        let all = several(&[("first", &a), ("second", &b)]);
        all.start(&place("a-1", 1), &sleep()).await.unwrap();
        all.start(&place("b-1", 2), &sleep()).await.unwrap();
        a.answer(manner);
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
    let (a, b) = (engine("a", ""), engine("b", ""));
    let all = several(&[("first", &a), ("second", &b)]);
    // The engine is away when the server starts, so its agents are not known yet.
    a.answer(Manner::Fails);
    assert!(matches!(all.state(&place("a-1", 1)).await, Err(EngineError::AgentAway(_))));
    a.answer(Manner::Answers);
    assert_eq!(all.agents().await.unwrap().away, [""; 0]);
    assert_eq!(all.state(&place("a-1", 1)).await.unwrap(), RunState::Unknown);
}

#[tokio::test]
async fn an_agent_reported_by_two_engines_belongs_to_the_first() {
    let (a, b) = (engine("same", ""), engine("same", ""));
    let all = several(&[("first", &a), ("second", &b)]);
    assert!(agents(&all).await.iter().all(|(_, engine)| engine == "first"));
    all.start(&place("same-1", 1), &sleep()).await.unwrap();
    assert_eq!((a.running().len(), b.running().len()), (1, 0));
    // Containers of the refused engine do not appear here.
    b.start(&place("same-1", 2), &sleep()).await.unwrap();
    assert_eq!(all.containers().await.unwrap(), [place("same-1", 1)]);
    a.answer(Manner::Fails);
    assert_eq!(agents(&all).await, [], "the second one does not step in");
    assert!(all.state(&place("same-1", 1)).await.is_err());
}

#[tokio::test]
async fn the_images_of_all_engines_are_offered_with_their_engines() {
    let image = |name: &str, cpu: u32| format!("[[images]]\nname = \"{name}\"\nslots = {{ cpu = \"{cpu}\" }}\n");
    let a = engine("a", &image("torch", 1));
    let b = engine("b", &(image("torch", 2) + &image("jax", 1)));
    let all = several(&[("first", &a), ("second", &b)]);
    let images = async || {
        let images = all.images().await.unwrap();
        let tell = |image: Image| (image.offer.name, image.engines.join("+"), image.offer.minimum);
        images.into_iter().map(tell).collect::<Vec<_>>()
    };
    let cpu = |n| Slots([("cpu".to_owned(), Quantity::whole(n))].into());
    let expected = [("torch".to_owned(), "first+second".to_owned(), cpu(2)), ("jax".into(), "second".into(), cpu(1))];
    assert_eq!(images().await, expected);
    b.answer(Manner::Fails);
    assert_eq!(images().await, expected, "an image is not forgotten while its engine is away");
    b.answer(Manner::Answers);
    let refused = all.start(&place("a-1", 1), &LaunchSpec { image: "jax".into(), ..sleep() }).await.unwrap_err();
    assert_eq!(refused.to_string(), "This engine has no image “jax”; it has: torch.");
}

#[test]
fn two_engines_with_the_same_name_are_refused() {
    let (a, b) = (engine("a", ""), engine("b", ""));
    let engines: Vec<(String, Arc<dyn Engine>)> = vec![("x".into(), a), ("x".into(), b)];
    assert!(Several::new(engines).is_err_and(|error| error.to_string().contains("“x”")));
}
