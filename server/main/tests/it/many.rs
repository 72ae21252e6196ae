//! Creating many people at once.

use crate::Yard;
use serde_json::{Value, json};
use types::people::many_users::{CreatedPerson, Preview};

impl Yard {
    async fn many(&self, cookie: &str, batch: Value) -> Value {
        let domains: Value = self.done(cookie, "domain_choices", json!({})).await;
        let defaults = json!({
            "role": "user", "status": "active", "domain": domains[0]["id"], "projects": [domains[0]["projects"][0]["id"]],
            "policy": "default", "must_change_password": false, "description": "made together",
        });
        json!({ "many": { "batch": batch, "defaults": defaults } })
    }

    async fn people(&self, cookie: &str) -> u64 {
        let query = types::list::ListQuery::new(&types::people::users::USERS);
        self.done::<types::list::Page<types::people::users::UserRow>>(cookie, "users", json!({ "query": query })).await.total
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_creates_people_with_own_passwords_to_be_changed() {
    let yard = Yard::new().await;
    let root = yard.cookie_of("root@example.org").await;
    let batch = json!({ "Pattern": { "prefix": "lab-", "suffix": "", "count": 12, "host": "example.org" } });
    let body = yard.many(&root, batch).await;
    let plan: Preview = yard.done(&root, "preview_users", body.clone()).await;
    assert_eq!((plan.count, plan.errors.len(), plan.first[0].username.as_str()), (12, 0, "lab-01"));
    let made: Vec<CreatedPerson> = yard.done(&root, "create_users", body.clone()).await;
    assert_eq!(made.len(), 12);
    let password = made[4].password.clone().unwrap();
    let cookie = yard.signs_in("lab-05", &password).await.expect("the password that was shown");
    assert!(yard.get("/sessions", &cookie).await.text.contains("Change it in your account"));
    assert!(yard.signs_in("lab-06", &password).await.is_none(), "everybody has another one");
    // The same again: everybody exists already, and nobody is created twice.
    let plan: Preview = yard.done(&root, "preview_users", body.clone()).await;
    assert_eq!(plan.errors.len(), 24);
    yard.refused(&root, "create_users", body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_in_a_file_is_named_by_line_and_nobody_is_created() {
    let yard = Yard::new().await;
    let root = yard.cookie_of("root@example.org").await;
    let before = yard.people(&root).await;
    let file = "\u{feff}Email;Username;role;status;domain_name;project;resource_policy;password;need_password_change;full_name\r\n\
        ann@example.org;ann;;;;;;;;\r\n\
        ann@example.org;ann2;;;;;;;;\r\n\
        ;bob;;;;;;;;\r\n\
        cara@example.org;cara cara;;;;;;;;\r\n\
        dan@example.org;dan;king;;;;;;;\r\n\
        eve@example.org;eve;;asleep;;;;;;\r\n\
        fay@example.org;fay;;;nowhere;;;;;\r\n\
        gus@example.org;gus;;;;default;no-such-project;;;;extra\r\n\
        hal@example.org;hal;;;;default;no-such;;;\r\n\
        \r\n\
        ida@example.org;ida;;;;;;short;;\r\n\
        jon@example.org;jon;;;;;;;perhaps;\r\n\
        USER@example.org;kim;;;;;;;;\r\n\
        lea@example.org;THE-USER;;;;;;;;\r\n\
        mia@example.org;mia;;;;nothing;;;;";
    let body = yard.many(&root, json!({ "File": file })).await;
    let plan: Preview = yard.done(&root, "preview_users", body.clone()).await;
    let named: Vec<(u64, &str)> = plan.errors.iter().map(|error| (error.line, error.field.as_str())).collect();
    assert_eq!(
        named,
        [
            (3, "email"),
            (4, "email"),
            (5, "username"),
            (6, "role"),
            (7, "status"),
            (8, "domain_name"),
            (9, "line"),
            (9, "resource_policy"),
            (10, "resource_policy"),
            (12, "password"),
            (13, "need_password_change"),
            (14, "email"),
            (15, "username"),
            (16, "project"),
        ]
    );
    assert!(plan.errors[0].message.contains("Line 2 has the same"), "{}", plan.errors[0].message);
    let text = yard.refused(&root, "create_users", body).await;
    assert!(text.contains("Line 12, password"), "{text}");
    assert_eq!(yard.people(&root).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_file_is_refused_with_the_reason() {
    let yard = Yard::new().await;
    let root = yard.cookie_of("root@example.org").await;
    for (file, said) in [
        ("", "the first line must name"),
        ("email,name\n", "unknown column “name”"),
        ("email\nann@example.org", "“username” is missing"),
        ("email,email,username\n", "more than once"),
        ("email,username\n", "no users below"),
    ] {
        let body = yard.many(&root, json!({ "File": file })).await;
        let text = yard.refused(&root, "preview_users", body).await;
        assert!(text.to_lowercase().contains(&said.to_lowercase()), "{file:?}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_override_the_defaults_and_five_thousand_are_created_at_once() {
    let yard = Yard::new().await;
    let root = yard.cookie_of("root@example.org").await;
    let mut file = String::from("email,username,role,status,project,password,description\n");
    file.push_str("\"special@example.org\",special,monitor,inactive,\"default;model-store\",Given-Horse-1,\"one, two\"\n");
    let domains: Value = yard.done(&root, "domain_choices", json!({})).await;
    let new = json!({ "project": { "name": "model-store", "domain": domains[0]["id"], "kind": "model-store" } });
    yard.done::<Value>(&root, "create_project", new).await;
    for n in 0..4_999 {
        file.push_str(&format!("person{n}@example.org,person{n},,,,,\n"));
    }
    let body = yard.many(&root, json!({ "File": file })).await;
    let plan: Preview = yard.done(&root, "preview_users", body.clone()).await;
    assert_eq!((plan.count, plan.errors.len(), plan.first.len()), (5_000, 0, 20));
    assert_eq!(plan.first[0].projects, ["default", "model-store"]);
    let made: Vec<CreatedPerson> = yard.done(&root, "create_users", body).await;
    assert_eq!(made.len(), 5_000);
    assert_eq!(made[0].password, None, "a given one is not shown");
    let last = made.last().unwrap();
    assert!(yard.signs_in(&last.username, last.password.as_deref().unwrap()).await.is_some());
    let query = types::list::ListQuery { tab: "inactive".into(), ..types::list::ListQuery::new(&types::people::users::USERS) };
    let page: types::list::Page<types::people::users::UserRow> = yard.done(&root, "users", json!({ "query": query })).await;
    assert_eq!(page.rows[0].description, "one, two");
    assert_eq!(page.rows[0].role, types::people::permissions::Role::Monitor);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_admin_creates_only_plain_users_of_their_own_domain() {
    let yard = Yard::new().await;
    let (root, admin) = (yard.cookie_of("root@example.org").await, yard.cookie_of("admin@example.org").await);
    yard.done::<Value>(&root, "create_domain", json!({ "domain": { "name": "physics" } })).await;
    let file =
        "email,username,role,domain_name\na1@example.org,a1,user,\na2@example.org,a2,superadmin,\na3@example.org,a3,,physics\n";
    let body = yard.many(&admin, json!({ "File": file })).await;
    let plan: Preview = yard.done(&admin, "preview_users", body).await;
    let named: Vec<(u64, &str)> = plan.errors.iter().map(|error| (error.line, error.field.as_str())).collect();
    assert_eq!(named, [(3, "role"), (4, "domain_name")]);
}
