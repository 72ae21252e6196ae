//! Accounts: the fields of a new one, the changes to one, and their effects on its owner.

use crate::{PASSWORD, Yard, email};
use axum::http::StatusCode;
use serde_json::json;
use types::list::{ListQuery, Page};
use types::people::keypairs::KeypairRow;
use types::people::permissions::Role;
use types::people::users::{Created, USERS, UserDetail, UserRow};

#[tokio::test(flavor = "multi_thread")]
async fn a_password_needs_eight_characters_letter_digit_and_special_one() {
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
    assert!(yard.refused(&root, "create_user", body).await.contains("already exists"));
    let body = yard.new_person(&root, "other", json!({ "username": "Ann" })).await;
    assert!(yard.refused(&root, "create_user", body).await.contains("already exists"));
    let other = yard.create(&root, "other").await;
    let text = yard.refused(&root, "edit_user", json!({ "id": other.id, "edit": { "username": "ANN" } })).await;
    assert!(text.contains("already exists"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accounts_fields_can_be_changed_except_the_user_id() {
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
async fn people_who_are_not_active_cannot_sign_in_and_are_listed_as_inactive() {
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
    assert!(text.contains("Wrong password"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_factor_can_only_be_turned_off_for_somebody_else() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    let ann = yard.create(&root, "ann").await;
    let text = yard.refused(&root, "edit_user", json!({ "id": ann.id, "edit": { "two_factor": true } })).await;
    assert!(text.contains("Only the account's owner"), "{text}");
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
async fn nobody_can_deactivate_or_demote_themselves_or_the_last_superadmin() {
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
