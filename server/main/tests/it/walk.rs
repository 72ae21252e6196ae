//! A walk over every endpoint as nobody and as each role. An endpoint that the walk does not know fails it.

use crate::Yard;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use types::list::{ListQuery, ListSpec};
use types::people::users::CreateUser;

/// The walkers: superadmin, domain admin, project admin, user, monitor.
const WALKERS: [&str; 5] = ["root", "admin", "project-admin", "user", "monitor"];
/// The walkers that are let in, which means any answer except 401 and 403.
type LetIn = [bool; 5];

const EVERYBODY: LetIn = [true, true, true, true, true];
const READERS_OF_ALL: LetIn = [true, false, false, false, true];
const SUPERADMIN: LetIn = [true, false, false, false, false];
const ADMINISTRATORS: LetIn = [true, true, false, false, false];
const READERS_OF_DOMAINS: LetIn = [true, true, false, false, true];
const READERS_OF_PEOPLE: LetIn = [true, true, true, false, true];
const CHANGERS_OF_MEMBERS: LetIn = [true, true, true, false, false];
const NOT_MONITORS: LetIn = [true, true, true, true, false];

const NOBODYS_ID: &str = "00000000-0000-0000-0000-000000000001";

fn list(spec: &'static ListSpec) -> Value {
    json!({ "query": ListQuery::new(spec) })
}

fn saved(policy: &impl serde::Serialize) -> Value {
    json!({ "save": { "policy": policy, "revision": null } })
}

