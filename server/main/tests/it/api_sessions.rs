//! Sessions and presets in the API: one session, lists of them with their refusals, and the presets that could start.

use crate::{Yard, caller};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use types::cluster::resource_groups::{RESOURCE_GROUPS, ResourceGroup, SaveGroup};
use types::limits::presets::{Preset, SavePreset};
use types::list::ListQuery;
use types::quantity::{Quantity, Slots};

/// A session that waits for ever: nothing runs the queue in these tests.
pub async fn start(yard: &Yard, cookie: &str, name: &str, after: &[&str]) -> String {
    let body = json!({ "name": name, "image": "host", "type": "batch", "startup_command": "true", "group": "default",
        "enqueueOnly": true, "dependencies": after, "config": { "resources": { "cpu": "0.1", "mem": "256m" } } });
    let answer = yard.call(Method::POST, "/func/session", cookie, &body.to_string()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    serde_json::from_str::<Value>(&answer.text).unwrap()["sessionId"].as_str().unwrap().to_owned()
}

pub async fn session(yard: &Yard, cookie: &str, name: &str) -> Value {
    let answer = yard.get(&format!("/func/session/{name}"), cookie).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    serde_json::from_str(&answer.text).unwrap()
}

/// The names in a list of sessions, or the message that refuses it.
async fn listed(yard: &Yard, cookie: &str, arguments: &str) -> Result<Vec<String>, String> {
    let document = format!("{{ compute_session_list(limit: 10, offset: 0{arguments}) {{ items {{ name }} total_count }} }}");
    let body = json!({ "query": document }).to_string();
    let answer = yard.call(Method::POST, "/func/admin/gql", cookie, &body).await;
    let answer: Value = serde_json::from_str(&answer.text).unwrap();
    if let Some(error) = answer["errors"][0]["message"].as_str() {
        return Err(error.to_owned());
    }
    let items = answer["data"]["compute_session_list"]["items"].as_array().unwrap();
    Ok(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_grows_older_until_it_has_ended() {
    let yard = Yard::new().await;
    let user = yard.client("user@example.org").await;
    start(&yard, &user, "ages", &[]).await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    let age = async || session(&yard, &user, "ages").await["age"].as_i64().unwrap();
    let first = age().await;
    assert!((30..600_000).contains(&first), "{first} ms");
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert!(age().await >= first + 30);
    yard.call(Method::DELETE, "/func/session/ages", &user, "").await;
    let last = age().await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert_eq!(age().await, last);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recursive_end_also_ends_the_sessions_that_wait_for_it() {
    let yard = Yard::new().await;
    let user = yard.client("user@example.org").await;
    let mut ids = Vec::new();
    for (name, after) in [("first", vec![]), ("second", vec!["first"]), ("third", vec!["second"]), ("other", vec![])] {
        ids.push(start(&yard, &user, name, &after).await);
    }
    let answer = yard.call(Method::DELETE, "/func/session/first?recursive=true", &user, "").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    for (id, status) in ids.iter().zip(["CANCELLED", "CANCELLED", "CANCELLED", "PENDING"]) {
        assert_eq!(session(&yard, &user, id).await["status"], status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_sessions_holds_the_requested_ones_or_is_refused() {
    let yard = Yard::new().await;
    let user = yard.client("user@example.org").await;
    start(&yard, &user, "mine", &[]).await;
    let root = caller(&yard.control, "root@example.org").await;
    let default = yard.control.my_projects(&root).await.unwrap()[0].0;
    let admin = yard.client("admin@example.org").await;
    let mine = Ok(vec!["mine".to_owned()]);
    for arguments in [String::new(), ", domain_name: \"default\"".into(), format!(", group_id: \"{default}\"")] {
        assert_eq!(listed(&yard, &admin, &arguments).await, mine, "{arguments}");
    }
    let nobodys = ", group_id: \"00000000-0000-0000-0000-000000000001\"";
    assert_eq!(listed(&yard, &admin, nobodys).await, Ok(Vec::new()));
    assert_eq!(listed(&yard, &user, ", group_id: \"default\"").await, Err("group_id: Give the id of a project.".into()));
    assert!(listed(&yard, &admin, ", domain_name: \"physics\"").await.unwrap_err().contains("No such domain"));
    let all = yard.client("root@example.org").await;
    let refused = listed(&yard, &all, ", domain_name: \"default\"").await.unwrap_err();
    assert!(refused.starts_with("domain_name: Sessions cannot be listed by domain."), "{refused}");
    assert_eq!(listed(&yard, &all, "").await, mine);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_timeout_of_zero_from_the_api_is_no_timeout() {
    let yard = Yard::new().await;
    let (root, client) = (caller(&yard.control, "root@example.org").await, yard.client("root@example.org").await);
    let kept = async |options: &str| {
        let options = json!(options);
        let props = format!("{{ scheduler_opts: {options} }}");
        let modify = format!("mutation {{ modify_scaling_group(name: \"default\", props: {props}) {{ ok msg }} }}");
        let modified = yard.gql(&client, &modify).await["modify_scaling_group"].take();
        assert_eq!(modified["ok"], true, "{modified}");
        let rows = yard.control.resource_groups(&root, &ListQuery::new(&RESOURCE_GROUPS)).await.unwrap().rows;
        rows[0].group.pending_timeout
    };
    assert_eq!(kept(r#"{"pending_timeout": 60}"#).await, Some(60));
    assert_eq!(kept(r#"{"pending_timeout": 0}"#).await, None);
    assert_eq!(kept(r#"{"pending_timeout": "90"}"#).await, Some(90));
    assert_eq!(kept(r#"{"pending_timeout": "0"}"#).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn checking_presets_shows_which_fit_and_the_rest_of_every_limit() {
    let yard = Yard::new().await;
    // From then on the agent is known.
    yard.control.round().await.unwrap();
    let root = caller(&yard.control, "root@example.org").await;
    yard.control.save_resource_group(&root, &SaveGroup { group: ResourceGroup::new("gpu"), revision: None }).await.unwrap();
    for (name, cpu, group) in [("small", 100, None), ("huge", 500_000, None), ("elsewhere", 100, Some("gpu"))] {
        let slots = Slots::cpu_mem(Quantity::thousandths(cpu), 64 << 20);
        let preset = Preset { name: name.into(), slots, shared_memory: None, resource_group: group.map(String::from) };
        yard.control.save_preset(&root, &SavePreset { preset, revision: None }).await.unwrap();
    }
    let user = yard.client("user@example.org").await;
    let check = async |body: Value| {
        let answer = yard.call(Method::POST, "/func/resource/check-presets", &user, &body.to_string()).await;
        (answer.status, serde_json::from_str::<Value>(&answer.text).unwrap())
    };
    let (status, checked) = check(json!({ "group": "default", "scaling_group": "default" })).await;
    assert_eq!(status, StatusCode::OK, "{checked}");
    let presets: Vec<_> = checked["presets"].as_array().unwrap().iter().map(|one| (&one["name"], &one["allocatable"])).collect();
    assert_eq!(
        presets,
        [(&json!("small"), &json!(true)), (&json!("huge"), &json!(false))],
        "presets of another group are left out"
    );
    assert_eq!(checked["presets"][0]["resource_slots"]["cpu"], "0.1");
    assert_eq!((&checked["keypair_limits"]["cpu"], &checked["keypair_using"]["cpu"]), (&json!("128"), &json!("0")));
    assert_eq!((&checked["keypair_remaining"]["cpu"], &checked["group_limits"]["cpu"]), (&json!("128"), &json!("Infinity")));
    assert_eq!((&checked["group_using"]["mem"], &checked["group_remaining"]["mem"]), (&json!("0"), &json!("Infinity")));
    let here = &checked["scaling_groups"]["default"];
    assert_eq!(here["using"]["cpu"], "0");
    assert!(here["remaining"]["cpu"].as_str().unwrap().parse::<f64>().unwrap() > 0.0, "{checked}");
    assert_eq!(checked["scaling_group_remaining"], here["remaining"]);

    // Every field of the request is optional; unknown names are refused.
    assert_eq!(check(json!({})).await.1, checked);
    assert_eq!(check(json!({ "group": "nowhere" })).await.0, StatusCode::NOT_FOUND);
    assert_eq!(check(json!({ "group": "default", "scaling_group": "gpu" })).await.0, StatusCode::NOT_FOUND);
    let monitor = yard.client("monitor@example.org").await;
    let refused = yard.call(Method::POST, "/func/resource/check-presets", &monitor, "{}").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}
