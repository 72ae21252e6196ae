//! The server and a command of another process on one database, and two servers on one data folder.

use crate::{PASSWORD, Yard, open};
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use std::io::Write;
use std::process::Command;
use std::time::Duration;
use types::people::permissions::Role;

#[tokio::test(flavor = "multi_thread")]
async fn a_page_hears_once_of_a_change_by_another_process() {
    let yard = Yard::new().await;
    tokio::spawn(yard.control.clone().follow_other_processes());
    let root = yard.cookie_of("root@example.org").await;
    let mut body = yard.open(Request::get("/events").header("cookie", &root).body(Body::empty()).unwrap()).await.into_body();
    let other = open(yard.folder.path()).await.0;
    other.create_user_here("new@example.org", "new", "", PASSWORD, Role::User).await.unwrap();
    let mut heard = String::new();
    while !heard.contains("event: change") {
        heard.push_str(&String::from_utf8_lossy(body.frame().await.unwrap().unwrap().data_ref().unwrap()));
    }
    // Whatever else there is to hear would be there at once.
    while let Ok(Some(Ok(frame))) = tokio::time::timeout(Duration::from_secs(2), body.frame()).await {
        heard.push_str(&String::from_utf8_lossy(frame.data_ref().unwrap()));
    }
    assert_eq!(heard.matches("event: change").count(), 1, "{heard}");
    assert!(!heard.contains("reload"), "{heard}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_ahead_of_this_process_misses_nothing() {
    let yard = Yard::new().await;
    let other = open(yard.folder.path()).await.0;
    other.create_user_here("new@example.org", "new", "", PASSWORD, Role::User).await.unwrap();
    // Its number is newer than the newest that this process knows of, and is still no reason to ask for everything again.
    let caller = crate::caller(&other, "root@example.org").await;
    let newest = *other.events_grew(&caller).unwrap().borrow();
    assert_eq!(yard.control.events(&caller, newest).await.unwrap(), Some((Vec::new(), newest)));
    // And what is between the two is heard as soon as this process has looked.
    tokio::spawn(yard.control.clone().follow_other_processes());
    let heard = async {
        loop {
            let (events, last) = yard.control.events(&caller, newest - 1).await.unwrap().unwrap();
            if last == newest {
                return events.len();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert_eq!(tokio::time::timeout(Duration::from_secs(30), heard).await, Ok(1));
}

#[test]
fn a_second_server_on_a_data_folder_is_refused_with_the_firsts_process_id() {
    let folder = tempfile::tempdir().unwrap();
    let mut lock = std::fs::File::create(folder.path().join("server.lock")).unwrap();
    lock.try_lock().unwrap();
    writeln!(lock, "{}", std::process::id()).unwrap();
    for command in ["serve", "seed"] {
        let mut second = Command::new(env!("CARGO_BIN_EXE_yardmaster"));
        let answer = second.args([command, "--data"]).arg(folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&answer.stderr);
        assert!(!answer.status.success());
        assert!(said.contains("in use by another Yardmaster server") && said.contains(&std::process::id().to_string()), "{said}");
        assert!(!folder.path().join("yardmaster.db").exists(), "and touches nothing");
    }
}
