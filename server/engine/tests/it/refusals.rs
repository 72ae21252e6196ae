//! Optional features of a spec: which ones the local engine supports, and which ones it refuses with a message.

use crate::common::*;
use engine::{Engine, EngineError, Launch, LaunchSpec, Mount, Place, RunAs, RunState, Stop};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use types::id::ContainerId;
use types::sessions::Outcome;

fn sleep() -> LaunchSpec {
    spec(Launch::Batch("sleep 1000".into()))
}

#[tokio::test]
async fn an_unsupported_feature_is_refused_by_name_and_nothing_starts() {
    let yard = yard();
    let mount = Mount { source: "/srv".into(), target: "/home/work/data".into(), read_only: true };
    let asked = [
        (LaunchSpec { image: "torch".into(), ..sleep() }, "This engine has no image “torch”; it has: host."),
        (LaunchSpec { mounts: vec![mount], ..sleep() }, "This engine cannot mount folders."),
        (
            LaunchSpec { user: Some(RunAs { uid: 1200, gid: 1200, gids: vec![] }), ..sleep() },
            "This engine cannot run processes under a chosen user id.",
        ),
    ];
    for (spec, words) in asked {
        let place = new_place(&yard.engine).await;
        let refused = yard.engine.start(&place, &spec).await.unwrap_err();
        assert!(matches!(refused, EngineError::Unsupported { .. }));
        assert_eq!(refused.to_string(), words);
        assert_eq!(yard.engine.state(&place).await.unwrap(), RunState::Unknown);
        assert!(!yard.sessions().join(place.container.to_string()).exists());
    }
}

#[tokio::test]
async fn a_container_for_another_agent_is_not_started() {
    let yard = yard();
    let place = Place::new("elsewhere", ContainerId(uuid::Uuid::now_v7()));
    assert!(matches!(yard.engine.start(&place, &sleep()).await, Err(EngineError::Failed { .. })));
    assert_eq!(yard.engine.state(&place).await.unwrap(), RunState::Unknown);
}

#[tokio::test]
async fn a_session_begins_in_its_working_directory() {
    for kind in WAYS {
        let yard = way(kind);
        let place = new_place(&yard.engine).await;
        let directory = Some("/usr".into());
        yard.engine
            .start(&place, &LaunchSpec { working_directory: directory, ..spec(Launch::Batch("pwd".into())) })
            .await
            .unwrap();
        assert_eq!(ended(&yard.engine, &place).await, Outcome::Exited(0), "{kind:?}");
        assert_eq!(log(&yard.engine, &place).await, "/usr\n", "{kind:?}");
    }
}

#[tokio::test]
async fn a_requested_port_can_be_reached_while_its_session_runs() {
    let yard = yard();
    // Sessions share the machine's network, so this can play the program inside a session.
    let program = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let [port, quiet] = [&program, &silent].map(|listener| listener.local_addr().unwrap().port());
    drop(silent);
    let place = new_place(&yard.engine).await;
    assert!(matches!(yard.engine.connect(&place, port).await, Err(EngineError::UnknownContainer)));
    yard.engine.start(&place, &LaunchSpec { ports: vec![port, quiet], ..sleep() }).await.unwrap();
    running(&yard.engine, &place).await;
    let mut connection = yard.engine.connect(&place, port).await.unwrap();
    let (mut accepted, _) = program.accept().await.unwrap();
    connection.write_all(b"ping").await.unwrap();
    let mut received = [0; 4];
    accepted.read_exact(&mut received).await.unwrap();
    assert_eq!(&received, b"ping");
    assert!(matches!(yard.engine.connect(&place, quiet).await, Err(EngineError::PortSilent(_))));
    let other = yard.batch("sleep 1000").await;
    running(&yard.engine, &other).await;
    assert!(matches!(yard.engine.connect(&other, port).await, Err(EngineError::PortNotAsked(_))));
    stop(&yard.engine, &place, Stop::Now).await;
    assert!(matches!(yard.engine.connect(&place, port).await, Err(EngineError::NotRunning)));
}

#[tokio::test]
async fn a_spec_written_by_an_older_version_can_still_be_read() {
    let yard = yard();
    let place = yard.start(Launch::Interactive).await;
    running(&yard.engine, &place).await;
    let file = yard.sessions().join(place.container.to_string()).join("spec.json");
    let mut plan: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let launch = plan["launch"].as_object_mut().unwrap();
    for added in ["image", "mounts", "ports", "user", "working_directory"] {
        assert!(launch.remove(added).is_some(), "{added}");
    }
    std::fs::write(&file, plan.to_string()).unwrap();
    let engine = yard.restarted();
    assert!(matches!(engine.state(&place).await.unwrap(), RunState::Running(_)));
    assert!(engine.terminal(&place, 80, 24).await.is_ok());
    assert!(matches!(engine.connect(&place, 8080).await, Err(EngineError::PortNotAsked(8080))));
}
