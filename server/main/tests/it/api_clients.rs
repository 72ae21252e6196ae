//! Things that Backend.AI's clients rely on beyond names and shapes: the order of fields, null as a value, and encoded bodies.

use crate::Yard;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};

/// Runs a mutation and returns its `ok` and `msg`.
async fn mutated(yard: &Yard, cookie: &str, document: &str) -> (bool, String) {
    let data = yard.gql(cookie, document).await;
    let answer = data.as_object().unwrap().values().next().unwrap();
    (answer["ok"].as_bool().unwrap(), answer["msg"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_has_its_fields_in_the_order_of_the_request() {
    let yard = Yard::new().await;
    let root = yard.client("root@example.org").await;
    let body = json!({ "query": "{ user_list(limit: 1, offset: 0) { total_count items { username role email full_name } } }" });
    let text = yard.call(Method::POST, "/func/admin/gql", &root, &body.to_string()).await.text;
    let places: Vec<_> = ["total_count", "items", "username", "role", "email", "full_name", "errors"]
        .iter()
        .map(|name| text.find(&format!("\"{name}\"")).unwrap())
        .collect();
    assert!(places.is_sorted(), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn null_clears_a_field_that_may_be_empty_and_a_missing_one_leaves_it() {
    let yard = Yard::new().await;
    let root = yard.client("root@example.org").await;
    let change =
        |props: &str| format!("mutation {{ modify_user(email: \"user@example.org\", props: {{ {props} }}) {{ ok msg }} }}");
    let all = "full_name: \"Full\", description: \"Text\", allowed_client_ip: [\"127.0.0.0/8\"], container_uid: 1001, \
        container_main_gid: 1002, container_gids: [1003]";
    assert!(mutated(&yard, &root, &change(all)).await.0);
    let read = "{ user(email: \"user@example.org\") { full_name description allowed_client_ip container_uid container_main_gid \
        container_gids } }";
    let before = yard.gql(&root, read).await["user"].take();
    assert!(mutated(&yard, &root, &change("")).await.0);
    assert_eq!(yard.gql(&root, read).await["user"], before);
    for (field, empty) in [
        ("full_name", json!("")),
        ("description", json!("")),
        ("allowed_client_ip", Value::Null),
        ("container_uid", Value::Null),
        ("container_main_gid", Value::Null),
        ("container_gids", Value::Null),
    ] {
        assert_ne!(before[field], empty);
        assert_eq!(mutated(&yard, &root, &change(&format!("{field}: null"))).await, (true, "success".into()), "{field}");
        assert_eq!(yard.gql(&root, read).await["user"][field], empty, "{field}");
    }
    let full = "{ user(email: \"user@example.org\") { username role status is_active resource_policy need_password_change } }";
    let before = yard.gql(&root, full).await["user"].take();
    for field in ["username", "role", "status", "is_active", "resource_policy", "need_password_change"] {
        assert!(mutated(&yard, &root, &change(&format!("{field}: null"))).await.0, "{field}");
    }
    assert_eq!(yard.gql(&root, full).await["user"], before, "what always has a value keeps it");
}

#[tokio::test(flavor = "multi_thread")]
async fn null_removes_limits_and_texts_of_domains_and_policies() {
    let yard = Yard::new().await;
    let root = yard.client("root@example.org").await;
    let domain = |props: &str| format!("mutation {{ modify_domain(name: \"default\", props: {{ {props} }}) {{ ok msg }} }}");
    assert!(mutated(&yard, &root, &domain("description: \"Text\", integration_id: \"x\"")).await.0);
    assert!(mutated(&yard, &root, &domain("description: null, integration_id: null")).await.0);
    let read = yard.gql(&root, "{ domain(name: \"default\") { description integration_id } }").await;
    assert_eq!(read["domain"], json!({ "description": "", "integration_id": null }));

    let props = "default_for_unspecified: \"UNLIMITED\", total_resource_slots: \"{\\\"cpu\\\": 4}\", max_session_lifetime: 5, \
        max_concurrent_sessions: 6, max_concurrent_sftp_sessions: 7, max_containers_per_session: 1, idle_timeout: 1800, \
        allowed_vfolder_hosts: \"{\\\"local:volume1\\\": [\\\"create-vfolder\\\"]}\", max_pending_session_count: 8";
    let made = format!("mutation {{ create_keypair_resource_policy(name: \"nulls\", props: {{ {props} }}) {{ ok msg }} }}");
    assert_eq!(mutated(&yard, &root, &made).await, (true, "success".into()));
    let nulls = "total_resource_slots: null, max_session_lifetime: null, max_concurrent_sessions: null, \
        max_concurrent_sftp_sessions: null, idle_timeout: null, allowed_vfolder_hosts: null, max_pending_session_count: null";
    let changed = format!("mutation {{ modify_keypair_resource_policy(name: \"nulls\", props: {{ {nulls} }}) {{ ok msg }} }}");
    assert_eq!(mutated(&yard, &root, &changed).await, (true, "success".into()));
    let fields = "total_resource_slots max_session_lifetime max_concurrent_sessions max_concurrent_sftp_sessions idle_timeout \
        allowed_vfolder_hosts max_pending_session_count";
    let read = yard.gql(&root, &format!("{{ keypair_resource_policy(name: \"nulls\") {{ {fields} }} }}")).await;
    let empty = json!({ "total_resource_slots": "{}", "max_session_lifetime": 0, "max_concurrent_sessions": 0,
        "max_concurrent_sftp_sessions": 0, "idle_timeout": 0, "allowed_vfolder_hosts": "{}", "max_pending_session_count": null });
    assert_eq!(read["keypair_resource_policy"], empty);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keypair_that_should_have_other_rights_than_its_owner_is_refused() {
    let yard = Yard::new().await;
    let root = yard.client("root@example.org").await;
    let add = |owner: &str, admin: bool| {
        let props = format!("{{ is_active: true, is_admin: {admin}, resource_policy: \"default\", rate_limit: 5000 }}");
        format!("mutation {{ create_keypair(user_id: \"{owner}\", props: {props}) {{ ok msg }} }}")
    };
    let (ok, said) = mutated(&yard, &root, &add("user@example.org", true)).await;
    assert!(!ok && said.starts_with("is_admin: "), "{said}");
    for (owner, admin) in [("user@example.org", false), ("admin@example.org", true), ("admin@example.org", false)] {
        assert!(mutated(&yard, &root, &add(owner, admin)).await.0, "{owner} {admin}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listed_session_says_its_key_domain_command_and_when_it_was_scheduled() {
    let yard = Yard::new().await;
    let root = yard.client("root@example.org").await;
    let body = json!({ "name": "listed", "image": "host", "type": "batch", "startupCommand": "true", "enqueueOnly": true });
    let answer = yard.call(Method::POST, "/func/session", &root, &body.to_string()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let document = "{ compute_session_list(limit: 1, offset: 0, filter: \"name == \\\"listed\\\"\") { items { access_key \
        startup_command scheduled_at domain_name group_id containers { cluster_role cluster_idx } } } }";
    let listed = yard.gql(&root, document).await["compute_session_list"]["items"][0].take();
    assert!(listed["access_key"].as_str().is_some_and(|key| key.starts_with("AKIA")), "{listed}");
    assert_eq!((&listed["startup_command"], &listed["domain_name"]), (&json!("true"), &json!("default")));
    assert_eq!(listed["containers"], json!([{ "cluster_role": "main", "cluster_idx": 1 }]));
    assert!(listed["scheduled_at"].is_null() && listed["group_id"].is_string(), "{listed}");
    let info = yard.call(Method::GET, "/func/session/listed", &root, "").await;
    let info: Value = serde_json::from_str(&info.text).unwrap();
    assert_eq!(info["domainName"], "default");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_with_an_encoded_body_is_understood() {
    let yard = Yard::new().await;
    // Made with `openssl enc -aes-256-cbc` for `http://127.0.0.1:8080`.
    let body = include_str!("encoded-login.txt").trim();
    let send = async |host: &str| {
        let request = Request::post("/server/login").header("host", host).header("x-backendai-encoded", "true");
        yard.send(request.body(Body::from(body.to_owned())).unwrap()).await
    };
    let answer = send("127.0.0.1:8080").await;
    assert!(answer.text.contains("\"authenticated\":true"), "{}", answer.text);
    let other = send("elsewhere:8080").await;
    assert_eq!(other.status, StatusCode::BAD_REQUEST, "{}", other.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_a_secret_key_behind_a_cookie_is_recorded_and_the_schema_is_not_described() {
    let yard = Yard::new().await;
    let user = yard.client("user@example.org").await;
    let read = async || yard.trail().await.iter().filter(|row| row.action == "read secret key").count();
    assert_eq!(read().await, 0);
    let keypair = yard.gql(&user, "{ keypair { access_key secret_key } }").await["keypair"].clone();
    assert!(keypair["secret_key"].as_str().is_some_and(|secret| secret.len() == 40), "{keypair}");
    assert_eq!(read().await, 1);
    let body = json!({ "query": "{ __schema { types { name } } }" }).to_string();
    let answer = yard.call(Method::POST, "/func/admin/gql", &user, &body).await;
    assert!(!answer.text.contains("ComputeSession"), "{}", answer.text);
}
