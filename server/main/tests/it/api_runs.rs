//! Sessions that really run and end, as the API reports them to a script that waits for one.

use crate::{Yard, caller};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;
use types::id::SessionId;
use types::sessions::{SessionDetail, Status};

impl Yard {
    /// Runs a batch session to its end.
    pub async fn run(&self, cookie: &str, name: &str, command: &str) -> String {
        let id = self.begin(cookie, name, "batch", command).await;
        self.reaches(&id, Status::is_final).await;
        id
    }

    /// Starts a session without waiting for it.
    pub async fn begin(&self, cookie: &str, name: &str, kind: &str, command: &str) -> String {
        // Sessions run as another user, who owns nothing here and must be able to pass through.
        std::fs::set_permissions(self.folder.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
        let body = json!({ "name": name, "image": "host", "type": kind, "startupCommand": command, "enqueueOnly": true,
            "config": { "resources": { "cpu": "0.5", "mem": "256m" } } });
        let answer = self.call(Method::POST, "/func/session", cookie, &body.to_string()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        serde_json::from_str::<Value>(&answer.text).unwrap()["sessionId"].as_str().unwrap().to_owned()
    }

    /// Runs the queue until a session has such a status, and returns it.
    pub async fn reaches(&self, id: &str, such: impl Fn(Status) -> bool) -> SessionDetail {
        let root = caller(&self.control, "root@example.org").await;
        let session: SessionId = id.parse().unwrap();
        for _ in 0..300 {
            self.control.round().await.unwrap();
            let found = self.control.session(&root, session).await.unwrap();
            if such(found.row.status) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{id} has not come so far");
    }

    /// The events of a session that has ended: their names and their data.
    async fn events(&self, cookie: &str, query: &str) -> Vec<(String, Value)> {
        self.event_stream(cookie, &format!("session?{query}")).await
    }

    /// The events of a stream that comes to its end: their names and what they carry.
    async fn event_stream(&self, cookie: &str, path: &str) -> Vec<(String, Value)> {
        let request = Request::get(format!("/func/events/{path}")).header("cookie", cookie);
        let body = self.open(request.body(Body::empty()).unwrap()).await.into_body();
        let whole = tokio::time::timeout(Duration::from_secs(30), body.collect()).await.unwrap().unwrap().to_bytes();
        let text = String::from_utf8(whole.to_vec()).unwrap();
        let field = |event: &str, name: &str| {
            let value = event.lines().find_map(|line| line.strip_prefix(name));
            value.map(|value| value.trim().to_owned())
        };
        let events = text.split("\n\n").filter_map(|event| Some((field(event, "event:")?, field(event, "data:")?)));
        events.map(|(name, data)| (name, serde_json::from_str(&data).unwrap())).collect()
    }

    async fn logs(&self, cookie: &str, path: &str) -> String {
        let answer = self.get(&format!("/func/session/{path}"), cookie).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        serde_json::from_str::<Value>(&answer.text).unwrap()["result"]["logs"].as_str().unwrap().to_owned()
    }
}

fn names(events: &[(String, Value)]) -> Vec<&str> {
    events.iter().map(|(name, _)| name.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_sessions_result_is_sent_before_its_end() {
    let yard = Yard::new().await;
    let user = yard.client("user@example.org").await;
    let failed = yard.run(&user, "fails", "exit 3").await;
    let events = yard.events(&user, "sessionName=fails&scope=*").await;
    assert_eq!(names(&events), ["session_failure", "session_terminated", "server_close"], "{events:?}");
    assert_eq!((&events[0].1["exitCode"], &events[0].1["sessionId"]), (&json!(3), &json!(failed)));
    assert_eq!(names(&yard.events(&user, &format!("sessionId={failed}")).await), names(&events));
    yard.run(&user, "does-well", "true").await;
    let events = yard.events(&user, "sessionName=does-well").await;
    assert_eq!(names(&events), ["session_success", "session_terminated", "server_close"], "{events:?}");
    assert_eq!(events[0].1["exitCode"], 0);
    // Both ways of naming the session's owner.
    for owner in ["ownerAccessKey", "owner_access_key"] {
        let answer = yard.get(&format!("/func/events/session?sessionName=fails&{owner}=AKIANOBODYHASTHISKEY"), &user).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{owner}");
    }
    let told =
        yard.gql(&user, &format!("{{ compute_session(id: \"{failed}\") {{ result containers {{ occupied_slots }} }} }}")).await;
    assert_eq!(told["compute_session"], json!({ "result": "FAILURE", "containers": [{ "occupied_slots": "{}" }] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_long_log_the_end_is_told() {
    let yard = Yard::new().await;
    let user = yard.client("user@example.org").await;
    // 6 MiB, of which the answer has the last 4.
    let id = yard.run(&user, "talks", "seq 1 900000").await;
    let log = yard.logs(&user, "talks/logs").await;
    assert!((4 << 20) - 10 < log.len() && log.len() <= 4 << 20, "whole lines only: {}", log.len());
    assert!(log.ends_with("\n899999\n900000\n"), "{}", &log[log.len() - 40..]);
    assert_eq!(yard.logs(&user, &format!("talks/logs?kernel_id={id}")).await, log);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_background_task_is_told_to_its_owners_programs_alone() {
    let yard = Yard::new().await;
    let root = caller(&yard.control, "root@example.org").await;
    yard.control.recalculate_usage(&root).await.unwrap();
    let id = yard.control.tasks(&root, 0).unwrap().0[0].id;
    let path = format!("background-task?task_id={id}");
    let events = yard.event_stream(&yard.client("root@example.org").await, &path).await;
    assert_eq!(names(&events), ["bgtask_done", "server_close"]);
    assert_eq!(events[0].1, json!({ "task_id": id, "message": "Task completed successfully" }));
    let other = yard.client("user@example.org").await;
    assert_eq!(yard.get(&format!("/func/events/{path}"), &other).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_an_ended_session_are_there_for_its_owner_until_they_are_deleted_or_old() {
    let yard = Yard::new().await;
    let user = yard.client("user@example.org").await;
    let owner = yard.cookie_of("user@example.org").await;
    let root = yard.cookie_of("root@example.org").await;
    let command = "echo 42 > result; mkdir -p closed/inner; echo x > closed/inner/file; chmod 000 closed/inner closed";
    let id = yard.run(&user, "keeps-files", command).await;
    let address = format!("/sessions/{id}/files");
    assert_eq!(yard.get(&address, &root).await.status, StatusCode::NOT_FOUND, "an administrator does not read them");
    let archive = yard.get(&address, &owner).await;
    assert_eq!(archive.status, StatusCode::OK);
    assert_eq!(archive.headers["content-type"], "application/x-tar");
    assert!(archive.text.contains("keeps-files/result") && archive.text.contains("42\n"), "{}", archive.text.len());
    let folders = || std::fs::read_dir(yard.folder.path().join("sessions")).unwrap().filter_map(Result::ok);
    let there = || folders().any(|folder| folder.path().join("home").is_dir());
    assert!(there());
    assert_eq!(yard.ask(&root, "delete_session_files", json!({ "id": id })).await.0, StatusCode::NOT_FOUND);
    yard.done::<()>(&owner, "delete_session_files", json!({ "id": id })).await;
    assert!(!there());
    assert_eq!(yard.get(&address, &owner).await.status, StatusCode::NOT_FOUND);

    let id = yard.run(&user, "keeps-more", command).await;
    yard.control.keep(control::Keep { files: 0, ..control::Keep::default() });
    assert!(there());
    yard.control.clean().await.unwrap();
    assert!(!there());
    let owned = caller(&yard.control, "user@example.org").await;
    assert!(!yard.control.session(&owned, id.parse().unwrap()).await.unwrap().files);
}
