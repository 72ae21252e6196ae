//! People, sentence by sentence (`docs/spec/people.md`, "Editing accounts" and "Deactivating accounts").

use crate::{PASSWORD, Yard, email};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use types::list::{Condition, ListQuery, Op, Page};
use types::people::keypairs::{KEYPAIRS, KeypairRow};
use types::people::permissions::Role;
use types::people::users::{Created, USERS, UserDetail, UserRow};

impl Yard {
    pub async fn new_person(&self, cookie: &str, name: &str, change: Value) -> Value {
        let domains: Value = self.done(cookie, "domains", json!({})).await;
        let mut user = json!({
            "email": format!("{name}@example.org"), "username": name, "full_name": "", "password": PASSWORD, "role": "user",
            "status": "active", "domain": domains[0]["id"], "projects": [domains[0]["projects"][0]["id"]], "description": "",
        });
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
        cookie.starts_with("session=").then_some(cookie)
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
async fn a_superadmin_sees_the_people_of_all_domains_and_a_domain_admin_those_of_their_own() {
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
    // What the client calls deleting takes the right to sign in, and nothing else.
    assert!(yard.listed(&root, "inactive").await.contains(&"user@example.org".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_menu_of_administration_is_there_for_those_who_have_it() {
    let yard = Yard::new().await;
    for (role, has) in [(Role::Superadmin, true), (Role::Admin, true), (Role::Monitor, true), (Role::User, false)] {
        let cookie = yard.cookie(role).await;
        assert_eq!(yard.get("/sessions", &cookie).await.text.contains("id=\"menu-administration\""), has, "{role:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_detail_of_a_person_shows_domain_projects_keypairs_policies_and_recent_sign_ins() {
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
    // One number by itself leaves the others; nought gives one back to the engine.
    let () = yard.done(&root, "edit_user", edit(json!({ "gid": 1700 }))).await;
    let () = yard.done(&root, "edit_user", edit(json!({ "uid": 0 }))).await;
    let detail: UserDetail = yard.done(&root, "user", json!({ "id": ann.id })).await;
    assert_eq!((detail.row.ids.uid, detail.row.ids.gid, detail.row.ids.gids.as_slice()), (None, Some(1700), &[20, 30][..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_has_eight_characters_with_a_letter_a_digit_and_a_special_one() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    for bad in ["Short1!", "no-digits-here", "12345678!", "NoSpecial1"] {
        let body = yard.new_person(&root, "ann", json!({ "password": bad })).await;
        assert!(yard.refused(&root, "create_user", body).await.contains("\"password\""), "{bad}");
    }
    let body = yard.new_person(&root, "ann", json!({ "password": "under_score1" })).await;
    yard.done::<Created>(&root, "create_user", body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_email_and_a_username_have_at_most_64_characters() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    let long = "u".repeat(65);
    let body = yard.new_person(&root, "ann", json!({ "username": long, "email": format!("{long}@example.org") })).await;
    let text = yard.refused(&root, "create_user", body).await;
    assert!(text.contains("\"username\"") && text.contains("\"email\""), "{text}");
    let (name, email) = ("u".repeat(64), format!("{}@example.org", "e".repeat(52)));
    let body = yard.new_person(&root, "ann", json!({ "username": name, "email": email })).await;
    yard.done::<Created>(&root, "create_user", body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_email_or_username_is_refused_whatever_its_case() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    yard.create(&root, "ann").await;
    let body = yard.new_person(&root, "other", json!({ "email": "ANN@example.org" })).await;
    assert!(yard.refused(&root, "create_user", body).await.contains("exists already"));
    let body = yard.new_person(&root, "other", json!({ "username": "Ann" })).await;
    assert!(yard.refused(&root, "create_user", body).await.contains("exists already"));
    let other = yard.create(&root, "other").await;
    let text = yard.refused(&root, "edit_user", json!({ "id": other.id, "edit": { "username": "ANN" } })).await;
    assert!(text.contains("exists already"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn name_password_and_state_of_a_person_can_be_changed_and_the_user_id_cannot() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    let ann = yard.create(&root, "ann").await;
    let before = yard.signs_in("ann", PASSWORD).await.unwrap();
    let edit = json!({ "username": "anna", "full_name": "Anna Ek", "password": "Another-Horse-1", "email": "new@example.org",
        "description": "at the desk", "sudo": true, "must_change_password": true, "addresses": ["127.0.0.0/8"] });
    let () = yard.done(&root, "edit_user", json!({ "id": ann.id, "edit": edit })).await;
    let person: UserDetail = yard.done(&root, "user", json!({ "id": ann.id })).await;
    assert_eq!((person.row.email.as_str(), person.row.username.as_str()), ("ann@example.org", "anna"));
    assert!(person.row.sudo && person.row.must_change_password);
    assert_eq!(person.row.addresses, ["127.0.0.0/8"]);
    assert_eq!(yard.ask(&before, "sign_ins", json!({})).await.0, StatusCode::UNAUTHORIZED, "another password ends sign-ins");
    assert!(yard.signs_in("anna", PASSWORD).await.is_none());
    assert!(yard.signs_in("anna", "Another-Horse-1").await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_inactive_or_before_verification_cannot_sign_in_and_is_listed_under_inactive() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    for (name, status) in [("ina", "inactive"), ("bev", "before_verification")] {
        let created = yard.create(&root, name).await;
        let cookie = yard.signs_in(name, PASSWORD).await.unwrap();
        let () = yard.done(&root, "edit_user", json!({ "id": created.id, "edit": { "status": status } })).await;
        assert!(yard.signs_in(name, PASSWORD).await.is_none(), "{status}");
        assert_eq!(yard.ask(&cookie, "sign_ins", json!({})).await.0, StatusCode::UNAUTHORIZED, "signed out at once: {status}");
        let email = format!("{name}@example.org");
        assert!(yard.listed(&root, "inactive").await.contains(&email));
        assert!(!yard.listed(&root, "active").await.contains(&email));
        let () = yard.done(&root, "edit_user", json!({ "id": created.id, "edit": { "status": "active" } })).await;
        assert!(yard.signs_in(name, PASSWORD).await.is_some(), "reactivated");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_required_password_change_shows_a_bar_and_blocks_nothing() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    let body = yard.new_person(&root, "ann", json!({ "must_change_password": true })).await;
    yard.done::<Created>(&root, "create_user", body).await;
    let ann = yard.signs_in("ann", PASSWORD).await.unwrap();
    let page = yard.get("/sessions", &ann).await;
    assert!(page.text.contains("Change it in your account"), "the bar");
    assert_eq!(yard.ask(&ann, "start_options", json!({ "owner": "" })).await.0, StatusCode::OK);
    let () = yard.done(&ann, "change_password", json!({ "change": { "old": PASSWORD, "new": "Another-Horse-1" } })).await;
    assert!(!yard.get("/sessions", &ann).await.text.contains("Change it in your account"), "the bar is gone");
    let text =
        yard.refused(&ann, "change_password", json!({ "change": { "old": "Wrong-Horse-1", "new": "Third-Horse-1" } })).await;
    assert!(text.contains("not your password"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_factor_can_only_be_turned_off_for_somebody_else() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    let ann = yard.create(&root, "ann").await;
    let text = yard.refused(&root, "edit_user", json!({ "id": ann.id, "edit": { "two_factor": true } })).await;
    assert!(text.contains("Only its owner"), "{text}");
    let () = yard.done(&root, "edit_user", json!({ "id": ann.id, "edit": { "two_factor": false } })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deactivating_and_reactivating_does_not_change_credentials() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    let ann = yard.create(&root, "ann").await;
    let second: types::people::keypairs::NewKeypair =
        yard.done(&root, "create_keypair", json!({ "keypair": { "owner": "ann", "policy": "default", "rate_limit": 10 } })).await;
    let () = yard.done(&root, "edit_keypair", json!({ "access_key": second.access_key, "edit": { "active": false } })).await;
    let state = |rows: Vec<KeypairRow>| {
        let mine = rows.into_iter().filter(|row| row.owner == "ann@example.org");
        mine.map(|row| (row.access_key, row.active, row.main)).collect::<Vec<_>>()
    };
    let before = (state(yard.keys(&root, "active").await), state(yard.keys(&root, "inactive").await));
    for status in ["inactive", "active"] {
        let () = yard.done(&root, "edit_user", json!({ "id": ann.id, "edit": { "status": status } })).await;
        let now = (state(yard.keys(&root, "active").await), state(yard.keys(&root, "inactive").await));
        assert_eq!(now, before, "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_can_deactivate_or_demote_themselves_or_the_last_active_superadmin() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    let query = ListQuery::new(&USERS);
    let page: Page<UserRow> = yard.done(&root, "users", json!({ "query": query })).await;
    let me = page.rows.iter().find(|row| row.email == email(Role::Superadmin)).unwrap().id;
    for edit in [json!({ "status": "inactive" }), json!({ "role": "user" })] {
        let text = yard.refused(&root, "edit_user", json!({ "id": me, "edit": edit })).await;
        assert!(text.contains("your own"), "{text}");
    }
    let body = yard.new_person(&root, "second", json!({ "role": "superadmin" })).await;
    yard.done::<Created>(&root, "create_user", body).await;
    let second = yard.signs_in("second", PASSWORD).await.unwrap();
    let () = yard.done(&second, "edit_user", json!({ "id": me, "edit": { "role": "user" } })).await;
    assert_eq!(
        yard.ask(&root, "edit_users", json!({ "ids": [], "edit": {} })).await.0,
        StatusCode::FORBIDDEN,
        "no superadmin now"
    );
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
async fn a_domain_comes_with_a_model_store_and_projects_take_people_of_their_own_domain_only() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    yard.create(&root, "ann").await;
    let domain: Value = yard.done(&root, "create_domain", json!({ "domain": { "name": "physics" } })).await;
    assert!(yard.refused(&root, "create_domain", json!({ "domain": { "name": "Physics" } })).await.contains("exists already"));
    assert!(yard.refused(&root, "create_domain", json!({ "domain": { "name": "-bad-" } })).await.contains("\"name\""));
    let choices: Value = yard.done(&root, "domains", json!({})).await;
    let physics = choices.as_array().unwrap().iter().find(|one| one["name"] == "physics").unwrap();
    assert_eq!(physics["projects"][0]["name"], "model-store");

    let new = json!({ "project": { "name": "optics lab", "domain": domain } });
    let project: Value = yard.done(&root, "create_project", new.clone()).await;
    assert!(yard.refused(&root, "create_project", new).await.contains("this name already"));
    let text = yard.refused(&root, "edit_project", json!({ "id": project, "edit": { "add": ["ann"] } })).await;
    assert!(text.contains("Nobody of this domain is called ann"), "{text}");
    let default = choices.as_array().unwrap().iter().find(|one| one["name"] == "default").unwrap();
    let own: Value = yard
        .done(&root, "create_project", json!({ "project": { "name": "vision", "domain": default["id"], "add": ["ann"] } }))
        .await;
    let detail: types::projects::ProjectDetail = yard.done(&root, "project", json!({ "id": own })).await;
    assert_eq!(detail.members.iter().map(|member| member.email.as_str()).collect::<Vec<_>>(), ["ann@example.org"]);
    let () =
        yard.done(&root, "edit_project", json!({ "id": own, "edit": { "remove": ["ann@example.org"], "active": false } })).await;
    let detail: types::projects::ProjectDetail = yard.done(&root, "project", json!({ "id": own })).await;
    assert!(detail.members.is_empty() && !detail.row.active);

    let admin = yard.cookie(Role::Admin).await;
    let (status, _) = yard.ask(&admin, "project", json!({ "id": project })).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "another domain's project");
    let text = yard.refused(&admin, "create_project", json!({ "project": { "name": "mine", "domain": domain } })).await;
    assert!(text.contains("domains that you administer"), "{text}");
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
    let page: Page<types::system::audit::AuditRow> = yard.done(&root, "audit_rows", json!({ "query": query })).await;
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
