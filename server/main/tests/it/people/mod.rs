//! People: who may see and change whom, and what pages show of a person.

mod accounts;

use crate::{PASSWORD, Yard, email};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use types::list::{Condition, ListQuery, Op, Page};
use types::people::keypairs::{KEYPAIRS, KeypairRow};
use types::people::permissions::Role;
use types::people::users::{CreateUser, Created, USERS, UserDetail, UserRow};

impl Yard {
    pub async fn new_person(&self, cookie: &str, name: &str, change: Value) -> Value {
        let domains: Value = self.done(cookie, "domain_choices", json!({})).await;
        let domain = serde_json::from_value(domains[0]["id"].clone()).unwrap();
        let mut user = json!(CreateUser { password: PASSWORD.into(), ..CreateUser::example(name, domain) });
        user["projects"] = json!([domains[0]["projects"][0]["id"]]);
        user.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        json!({ "user": user })
    }

    pub async fn create(&self, cookie: &str, name: &str) -> Created {
        let body = self.new_person(cookie, name, json!({})).await;
        self.done(cookie, "create_user", body).await
    }

    async fn listed(&self, cookie: &str, tab: &str) -> Vec<String> {
        let query = ListQuery { tab: tab.into(), per: 50, ..ListQuery::new(&USERS) };
        let page: Page<UserRow> = self.done(cookie, "users", json!({ "query": query })).await;
        page.rows.into_iter().map(|row| row.email).collect()
    }

    pub async fn keys(&self, cookie: &str, tab: &str) -> Vec<KeypairRow> {
        let query = ListQuery { tab: tab.into(), per: 50, ..ListQuery::new(&KEYPAIRS) };
        self.done::<Page<KeypairRow>>(cookie, "keypairs", json!({ "query": query })).await.rows
    }

