//! The end of the server: sessions continue, and a new server finds them.

use crate::common::*;
use engine::local::LocalEngine;
use engine::{Change, Engine, Place, RunState, Stop};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use types::sessions::Outcome;

/// Starts a server in its own process, and waits until it has started one session.
fn server(dir: &std::path::Path, place: &Place, command: &str) -> Child {
    let mut server = Command::new(exe());
    server.arg("serve").arg(dir).arg(place.container.to_string()).arg(command).stdout(Stdio::piped()).process_group(0);
    let mut server = server.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "started\n");
    server
}

fn die(mut server: Child) {
    // Kills the whole process group, as a terminal's Ctrl-C would end it.
    // SAFETY: takes no pointers.
    unsafe { libc::kill(-(server.id() as i32), libc::SIGINT) };
    kill(-(server.id() as i32));
    server.wait().unwrap();
}

#[tokio::test]
async fn a_session_outlives_its_server_and_keeps_its_whole_log() {
    // The engine of this test takes no part; it only cleans up.
    let yard = yard();
    let place = new_place(&yard.engine).await;
    let server = server(&yard.sessions(), &place, "echo before; until test -e go; do sleep 0.02; done; echo after; exit 4");
    die(server);
    let engine = yard.restarted();
    let mut changes = engine.changes();
    log_has(&engine, &place, "before").await;
    running(&engine, &place).await;
    assert_eq!(Vec::from_iter(engine.usage(&place, types::time::Millis(i64::MAX)).await.unwrap()), []);
    std::fs::write(yard.sessions().join(place.container.to_string()).join("home/go"), "").unwrap();
    // The new server learns of the end although it did not start the session. It may first learn that the session runs.
    until("news of its end", async || {
        assert_eq!(changes.next().await, Some(Change::Of(place.clone())));
        matches!(engine.state(&place).await.unwrap(), RunState::Ended { .. }).then_some(())
    })
    .await;
    assert_eq!(ended(&engine, &place).await, Outcome::Exited(4));
    assert_eq!(log(&engine, &place).await, "before\nafter\n");
}

#[tokio::test]
async fn a_session_that_ended_without_a_server_has_its_exit_code() {
    // The engine of this test takes no part; it only cleans up.
    let yard = yard();
    let place = new_place(&yard.engine).await;
    die(server(&yard.sessions(), &place, "echo here; sleep 0.3; exit 9"));
    let exit = yard.sessions().join(place.container.to_string()).join("exit.json");
    until("its end without a server", async || exit.exists().then_some(())).await;
    let engine = yard.restarted();
    assert_eq!(ended(&engine, &place).await, Outcome::Exited(9));
    let chunk = engine.log(&place, 0, 100).await.unwrap();
    assert_eq!((chunk.bytes.as_slice(), chunk.end), (&b"here\n"[..], true));
}

#[tokio::test]
async fn a_new_server_can_stop_a_session_of_an_old_one() {
    // The engine of this test takes no part; it only cleans up.
    let yard = yard();
    let place = new_place(&yard.engine).await;
    die(server(&yard.sessions(), &place, "echo here; sleep 1000"));
    let engine = yard.restarted();
    assert_eq!(stop(&engine, &place, Stop::Gently(Duration::from_millis(20_000))).await, Outcome::Signalled(15));
}

#[tokio::test]
async fn a_session_can_be_started_again_if_nothing_was_started_before() {
    let yard = yard();
    let place = new_place(&yard.engine).await;
    let folder = yard.sessions().join(place.container.to_string());
    std::fs::create_dir(&folder).unwrap();
    // Half a file that was never renamed, and a socket that nobody listens to.
    std::fs::write(folder.join("spec.json.1.new"), "{").unwrap();
    drop(std::os::unix::net::UnixListener::bind(folder.join("control.sock")).unwrap());
    assert_eq!(yard.engine.state(&place).await.unwrap(), RunState::Unknown);
    yard.engine.start(&place, &spec(engine::Launch::Batch("echo here".into()))).await.unwrap();
    assert_eq!(ended(&yard.engine, &place).await, Outcome::Exited(0));
}

#[tokio::test]
async fn a_deep_data_folder_works() {
    let dir = tempfile::tempdir().unwrap();
    let deep = dir.path().join("a-folder-with-a-rather-long-name/".repeat(6));
    let engine = LocalEngine::open(deep, exe()).unwrap();
    let place = new_place(&engine).await;
    engine.start(&place, &spec(engine::Launch::Batch("echo here; sleep 1000".into()))).await.unwrap();
    log_has(&engine, &place, "here").await;
    assert_eq!(stop(&engine, &place, Stop::Gently(Duration::from_millis(20_000))).await, Outcome::Signalled(15));
}

#[tokio::test]
async fn a_program_replaced_on_disk_still_starts_sessions() {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("yardmaster");
    std::fs::copy(exe(), &program).unwrap();
    let engine = LocalEngine::open(dir.path().join("sessions"), program.clone()).unwrap();
    std::fs::remove_file(&program).unwrap();
    let place = new_place(&engine).await;
    engine.start(&place, &spec(engine::Launch::Batch("echo here".into()))).await.unwrap();
    assert_eq!(ended(&engine, &place).await, Outcome::Exited(0));
    assert_eq!(log(&engine, &place).await, "here\n");
}
