//! The permissions of project admins, and the sessions that a domain admin sees.

use crate::Yard;
use axum::http::StatusCode;
use serde_json::{Value, json};
use types::list::{ListQuery, Page};
use types::people::permissions::Role;
use types::people::users::{USERS, UserRow};
use types::projects::{PROJECTS, ProjectDetail, ProjectRow};
use types::sessions::{QUEUE, SESSIONS, SessionRow};

async fn emails(yard: &Yard, cookie: &str) -> Vec<String> {
    let query = ListQuery { per: 50, sort: "email".into(), descending: false, ..ListQuery::new(&USERS) };
    yard.done::<Page<UserRow>>(cookie, "users", json!({ "query": query })).await.rows.into_iter().map(|row| row.email).collect()
}

async fn sessions(yard: &Yard, cookie: &str, project: Value) -> Vec<String> {
    let body = json!({ "query": ListQuery::new(&SESSIONS), "project": project });
    yard.done::<Page<SessionRow>>(cookie, "sessions", body).await.rows.into_iter().map(|row| row.name).collect()
}

/// A session that waits for ever: nothing runs the queue in these tests.
async fn start(yard: &Yard, cookie: &str, name: &str, project: &Value) -> Value {
    let session = json!({ "name": name, "project": project, "resource_group": "default", "kind": "batch", "image": "host",
        "command": "true", "slots": { "cpu": "0.1", "mem": (1 << 28).to_string() } });
    let started: Value = yard.done(cookie, "start_session", json!({ "session": session })).await;
    started[0]["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_admin_sees_people_and_sessions_of_their_projects_only() {
    let yard = Yard::new().await;
    let root = yard.cookie_of("root@example.org").await;
    let body = yard.new_person(&root, "outsider", json!({ "projects": [] })).await;
    yard.done::<types::people::users::Created>(&root, "create_user", body).await;
    let domains: Value = yard.done(&root, "domain_choices", json!({})).await;
    let default = domains[0]["projects"][0]["id"].clone();
    let other: Value =
        yard.done(&root, "create_project", json!({ "project": { "name": "other", "add": ["the-user", "outsider"] } })).await;

    let boss = yard.cookie_of("project-admin@example.org").await;
    let seen = emails(&yard, &boss).await;
    assert!(seen.contains(&"user@example.org".to_owned()) && !seen.contains(&"outsider@example.org".to_owned()), "{seen:?}");
    // Of a member they see the name, and nothing more.
    let query = ListQuery { per: 50, ..ListQuery::new(&USERS) };
    let page: Page<UserRow> = yard.done(&boss, "users", json!({ "query": query })).await;
    let member = page.rows.iter().find(|row| row.email == "user@example.org").unwrap();
    assert_eq!((member.main_key.as_deref(), member.projects.len(), member.policy.as_str()), (None, 1, ""));
    let detail: types::people::users::UserDetail = yard.done(&boss, "user", json!({ "id": member.id })).await;
    assert!(detail.access_keys.is_empty() && detail.recent_sign_ins.is_empty() && detail.last_sign_in.is_none());
    let seen = ListQuery { sort: "domain".into(), descending: false, ..ListQuery::new(&USERS) };
    assert_eq!(yard.ask(&boss, "users", json!({ "query": seen })).await.0, StatusCode::OK, "what is seen can be ordered by");
    let hidden = ListQuery { sort: "two_factor".into(), ..ListQuery::new(&USERS) };
    assert_eq!(yard.ask(&boss, "users", json!({ "query": hidden })).await.0, StatusCode::FORBIDDEN);
    let query = json!({ "query": ListQuery::new(&PROJECTS) });
    let projects: Vec<String> =
        yard.done::<Page<ProjectRow>>(&boss, "projects", query).await.rows.into_iter().map(|row| row.name).collect();
    assert_eq!(projects, ["default"]);
    assert_eq!(yard.ask(&boss, "project", json!({ "id": other })).await.0, StatusCode::NOT_FOUND);

    let user = yard.cookie_of("the-user").await;
    let theirs = start(&yard, &user, "in-default", &default).await;
    let hidden = start(&yard, &user, "in-other", &other).await;
    assert_eq!(sessions(&yard, &boss, Value::Null).await, ["in-default"]);
    assert_eq!(yard.ask(&boss, "session", json!({ "id": hidden })).await.0, StatusCode::NOT_FOUND);
    let session: types::sessions::SessionDetail = yard.done(&boss, "session", json!({ "id": theirs })).await;
    assert!(session.may_control, "and may end it");
    // The project chosen in the header narrows everybody's list.
    assert_eq!(sessions(&yard, &user, other.clone()).await, ["in-other"]);
    assert_eq!(sessions(&yard, &user, default).await, ["in-default"]);
    assert_eq!(sessions(&yard, &root, Value::Null).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_admin_changes_the_projects_members_and_nothing_else() {
    let yard = Yard::new().await;
    let root = yard.cookie_of("root@example.org").await;
    let body = yard.new_person(&root, "newcomer", json!({ "projects": [] })).await;
    yard.done::<types::people::users::Created>(&root, "create_user", body).await;
    let boss = yard.cookie_of("project-admin@example.org").await;
    let domains: Value = yard.done(&root, "domain_choices", json!({})).await;
    let id = domains[0]["projects"][0]["id"].clone();
    let edit = |edit: Value| json!({ "id": id, "edit": edit });
    let () = yard.done(&boss, "edit_project", edit(json!({ "add": ["newcomer"] }))).await;
    let detail: ProjectDetail = yard.done(&boss, "project", json!({ "id": id })).await;
    assert!(detail.members.iter().any(|one| one.email == "newcomer@example.org"));
    let () = yard.done(&boss, "edit_project", edit(json!({ "remove": ["newcomer"] }))).await;
    for forbidden in [
        json!({ "name": "mine" }),
        json!({ "active": false }),
        json!({ "appoint": ["the-user"] }),
        json!({ "policy": "default" }),
    ] {
        let (status, text) = yard.ask(&boss, "edit_project", edit(forbidden.clone())).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{forbidden}: {text}");
    }
    for name in ["project-admin@example.org", " Project-Admin "] {
        let text = yard.refused(&boss, "edit_project", edit(json!({ "remove": [name] }))).await;
        assert!(text.contains("Ask a domain administrator"), "{text}");
    }

    let () = yard.done(&root, "edit_project", edit(json!({ "active": false }))).await;
    assert_eq!(
        yard.ask(&boss, "projects", json!({ "query": ListQuery::new(&PROJECTS) })).await.0,
        StatusCode::FORBIDDEN,
        "asleep"
    );
    let () = yard.done(&root, "edit_project", edit(json!({ "active": true }))).await;
    let () = yard.done(&root, "edit_project", edit(json!({ "dismiss": ["project-admin"] }))).await;
    let (status, _) = yard.ask(&boss, "users", json!({ "query": ListQuery::new(&USERS) })).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "no longer, at once");
    let detail: ProjectDetail = yard.done(&root, "project", json!({ "id": id })).await;
    assert!(detail.members.iter().any(|one| one.email == "project-admin@example.org" && !one.admin), "still a member");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_admins_queue_and_export_hold_only_their_own_domain() {
    let yard = Yard::new().await;
    let root = yard.cookie_of("root@example.org").await;
    let domains: Value = yard.done(&root, "domain_choices", json!({})).await;
    let default = domains[0]["projects"][0]["id"].clone();
    let physics: Value = yard.done(&root, "create_domain", json!({ "domain": { "name": "physics" } })).await;
    let body = yard.new_person(&root, "curie", json!({ "role": "admin", "domain": physics, "projects": [] })).await;
    yard.done::<types::people::users::Created>(&root, "create_user", body).await;
    let radium = json!({ "project": { "name": "radium", "domain": physics, "add": ["curie"] } });
    let radium: Value = yard.done(&root, "create_project", radium).await;
    let (user, curie) = (yard.cookie_of("the-user").await, yard.cookie_of("curie").await);
    start(&yard, &user, "in-default", &default).await;
    start(&yard, &curie, "in-physics", &radium).await;
    assert_eq!(sessions(&yard, &root, Value::Null).await.len(), 2);

    let admin = yard.cookie_of("admin@example.org").await;
    for (cookie, theirs) in [(admin, "in-default"), (curie, "in-physics")] {
        let queue = json!({ "group": "default", "query": ListQuery::new(&QUEUE) });
        let queue: Page<SessionRow> = yard.done(&cookie, "queue", queue).await;
        assert_eq!((queue.rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), queue.total), (vec![theirs], 1));
        let file = yard.get("/export/sessions.csv", &cookie).await;
        assert_eq!(file.status, StatusCode::OK);
        let header = "\u{feff}Session ID,Name,Type,Status,Status info,Owner,Project,Resource group,Environment,Agent,CPU,Memory,\
                      AI accelerator,Cluster mode,Cluster size,Priority,Out-of-memory kills,Created,Started,Ended";
        assert_eq!(file.text.lines().next(), Some(header));
        let names: Vec<_> = file.text.lines().skip(1).filter_map(|line| line.split(',').nth(1)).collect();
        assert_eq!(names, [theirs]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_has_a_model_store_and_projects_take_only_its_people() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    yard.create(&root, "ann").await;
    let domain: Value = yard.done(&root, "create_domain", json!({ "domain": { "name": "physics" } })).await;
    assert!(yard.refused(&root, "create_domain", json!({ "domain": { "name": "Physics" } })).await.contains("already exists"));
    assert!(yard.refused(&root, "create_domain", json!({ "domain": { "name": "-bad-" } })).await.contains("\"name\""));
    let choices: Value = yard.done(&root, "domain_choices", json!({})).await;
    let physics = choices.as_array().unwrap().iter().find(|one| one["name"] == "physics").unwrap();
    assert_eq!(physics["projects"][0]["name"], "model-store");

    let new = json!({ "project": { "name": "optics lab", "domain": domain } });
    let project: Value = yard.done(&root, "create_project", new.clone()).await;
    assert!(yard.refused(&root, "create_project", new).await.contains("already has a project with this name"));
    let text = yard.refused(&root, "edit_project", json!({ "id": project, "edit": { "add": ["ann"] } })).await;
    assert!(text.contains("Not found in this domain: ann"), "{text}");
    let default = choices.as_array().unwrap().iter().find(|one| one["name"] == "default").unwrap();
    let own: Value = yard
        .done(&root, "create_project", json!({ "project": { "name": "vision", "domain": default["id"], "add": ["ann"] } }))
        .await;
    let detail: ProjectDetail = yard.done(&root, "project", json!({ "id": own })).await;
    assert_eq!(detail.members.iter().map(|member| member.email.as_str()).collect::<Vec<_>>(), ["ann@example.org"]);
    let () =
        yard.done(&root, "edit_project", json!({ "id": own, "edit": { "remove": ["ann@example.org"], "active": false } })).await;
    let detail: ProjectDetail = yard.done(&root, "project", json!({ "id": own })).await;
    assert!(detail.members.is_empty() && !detail.row.active);

    let admin = yard.cookie(Role::Admin).await;
    let (status, _) = yard.ask(&admin, "project", json!({ "id": project })).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "another domain's project");
    let text = yard.refused(&admin, "create_project", json!({ "project": { "name": "mine", "domain": domain } })).await;
    assert!(text.contains("domains that you administer"), "{text}");
}
