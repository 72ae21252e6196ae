//! Every switch that is stored: who asks it, and what a domain's does.

use crate::{PASSWORD, Yard, caller};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use types::Problem;
use types::id::DomainId;
use types::people::permissions::Role;
use types::projects::EditDomain;

/// Every column that switches something, each with the places that must ask it. A new one is added here together with them.
const SWITCHES: [(&str, &str); 10] = [
    ("agents.schedulable", "the queue, before it places a session there"),
    ("domains.active", "`closed`, for every way in; choices of forms; new people, projects and sessions; the queue"),
    ("keypairs.active", "signatures and open connections; the choice of a main one; the queue"),
    ("keypairs.deleted", "the same, and every list"),
    ("projects.active", "choices of forms; project admins; new sessions; the queue"),
    ("resource_groups.active", "new sessions, and the queue"),
    ("resource_groups.deleted", "the same, and every list"),
    ("resource_groups.public", "the launcher's offer alone (`docs/spec/cluster.md`)"),
    ("users.active", "made of users.status"),
    ("users.status", "`closed`, for every way in; sessions for others; the queue"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_stored_switch_has_somebody_who_asks_it() {
    let yard = Yard::new().await;
    let url = format!("sqlite://{}", yard.folder.path().join("yardmaster.db").display());
    let pool = sqlx_sqlite::SqlitePool::connect(&url).await.unwrap();
    let sql = "SELECT t.name || '.' || c.name FROM sqlite_schema t JOIN pragma_table_xinfo(t.name) c WHERE t.type = 'table' \
        AND c.name IN ('active', 'status', 'public', 'deleted', 'schedulable', 'enabled', 'disabled', 'closed') \
        AND t.name NOT IN ('sessions', 'session_history') ORDER BY 1";
    let stored: Vec<String> = sqlx::query_scalar(sql).fetch_all(&pool).await.unwrap();
    assert_eq!(stored, SWITCHES.map(|(column, _)| column));
}

/// Creates the domain physics with Eve in its project lab; returns its id, the project's and Eve's.
async fn physics(yard: &Yard, root: &str) -> (Value, Value, Value) {
    let domain: Value = yard.done(root, "create_domain", json!({ "domain": { "name": "physics" } })).await;
    let lab = json!({ "project": { "name": "lab", "domain": domain } });
    let project: Value = yard.done(root, "create_project", lab).await;
    let body = yard.new_person(root, "eve", json!({ "domain": domain, "projects": [project] })).await;
    let eve: Value = yard.done(root, "create_user", body).await;
    (domain, project, eve["id"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deactivated_domain_shuts_its_people_out_and_says_why() {
    let yard = Yard::new().await;
    let root = yard.cookie_of("root@example.org").await;
    let (domain, ..) = physics(&yard, &root).await;
    let (eve, client) = (yard.cookie_of("eve").await, yard.client("eve").await);
    let link: types::people::two_factor::PasswordLink = {
        let id = caller(&yard.control, "eve").await.me().unwrap().id;
        yard.done(&root, "make_password_link", json!({ "user": id })).await
    };
    let key = yard.keys(&eve, "active").await[0].access_key.clone();
    let switch = async |active: bool| {
        let () = yard.done(&root, "edit_domain", json!({ "id": domain, "edit": { "active": active } })).await;
    };
    switch(false).await;

    let said = "its domain physics is deactivated";
    for path in ["/func/session/any", "/func/auth/role"] {
        let answer = yard.get(path, &client).await;
        assert!(answer.status == StatusCode::FORBIDDEN && answer.text.contains(said), "{path}: {}", answer.text);
    }
    let (status, text) = yard.ask(&eve, "sign_ins", json!({})).await;
    assert!(status == StatusCode::FORBIDDEN && text.contains(said), "{status}: {text}");
    let from = control::Caller::nobody("127.0.0.1", "test");
    let right = yard.control.signed_caller(&from, &key, |_| true).await.map(|_| ());
    assert!(matches!(&right, Err(Problem::Forbidden(text)) if text.contains(said)), "{right:?}");
    let wrong = yard.control.signed_caller(&from, &key, |_| false).await.map(|_| ());
    assert_eq!(wrong, Err(Problem::SignInRequired), "nobody else learns of it");
    let refused = yard.control.sign_in(&from, "eve", PASSWORD, None).await.map(|_| ()).unwrap_err();
    assert!(refused.of_field("login").is_some_and(|text| text.contains("The domain physics is deactivated")), "{refused}");
    let refused = yard.control.sign_in(&from, "eve", "Wrong-Horse-9", None).await.map(|_| ()).unwrap_err();
    assert!(refused.of_field("login").is_some_and(|text| text.contains("Wrong email")), "{refused}");
    assert_eq!(yard.get(&link.path, "").await.status, StatusCode::CONFLICT, "a link opens nothing either");

    switch(true).await;
    assert_eq!(yard.ask(&eve, "sign_ins", json!({})).await.0, StatusCode::OK);
    assert!(yard.signs_in("eve", PASSWORD).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_new_is_put_into_a_deactivated_domain() {
    let yard = Yard::new().await;
    let root = yard.cookie_of("root@example.org").await;
    let (domain, project, _) = physics(&yard, &root).await;
    let () = yard.done(&root, "edit_domain", json!({ "id": domain, "edit": { "active": false } })).await;
    let said = "The domain physics is deactivated";

    let body = yard.new_person(&root, "curie", json!({ "domain": domain, "projects": [] })).await;
    assert!(yard.refused(&root, "create_user", body).await.contains(said));
    let user = caller(&yard.control, "user@example.org").await.me().unwrap().id;
    let text = yard.refused(&root, "edit_user", json!({ "id": user, "edit": { "domain": domain } })).await;
    assert!(text.contains(said), "{text}");
    let text = yard.refused(&root, "create_project", json!({ "project": { "name": "new", "domain": domain } })).await;
    assert!(text.contains(said), "{text}");
    let defaults = json!({ "role": "user", "status": "active", "domain": domain, "projects": [], "policy": "",
        "must_change_password": true, "description": "" });
    let batch = json!({ "File": "email,username\nx@example.org,x\n" });
    let preview: types::people::many_users::Preview =
        yard.done(&root, "preview_users", json!({ "many": { "batch": batch, "defaults": defaults } })).await;
    assert!(preview.errors[0].message.contains(said), "{:?}", preview.errors);
    let session = json!({ "project": project, "resource_group": "default", "kind": "batch", "image": "host", "owner": "eve",
        "command": "true", "slots": { "cpu": "0.1", "mem": (1 << 28).to_string() } });
    let text = yard.refused(&root, "start_session", json!({ "session": session })).await;
    assert!(text.contains("The domain physics of eve@example.org is deactivated"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_puts_nobody_into_a_deactivated_domain() {
    let yard = Yard::new().await;
    let root = yard.cookie_of("root@example.org").await;
    let (domain, ..) = physics(&yard, &root).await;
    let body = yard.new_person(&root, "chief", json!({ "domain": domain, "projects": [], "role": "superadmin" })).await;
    yard.done::<Value>(&root, "create_user", body).await;
    let chief = caller(&yard.control, "chief").await;
    let default: DomainId = caller(&yard.control, "root@example.org").await.me().unwrap().domain;
    let off = EditDomain { active: Some(false), ..EditDomain::default() };
    yard.control.edit_domain(&chief, default, &off).await.unwrap();
    let refused = yard.control.create_user_here("x@example.org", "x", "", PASSWORD, Role::User).await.unwrap_err();
    assert!(refused.to_string().contains("The domain default is deactivated"), "{refused}");
    assert_eq!(yard.call(Method::POST, "/call/sign_ins", &root, "{}").await.status, StatusCode::FORBIDDEN);
}