    pub async fn signs_in(&self, login: &str, password: &str) -> Option<String> {
        let answer = self.post_form("/sign-in", "", &format!("login={login}&password={password}&next=/")).await;
        let cookie = answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        cookie.starts_with("session-").then_some(cookie)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_can_be_filtered_by_user_id_name_role_and_description() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    for (name, change) in [("ann", json!({ "description": "Night shift" })), ("bob", json!({ "role": "monitor" }))] {
        let body = yard.new_person(&root, name, change).await;
        yard.done::<Created>(&root, "create_user", body).await;
    }
    for (key, op, value, found) in [
        ("email", Op::Contains, "ANN@", "ann@example.org"),
        ("username", Op::Contains, "an", "ann@example.org"),
        ("description", Op::Contains, "night", "ann@example.org"),
    ] {
        let conditions = vec![Condition { key: key.into(), op, value: value.into() }];
        let query = ListQuery { conditions, ..ListQuery::new(&USERS) };
        let page: Page<UserRow> = yard.done(&root, "users", json!({ "query": query })).await;
        assert_eq!(page.rows.iter().map(|row| row.email.as_str()).collect::<Vec<_>>(), [found], "{key}");
    }
    let conditions = vec![Condition { key: "role".into(), op: Op::Any, value: "monitor".into() }];
    let query = ListQuery { conditions, ..ListQuery::new(&USERS) };
    let page: Page<UserRow> = yard.done(&root, "users", json!({ "query": query })).await;
    assert!(page.rows.iter().all(|row| row.role == Role::Monitor) && page.total == 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_superadmin_sees_all_domains_people_and_a_domain_admin_their_own() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    let physics: Value = yard.done(&root, "create_domain", json!({ "domain": { "name": "physics" } })).await;
    let body = yard.new_person(&root, "curie", json!({ "domain": physics, "projects": [] })).await;
    yard.done::<Created>(&root, "create_user", body).await;
    assert!(yard.listed(&root, "active").await.contains(&"curie@example.org".to_owned()));
    let admin = yard.cookie(Role::Admin).await;
    let seen = yard.listed(&admin, "active").await;
    assert!(seen.contains(&"user@example.org".to_owned()) && !seen.contains(&"curie@example.org".to_owned()), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_account_is_ever_deleted_not_even_by_a_superadmin() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    let login = json!({ "username": "root@example.org", "password": PASSWORD }).to_string();
    let answer = yard.call(Method::POST, "/server/login", "", &login).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    for (mutation, ok) in [
        (r#"mutation { purge_user(email: "user@example.org", props: { purge_shared_vfolders: true }) { ok msg } }"#, false),
        (r#"mutation { delete_user(email: "user@example.org") { ok msg } }"#, true),
    ] {
        let body = json!({ "query": mutation }).to_string();
        let text = yard.call(Method::POST, "/func/admin/gql", &cookie, &body).await.text;
        assert!(text.contains(&format!("\"ok\":{ok}")), "{text}");
        assert_eq!(text.contains("never deleted"), !ok, "{text}");
    }
    // The client's delete only takes away the right to sign in.
    assert!(yard.listed(&root, "inactive").await.contains(&"user@example.org".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_administration_menu_is_shown_only_to_those_who_may_use_it() {
    let yard = Yard::new().await;
    for (role, has) in [(Role::Superadmin, true), (Role::Admin, true), (Role::Monitor, true), (Role::User, false)] {
        let cookie = yard.cookie(role).await;
        assert_eq!(yard.get("/sessions", &cookie).await.text.contains(">Administration</h2>"), has, "{role:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_detail_shows_projects_keypairs_policies_and_sign_ins() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    let ids = json!({ "uid": 1500, "gid": 1600, "gids": [20, 30] });
    let body = yard.new_person(&root, "ann", json!({ "policy": "default", "ids": ids })).await;
    let ann: Created = yard.done(&root, "create_user", body).await;
    yard.signs_in("ann", PASSWORD).await.unwrap();
    let detail: UserDetail = yard.done(&root, "user", json!({ "id": ann.id })).await;
    assert_eq!((detail.row.domain.as_str(), detail.row.projects.as_slice()), ("default", &["default".to_owned()][..]));
    assert_eq!((detail.row.policy.as_str(), detail.keypair_policy.as_str()), ("default", "default"));
    assert_eq!(detail.access_keys, [ann.keypair.access_key]);
    assert_eq!((detail.row.ids.uid, detail.row.ids.gid, detail.row.ids.gids.as_slice()), (Some(1500), Some(1600), &[20, 30][..]));
    assert_eq!(detail.recent_sign_ins[0].address, "127.0.0.1");
    let edit = |edit: Value| json!({ "id": ann.id, "edit": edit });
    for wrong in [json!({ "uid": 2_147_483_648u32 }), json!({ "gids": [5, 5] }), json!({ "policy": "no-such" })] {
        yard.refused(&root, "edit_user", edit(wrong)).await;
    }
    // One number alone leaves the others as they are; 0 leaves it to the engine again.
    let () = yard.done(&root, "edit_user", edit(json!({ "gid": 1700 }))).await;
    let () = yard.done(&root, "edit_user", edit(json!({ "uid": 0 }))).await;
    let detail: UserDetail = yard.done(&root, "user", json!({ "id": ann.id })).await;
    assert_eq!((detail.row.ids.uid, detail.row.ids.gid, detail.row.ids.gids.as_slice()), (None, Some(1700), &[20, 30][..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_admin_changes_only_users_of_their_own_domain() {
    let yard = Yard::new().await;
    let (root, admin) = (yard.cookie(Role::Superadmin).await, yard.cookie(Role::Admin).await);
    let ann = yard.create(&root, "ann").await;
    let () = yard.done(&admin, "edit_user", json!({ "id": ann.id, "edit": { "description": "seen" } })).await;
    let text = yard.refused(&admin, "edit_user", json!({ "id": ann.id, "edit": { "role": "superadmin" } })).await;
    assert!(text.contains("may not make"), "{text}");
    let page: Page<UserRow> = yard.done(&admin, "users", json!({ "query": ListQuery::new(&USERS) })).await;
    let boss = page.rows.iter().find(|row| row.role == Role::Superadmin).unwrap();
    let (status, _) = yard.ask(&admin, "edit_user", json!({ "id": boss.id, "edit": { "description": "x" } })).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let key = yard.keys(&admin, "active").await.into_iter().find(|row| row.owner == boss.email).unwrap();
    let (status, _) = yard.ask(&admin, "keypair_secret", json!({ "access_key": key.access_key })).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "the superadmin's secret key");
}

#[tokio::test(flavor = "multi_thread")]
async fn allowed_addresses_are_enforced_when_signing_in_and_afterwards() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    let ann = yard.create(&root, "ann").await;
    let cookie = yard.signs_in("ann", PASSWORD).await.unwrap();
    let edit = json!({ "id": ann.id, "edit": { "addresses": ["10.0.0.0/8"] } });
    let () = yard.done(&root, "edit_user", edit).await;
    assert_eq!(yard.ask(&cookie, "sign_ins", json!({})).await.0, StatusCode::UNAUTHORIZED);
    assert!(yard.signs_in("ann", PASSWORD).await.is_none());
    let text = yard.refused(&root, "edit_user", json!({ "id": ann.id, "edit": { "addresses": ["10.0.0/8", "x"] } })).await;
    assert!(text.contains("10.0.0/8, x"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_sign_ins_and_refusals_are_in_the_audit_trail_and_no_secret_is() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    let ann = yard.create(&root, "ann").await;
    assert!(yard.signs_in("ann", "Wrong-Horse-9").await.is_none());
    let edit = json!({ "full_name": "Ann Ek", "password": "Another-Horse-1" });
    let () = yard.done(&root, "edit_user", json!({ "id": ann.id, "edit": edit })).await;
    let query = ListQuery { per: 50, ..ListQuery::new(&types::system::audit::AUDIT) };
    let page: Page<types::system::audit::AuditRow> = yard.done(&root, "audit_records", json!({ "query": query })).await;
    let actions: Vec<&str> = page.rows.iter().map(|row| row.action.as_str()).collect();
    for action in ["edit user", "sign-in refused", "create user", "sign-in"] {
        assert!(actions.contains(&action), "{action} in {actions:?}");
    }
    let edited = page.rows.iter().find(|row| row.action == "edit user").unwrap();
    assert_eq!(edited.actor_email, email(Role::Superadmin));
    assert!(edited.detail.contains("Ann Ek") && edited.detail.contains("before"), "{}", edited.detail);
    for secret in ["Another-Horse-1", PASSWORD, ann.keypair.secret_key.as_str()] {
        assert!(page.rows.iter().all(|row| !row.detail.contains(secret)), "a secret is in the trail");
    }
}