/// Every server function with a body that would be acted on, and who may call it.
fn functions() -> Vec<(&'static str, Value, LetIn)> {
    let id = json!({ "id": NOBODYS_ID });
    let access_key = json!({ "access_key": "AKIA" });
    let user = json!({ "user": CreateUser::example("", NOBODYS_ID.parse().unwrap()) });
    let many = json!({ "many": {
        "batch": { "File": "" },
        "defaults": {
            "role": "user", "status": "active", "domain": NOBODYS_ID, "projects": [], "policy": "", "must_change_password": true,
            "description": "",
        },
    }});
    let session = json!({ "session": {
        "name": "", "project": NOBODYS_ID, "resource_group": "", "kind": "batch", "image": "", "command": "",
        "slots": { "cpu": "1", "mem": "0" },
    }});
    let group = json!({ "save": { "group": types::cluster::resource_groups::ResourceGroup::new(""), "revision": null } });
    let preset = json!({ "save": { "preset": { "name": "", "slots": {} }, "revision": null } });
    vec![
        ("sign_ins", json!({}), EVERYBODY),
        ("end_sign_in", id.clone(), EVERYBODY),
        ("change_password", json!({ "change": { "old": "", "new": "" } }), EVERYBODY),
        ("columns", json!({ "table": "users" }), EVERYBODY),
        ("set_columns", json!({ "table": "users", "layout": { "shown": ["email"] } }), EVERYBODY),
        ("users", list(&types::people::users::USERS), READERS_OF_PEOPLE),
        ("user", id.clone(), READERS_OF_PEOPLE),
        ("domain_choices", json!({}), ADMINISTRATORS),
        ("create_user", user, ADMINISTRATORS),
        ("edit_user", json!({ "id": NOBODYS_ID, "edit": {} }), ADMINISTRATORS),
        ("edit_users", json!({ "ids": [], "edit": {} }), ADMINISTRATORS),
        ("user_policy_names", json!({}), ADMINISTRATORS),
        ("preview_users", many.clone(), ADMINISTRATORS),
        ("create_users", many, ADMINISTRATORS),
        ("created_people", json!({ "task": NOBODYS_ID }), EVERYBODY),
        ("cancel_task", id.clone(), EVERYBODY),
        ("make_password_link", json!({ "user": NOBODYS_ID }), ADMINISTRATORS),
        ("two_factor", json!({}), EVERYBODY),
        ("begin_two_factor", json!({ "password": "" }), EVERYBODY),
        ("enable_two_factor", json!({ "code": "" }), EVERYBODY),
        ("renew_recovery_codes", json!({ "code": "" }), EVERYBODY),
        ("disable_two_factor", json!({ "password": "" }), EVERYBODY),
        ("domains", list(&types::projects::DOMAINS), READERS_OF_DOMAINS),
        ("create_domain", json!({ "domain": {} }), SUPERADMIN),
        ("edit_domain", json!({ "id": NOBODYS_ID, "edit": {} }), SUPERADMIN),
        ("projects", list(&types::projects::PROJECTS), READERS_OF_PEOPLE),
        ("project", id.clone(), READERS_OF_PEOPLE),
        ("create_project", json!({ "project": {} }), ADMINISTRATORS),
        ("edit_project", json!({ "id": NOBODYS_ID, "edit": { "name": "x" } }), ADMINISTRATORS),
        ("project_policy_names", json!({}), ADMINISTRATORS),
        ("audit_records", list(&types::system::audit::AUDIT), READERS_OF_ALL),
        ("audit_record", json!({ "id": 0 }), READERS_OF_ALL),
        ("keypairs", list(&types::people::keypairs::KEYPAIRS), EVERYBODY),
        ("my_keypairs", json!({}), EVERYBODY),
        ("keypair", access_key.clone(), EVERYBODY),
        ("keypair_secret", access_key.clone(), NOT_MONITORS),
        ("create_keypair", json!({ "keypair": { "owner": "nobody", "policy": "", "rate_limit": 1 } }), NOT_MONITORS),
        ("edit_keypair", json!({ "access_key": "AKIA", "edit": {} }), NOT_MONITORS),
        ("edit_keypairs", json!({ "access_keys": [], "edit": {} }), ADMINISTRATORS),
        ("delete_keypair", access_key, NOT_MONITORS),
        ("keypair_policy_names", json!({}), ADMINISTRATORS),
        ("sessions", json!({ "query": ListQuery::new(&types::sessions::SESSIONS), "project": null }), EVERYBODY),
        ("session", id.clone(), EVERYBODY),
        ("start_options", json!({ "owner": "" }), NOT_MONITORS),
        ("own_use", json!({}), NOT_MONITORS),
        ("delete_session_files", id.clone(), EVERYBODY),
        ("rename_session", json!({ "id": NOBODYS_ID, "name": "name" }), NOT_MONITORS),
        ("set_priority", json!({ "ids": [], "priority": 1 }), ADMINISTRATORS),
        ("session_utilization", json!({ "ids": [] }), EVERYBODY),
        ("queue", json!({ "group": "default", "query": ListQuery::new(&types::sessions::QUEUE) }), READERS_OF_DOMAINS),
        ("queues", json!({}), READERS_OF_DOMAINS),
        ("queue_snapshot", json!({ "group": "default" }), READERS_OF_ALL),
        ("start_session", session, NOT_MONITORS),
        ("terminate_sessions", json!({ "ids": [], "force": false }), NOT_MONITORS),
        ("session_log", json!({ "id": NOBODYS_ID, "container": 0, "from": 0, "wait": false }), EVERYBODY),
        ("session_log_before", json!({ "id": NOBODYS_ID, "container": 0, "before": null }), EVERYBODY),
        ("session_usage", json!({ "id": NOBODYS_ID, "after": 0 }), EVERYBODY),
        ("keypair_policies", list(&types::limits::policies::KEYPAIR_POLICIES), EVERYBODY),
        ("user_policies", list(&types::limits::policies::USER_POLICIES), EVERYBODY),
        ("project_policies", list(&types::limits::policies::PROJECT_POLICIES), EVERYBODY),
        ("save_keypair_policy", saved(&types::limits::policies::KeypairPolicy::new("")), SUPERADMIN),
        ("save_user_policy", saved(&types::limits::policies::UserPolicy::new("")), SUPERADMIN),
        ("save_project_policy", saved(&types::limits::policies::ProjectPolicy::new("")), SUPERADMIN),
        ("policy_followers", json!({ "kind": "keypair", "name": "default" }), SUPERADMIN),
        ("delete_policy", json!({ "kind": "keypair", "name": "none", "move_to": null }), SUPERADMIN),
        ("policy_effect", json!({ "policy": types::limits::policies::KeypairPolicy::new("default") }), SUPERADMIN),
        ("presets", list(&types::limits::presets::PRESETS), EVERYBODY),
        ("save_preset", preset, SUPERADMIN),
        ("delete_preset", json!({ "name": "none" }), SUPERADMIN),
        ("slot_names", json!({}), EVERYBODY),
        ("resource_group_names", json!({}), EVERYBODY),
        ("scheduler_settings", json!({}), READERS_OF_ALL),
        ("save_scheduler_settings", json!({ "settings": { "revision": 99 } }), SUPERADMIN),
        ("recalculate_usage", json!({}), SUPERADMIN),
        ("resource_groups", list(&types::cluster::resource_groups::RESOURCE_GROUPS), EVERYBODY),
        ("save_resource_group", group, SUPERADMIN),
        ("delete_resource_group", json!({ "name": "none" }), SUPERADMIN),
        ("agent", json!({ "name": "none" }), READERS_OF_ALL),
        ("set_schedulable", json!({ "names": [], "schedulable": true }), SUPERADMIN),
        ("agents", list(&types::cluster::agents::AGENTS), READERS_OF_ALL),
    ]
}

