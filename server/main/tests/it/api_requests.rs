//! How the API reads and refuses requests: always in the shape that Backend.AI's clients read.

use crate::api_sessions::{session, start};
use crate::{Answer, Yard};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

/// Checks that an answer is a problem of this kind, and returns its body.
fn problem(answer: &Answer, status: StatusCode, kind: &str) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.headers["content-type"], "application/problem+json", "{}", answer.text);
    let body: Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(body["type"], format!("https://api.backend.ai/probs/{kind}"));
    body
}

/// The message that refuses an invalid request.
fn invalid_message(answer: &Answer) -> String {
    problem(answer, StatusCode::BAD_REQUEST, "invalid-api-params")["msg"].as_str().unwrap().to_owned()
}

fn read(answer: &Answer, status: StatusCode) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text);
    serde_json::from_str(&answer.text).unwrap()
}

impl Yard {
    /// `POST /session` with the fields that a batch session needs, and `more`.
    async fn ask_for(&self, cookie: &str, name: &str, more: Value) -> Answer {
        let mut body = json!({ "name": name, "image": "host", "type": "batch", "startupCommand": "true", "enqueueOnly": true });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.call(Method::POST, "/func/session", cookie, &body.to_string()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_api_paths_answer_404_with_the_path() {
    let yard = Yard::new().await;
    let user = yard.client("user@example.org").await;
    for path in ["/auth/nothing", "/session/name/nothing", "/resource/a/b", "/folders", "/services/1", "/func/nothing"] {
        for method in [Method::GET, Method::POST] {
            let answer = yard.call(method, path, &user, "").await;
            assert_eq!(problem(&answer, StatusCode::NOT_FOUND, "url-not-found")["data"], path);
        }
    }
    for (method, path) in [(Method::PATCH, "/session/name"), (Method::PUT, "/func/session"), (Method::DELETE, "/auth/role")] {
        let answer = yard.call(method, path, &user, "").await;
        assert_eq!(problem(&answer, StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed")["data"], path);
        assert!(answer.headers.contains_key("allow"), "{path}");
    }
    // The console's own addresses stay pages.
    assert!(yard.get("/no/such/page", "").await.text.contains("Page not found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_request_is_refused_with_the_reason() {
    let yard = Yard::new().await;
    let user = yard.client("user@example.org").await;
    for (body, says) in [
        ("{", "not valid JSON"),
        ("{}", "missing field `image`"),
        ("{\"image\": 5}", "expected a string"),
        ("{\"image\": \"host\", \"priority\": 300}", "expected u8"),
    ] {
        let message = invalid_message(&yard.call(Method::POST, "/func/session", &user, body).await);
        assert!(message.contains(says), "{body}: {message}");
    }
    let message = invalid_message(&yard.get("/func/session/_/match", &user).await);
    assert!(message.contains("missing field `id`"), "{message}");
    let message = invalid_message(&yard.get("/func/auth/role?group=lab", &user).await);
    assert!(message.starts_with("Invalid query parameters: "), "{message}");
    // The same status for a readable request with unacceptable fields.
    let message = invalid_message(&yard.ask_for(&user, "abc", json!({})).await);
    assert!(message.starts_with("name: "), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unsupported_session_fields_are_refused_and_nulls_are_ignored() {
    let yard = Yard::new().await;
    let user = yard.client("user@example.org").await;
    for (field, more) in [
        ("tag", json!({ "tag": "mine" })),
        ("callback_url", json!({ "callback_url": "http://127.0.0.1/" })),
        ("bootstrap_script", json!({ "bootstrap_script": "true" })),
        ("architecture", json!({ "architecture": "aarch64" })),
        ("mount_map", json!({ "config": { "mount_map": { "data": "/data" } } })),
        ("agentList", json!({ "config": { "agentList": ["here"] } })),
    ] {
        let message = invalid_message(&yard.ask_for(&user, "refused", more).await);
        assert!(message.starts_with(&format!("{field}: ")), "{message}");
    }
    let nothing =
        json!({ "config": null, "tag": null, "architecture": "x86_64", "bootstrap_script": "", "is_preemptible": false });
    read(&yard.ask_for(&user, "nothing", nothing).await, StatusCode::CREATED);
    let nulls =
        json!({ "config": { "environ": { "A": "1", "B": null }, "resources": { "cpu": null, "mem": "128m" }, "mounts": [] } });
    read(&yard.ask_for(&user, "nulls", nulls).await, StatusCode::CREATED);
    let answer = session(&yard, &user, "nulls").await;
    assert_eq!(answer["environ"], "{\"A\":\"\"}", "values are hidden");
    assert!(answer["requestedSlots"].as_str().unwrap().contains("\"mem\":\"134217728\""), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_existing_session_is_reused_or_named_in_the_refusal() {
    let yard = Yard::new().await;
    let user = yard.client("user@example.org").await;
    let first = read(&yard.ask_for(&user, "same", json!({})).await, StatusCode::CREATED);
    assert_eq!((&first["created"], &first["servicePorts"]), (&json!(true), &json!([])));
    let again = read(&yard.ask_for(&user, "same", json!({ "reuseIfExists": true })).await, StatusCode::OK);
    assert_eq!((&again["created"], &again["servicePorts"]), (&json!(false), &Value::Null));
    assert_eq!((&again["sessionId"], &again["status"]), (&first["sessionId"], &json!("PENDING")));
    for more in [json!({}), json!({ "reuseIfExists": false }), json!({ "reuseIfExists": true, "image": "other" })] {
        let answer = yard.ask_for(&user, "same", more).await;
        let refused = problem(&answer, StatusCode::BAD_REQUEST, "session-already-exists");
        assert_eq!(refused["data"]["existingSessionId"], first["sessionId"]);
    }
    // An ended session gives its name back.
    let ended = read(&yard.call(Method::DELETE, "/func/session/same", &user, "").await, StatusCode::OK);
    assert_eq!(ended["stats"]["status"], "cancelled");
    let new = read(&yard.ask_for(&user, "same", json!({ "reuseIfExists": true })).await, StatusCode::CREATED);
    assert_ne!(new["sessionId"], first["sessionId"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_name_is_read_from_the_query_or_the_body() {
    let yard = Yard::new().await;
    let user = yard.client("user@example.org").await;
    let id = start(&yard, &user, "first", &[]).await;
    let rename =
        async |query: &str, body: &str| yard.call(Method::POST, &format!("/func/session/{id}/rename{query}"), &user, body).await;
    let matches = async |name: &str| {
        let answer = yard.get(&format!("/func/session/_/match?id={id}"), &user).await;
        assert_eq!(read(&answer, StatusCode::OK)["matches"][0]["name"], name);
    };
    assert_eq!(rename("?name=second", "").await.status, StatusCode::NO_CONTENT);
    matches("second").await;
    assert_eq!(rename("", "{\"name\": \"third\"}").await.status, StatusCode::NO_CONTENT);
    matches("third").await;
    assert!(invalid_message(&rename("", "").await).starts_with("name: "));
    assert!(invalid_message(&rename("", "third").await).starts_with("body: "));
    assert!(invalid_message(&rename("?name=abc", "").await).starts_with("name: "));
    matches("third").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dependency_graph_holds_everything_a_session_waits_for() {
    let yard = Yard::new().await;
    let user = yard.client("user@example.org").await;
    let mut ids = Vec::new();
    for (name, after) in
        [("first", vec![]), ("second", vec!["first"]), ("third", vec!["second"]), ("fourth", vec!["third", "first"])]
    {
        ids.push(start(&yard, &user, name, &after).await);
    }
    let graph = read(&yard.get("/func/session/fourth/dependency-graph", &user).await, StatusCode::OK);
    let shape =
        |node: &Value| (node["session_name"].clone(), node["session_id"].clone(), node["depends_on"].as_array().unwrap().len());
    assert_eq!(shape(&graph), (json!("fourth"), json!(ids[3]), 2));
    let [first, third] = [&graph["depends_on"][0], &graph["depends_on"][1]];
    let second = &third["depends_on"][0];
    assert_eq!(shape(first), (json!("first"), json!(ids[0]), 0));
    assert_eq!(shape(third), (json!("third"), json!(ids[2]), 1));
    assert_eq!(shape(second), (json!("second"), json!(ids[1]), 1));
    assert_eq!(shape(&second["depends_on"][0]), (json!("first"), json!(ids[0]), 0));
    for node in [&graph, first, third, second] {
        assert_eq!(node["status"], "PENDING");
        assert!(node["status_changed"].as_str().is_some_and(|at| at.ends_with('Z')), "{node}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_is_flat_and_logs_need_an_existing_container() {
    let yard = Yard::new().await;
    let user = yard.client("user@example.org").await;
    let id = start(&yard, &user, "waits", &[]).await;
    let other = start(&yard, &user, "others", &[]).await;
    let history = read(&yard.get("/func/session/waits/status-history", &user).await, StatusCode::OK);
    assert!(history["PENDING"].is_string(), "{history}");
    assert_eq!(history["result"]["PENDING"], history["PENDING"]);
    let logs = async |kernel: &str| yard.get(&format!("/func/session/waits/logs?kernel_id={kernel}"), &user).await;
    for kernel in ["", &id] {
        assert_eq!(read(&logs(kernel).await, StatusCode::OK)["result"]["logs"], "");
    }
    problem(&logs(&other).await, StatusCode::NOT_FOUND, "object-not-found");
    assert!(invalid_message(&logs("first").await).starts_with("kernel_id: "));
    for query in ["", "?sessionName=", "?sessionName=*&scope=session"] {
        let message = invalid_message(&yard.get(&format!("/func/events/session{query}"), &user).await);
        assert!(message.starts_with("sessionName: "), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn graphql_shows_requested_resources_ports_and_the_project() {
    let yard = Yard::new().await;
    let user = yard.client("user@example.org").await;
    let config =
        json!({ "resources": { "cpu": 1, "mem": "256m" }, "resource_opts": { "shmem": "64m" }, "preopen_ports": [8080] });
    let id = read(&yard.ask_for(&user, "asks", json!({ "config": config })).await, StatusCode::CREATED)["sessionId"].take();
    let id = id.as_str().unwrap();
    let fields = "result resource_opts containers { resource_opts preopen_ports occupied_slots }";
    let answer = yard.gql(&user, &format!("{{ compute_session(id: \"{id}\") {{ {fields} }} }}")).await["compute_session"].take();
    let opts = "{\"shmem\":\"67108864\"}";
    let container = json!({ "resource_opts": opts, "preopen_ports": [8080], "occupied_slots": "{}" });
    assert_eq!(answer, json!({ "result": "UNDEFINED", "resource_opts": opts, "containers": [container] }));
    let person = crate::caller(&yard.control, "user@example.org").await;
    let mine = yard.control.my_projects(&person).await.unwrap();
    let default = mine.iter().find(|(_, name)| name == "default").unwrap().0;
    let list = yard.gql(&user, "{ compute_session_list(limit: 1, offset: 0) { items { group_id group_name } } }").await;
    let expected = json!([{ "group_id": default, "group_name": "default" }]);
    assert_eq!(list["compute_session_list"]["items"], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keypair_policy_refuses_values_it_cannot_represent() {
    let yard = Yard::new().await;
    let root = yard.client("root@example.org").await;
    let create = async |name: &str, others: &str, more: &str| {
        let limits = "max_concurrent_sessions: 1, max_containers_per_session: 1, idle_timeout: 0";
        let props = format!("default_for_unspecified: \"{others}\", {limits}, {more}");
        let name = json!(name);
        let document = format!("mutation {{ create_keypair_resource_policy(name: {name}, props: {{ {props} }}) {{ ok msg }} }}");
        yard.gql(&root, &document).await["create_keypair_resource_policy"].take()
    };
    let endless = r#"total_resource_slots: "{\"cpu\": \"Infinity\", \"mem\": \"4g\"}""#;
    let refused = create("closed", "LIMITED", endless).await;
    assert_eq!(refused["ok"], false);
    assert!(refused["msg"].as_str().unwrap().starts_with("total_resource_slots: cpu "), "{refused}");
    assert_eq!(create("open", "UNLIMITED", endless).await["ok"], true);
    let refused = create("folders", "UNLIMITED", "max_vfolder_count: 101").await;
    assert!(refused["msg"].as_str().unwrap().starts_with("max_vfolder_count: At most 100."), "{refused}");
    assert_eq!(create("folders", "UNLIMITED", "max_vfolder_count: 100").await["ok"], true);
    // A saved policy keeps its limits, and refuses the same values.
    assert_eq!(create("closed", "LIMITED", r#"total_resource_slots: "{\"cpu\": 2}""#).await["ok"], true);
    let modify = format!("mutation {{ modify_keypair_resource_policy(name: \"closed\", props: {{ {endless} }}) {{ ok msg }} }}");
    assert_eq!(yard.gql(&root, &modify).await["modify_keypair_resource_policy"]["ok"], false);
}