fn expect(status: StatusCode, let_in: bool, what: &str) {
    let refused = status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN;
    assert_ne!(refused, let_in, "{what}: {status}");
    assert!(status != StatusCode::INTERNAL_SERVER_ERROR, "{what}: {status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_server_function_lets_in_only_the_roles_of_the_table() {
    let yard = Yard::new().await;
    let functions = functions();
    let walked: BTreeSet<String> = functions.iter().map(|(name, ..)| format!("/call/{name}")).collect();
    let registered: BTreeSet<String> = leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path.to_owned()).collect();
    assert_eq!(walked, registered, "every server function is in this walk");

    for (name, body, _) in &functions {
        let answer = yard.call(Method::POST, &format!("/call/{name}"), "", &body.to_string()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name} as nobody: {}", answer.text);
    }
    for (index, who) in WALKERS.into_iter().enumerate() {
        let cookie = yard.cookie_of(&format!("{who}@example.org")).await;
        for (name, body, may) in &functions {
            let answer = yard.call(Method::POST, &format!("/call/{name}"), &cookie, &body.to_string()).await;
            expect(answer.status, may[index], &format!("{name} as {who}: {}", answer.text));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn project_admins_change_the_members_of_their_project() {
    let yard = Yard::new().await;
    let body = json!({ "id": NOBODYS_ID, "edit": { "add": ["nobody"] } }).to_string();
    for (who, may) in WALKERS.into_iter().zip(CHANGERS_OF_MEMBERS) {
        let cookie = yard.cookie_of(&format!("{who}@example.org")).await;
        expect(yard.call(Method::POST, "/call/edit_project", &cookie, &body).await.status, may, who);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_server_function_answers_to_a_get() {
    let yard = Yard::new().await;
    let cookie = yard.cookie_of("root@example.org").await;
    for (name, ..) in functions() {
        let answer = yard.get(&format!("/call/{name}"), &cookie).await;
        assert!(
            answer.status == StatusCode::METHOD_NOT_ALLOWED || answer.status == StatusCode::NOT_FOUND,
            "{name}: {}",
            answer.status
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_with_unreadable_arguments_is_the_callers_mistake() {
    let yard = Yard::new().await;
    let cookie = yard.cookie_of("root@example.org").await;
    let answer = yard.call(Method::POST, "/call/session_log", &cookie, "{}").await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::BAD_REQUEST, "\"Outdated\""));
    let answer = yard.call(Method::POST, "/call/set_priority", &cookie, r#"{"ids":[],"priority":300}"#).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
    assert!(answer.text.contains("The number 300 is too small or too large here."), "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_plain_route_lets_in_only_the_roles_of_the_table() {
    let yard = Yard::new().await;
    // Open to all: health, signing in and out, the theme, the console's own files, and an old address of a page.
    let open = [
        (Method::GET, "/healthz"),
        (Method::GET, "/readyz"),
        (Method::POST, "/sign-in"),
        (Method::POST, "/sign-out"),
        (Method::POST, "/forgotten-password"),
        (Method::POST, "/new-password"),
        (Method::POST, "/theme"),
        (Method::GET, "/pkg/{*file}"),
        (Method::GET, "/session"),
    ];
    let guarded: [(&str, LetIn); 15] = [
        ("/events", EVERYBODY),
        ("/export/users.csv", READERS_OF_PEOPLE),
        ("/export/keypairs.csv", EVERYBODY),
        ("/export/projects.csv", READERS_OF_PEOPLE),
        ("/export/domains.csv", READERS_OF_DOMAINS),
        ("/export/audit.csv", READERS_OF_ALL),
        ("/export/keypair_policies.csv", READERS_OF_DOMAINS),
        ("/export/user_policies.csv", READERS_OF_DOMAINS),
        ("/export/project_policies.csv", READERS_OF_DOMAINS),
        ("/export/resource_presets.csv", READERS_OF_DOMAINS),
        ("/export/resource_groups.csv", READERS_OF_DOMAINS),
        ("/export/sessions.csv", READERS_OF_DOMAINS),
        ("/sessions/{id}/log", EVERYBODY),
        ("/sessions/{id}/files", EVERYBODY),
        ("/sessions/{id}/terminal", NOT_MONITORS),
    ];
    let guarded_routes = guarded.iter().map(|(path, _)| (Method::GET, *path));
    let walked: BTreeSet<String> =
        open.into_iter().chain(guarded_routes).map(|(method, path)| format!("{method} {path}")).collect();
    let all: BTreeSet<String> = server::routes().iter().map(|(method, path)| format!("{method} {path}")).collect();
    assert_eq!(walked, all, "every route is in this walk");

    let mut cookies = Vec::new();
    for who in WALKERS {
        cookies.push(yard.cookie_of(&format!("{who}@example.org")).await);
    }
    for (path, may) in guarded {
        let address = path.replace("{id}", NOBODYS_ID);
        let nobody = yard.get(&address, "").await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{path} as nobody");
        for (index, cookie) in cookies.iter().enumerate() {
            let answer = yard.get(&address, cookie).await;
            expect(answer.status, may[index], &format!("{path} as {}", WALKERS[index]));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_needs_a_sign_in_and_opens_only_for_its_roles() {
    let yard = Yard::new().await;
    let guarded = [
        ("/", EVERYBODY),
        ("/sessions", EVERYBODY),
        ("/session/start", NOT_MONITORS),
        ("/scheduler", READERS_OF_DOMAINS),
        ("/resource-groups", READERS_OF_DOMAINS),
        ("/resource-policy", READERS_OF_DOMAINS),
        ("/resource-policy/user", READERS_OF_DOMAINS),
        ("/resource-policy/project", READERS_OF_DOMAINS),
        ("/resource-presets", READERS_OF_DOMAINS),
        ("/settings", READERS_OF_ALL),
        ("/maintenance", SUPERADMIN),
        ("/users", READERS_OF_PEOPLE),
        ("/credentials", READERS_OF_DOMAINS),
        ("/projects", READERS_OF_PEOPLE),
        ("/domains", READERS_OF_DOMAINS),
        ("/agents", READERS_OF_ALL),
        ("/audit", READERS_OF_ALL),
        ("/account", EVERYBODY),
        ("/gallery", EVERYBODY),
    ];
    let walked: BTreeSet<&str> = guarded.iter().map(|(path, _)| *path).chain(console::paths::OPEN).collect();
    let pages = server::paths();
    assert_eq!(walked, pages.iter().map(String::as_str).collect(), "every page is in this walk");
    for (path, _) in &guarded {
        let answer = yard.get(path, "").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        assert_eq!(answer.headers["location"], format!("/sign-in?next={}", types::list::encode(path)), "{path}");
    }
    for (index, who) in WALKERS.into_iter().enumerate() {
        let cookie = yard.cookie_of(&format!("{who}@example.org")).await;
        for (path, may) in &guarded {
            let answer = yard.get(path, &cookie).await;
            expect(answer.status, may[index], &format!("{path} as {who}"));
            assert!(answer.status != StatusCode::NOT_FOUND || *path == "/gallery", "{path} as {who}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_of_the_api_refuses_unsigned_requests() {
    let yard = Yard::new().await;
    let cookie = yard.cookie_of("root@example.org").await;
    // Open to anybody: the client calls these before each command, and to sign in.
    let open = ["/manager/announcement", "/server/login-check", "/server/logout", "/func", "/func/"];
    for (method, path) in server::api_routes() {
        let open = open.contains(&path.as_str()) || path == "/func/manager/announcement";
        for cookie in ["", cookie.as_str()] {
            let body = if path == "/server/login" { json!({ "username": "x", "password": "x" }) } else { json!({}) };
            let answer = yard.call(method.clone(), &path, cookie, &body.to_string()).await;
            let expected = if open { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
            assert_eq!(answer.status, expected, "{method} {path}: {}", answer.text);
        }
    }
}
