//! A person's keypairs (`docs/spec/people.md`, "Keypairs").

use crate::{PASSWORD, Yard};
use axum::http::StatusCode;
use serde_json::{Value, json};
use types::people::keypairs::KeypairRow;
use types::people::permissions::Role;

#[tokio::test(flavor = "multi_thread")]
async fn a_new_person_has_a_keypair_of_their_own_and_may_have_several() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    let ann = yard.create(&root, "ann").await;
    let cookie = yard.signs_in("ann", PASSWORD).await.unwrap();
    let secret: String = yard.done(&cookie, "keypair_secret", json!({ "access_key": ann.keypair.access_key })).await;
    assert_eq!(secret, ann.keypair.secret_key);
    assert_eq!((secret.len(), ann.keypair.access_key.len()), (40, 20));
    let own = json!({ "keypair": { "owner": "", "policy": "whatever", "rate_limit": 50_000 } });
    let second: types::people::keypairs::NewKeypair = yard.done(&cookie, "create_keypair", own).await;
    let mine: Vec<KeypairRow> = yard.done(&cookie, "my_keypairs", json!({})).await;
    assert_eq!(mine.len(), 2);
    let added = mine.iter().find(|row| row.access_key == second.access_key).unwrap();
    assert_eq!(
        (added.policy.as_str(), added.rate_limit, added.main),
        ("default", 10_000, false),
        "nobody raises their own limits"
    );
    let (status, _) =
        yard.ask(&cookie, "edit_keypair", json!({ "access_key": second.access_key, "edit": { "rate_limit": 50_000 } })).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let user = yard.cookie(Role::User).await;
    let (status, _) = yard.ask(&user, "keypair_secret", json!({ "access_key": second.access_key })).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "somebody else's");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keypairs_policy_and_rate_limit_can_be_changed_within_bounds() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    let key = yard.create(&root, "ann").await.keypair.access_key;
    for bad in [json!({ "rate_limit": 50_001 }), json!({ "policy": "no-such" })] {
        yard.refused(&root, "edit_keypair", json!({ "access_key": key, "edit": bad })).await;
    }
    let () =
        yard.done(&root, "edit_keypair", json!({ "access_key": key, "edit": { "rate_limit": 0, "policy": "default" } })).await;
    assert_eq!(yard.done::<KeypairRow>(&root, "keypair", json!({ "access_key": key })).await.rate_limit, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_keypair_is_no_way_out_of_a_rate_limit() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    let first = yard.create(&root, "ann").await.keypair.access_key;
    let cookie = yard.signs_in("ann", PASSWORD).await.unwrap();
    let own = json!({ "keypair": { "owner": "", "policy": "", "rate_limit": 50_000 } });
    let early = yard.done::<types::people::keypairs::NewKeypair>(&cookie, "create_keypair", own.clone()).await.access_key;
    let () = yard.done(&root, "edit_keypair", json!({ "access_key": first, "edit": { "rate_limit": 300 } })).await;
    let late = yard.done::<types::people::keypairs::NewKeypair>(&cookie, "create_keypair", own).await.access_key;
    let mine: Vec<KeypairRow> = yard.done(&cookie, "my_keypairs", json!({})).await;
    let limit = |key: &str| mine.iter().find(|row| row.access_key == key).unwrap().rate_limit;
    assert_eq!((limit(&early), limit(&late)), (10_000, 300));
    let main = |key: &str| json!({ "access_key": key, "edit": { "main": true } });
    let said = yard.refused(&cookie, "edit_keypair", main(&early)).await;
    assert!(said.contains("may send 300 requests"), "{said}");
    let () = yard.done(&cookie, "edit_keypair", main(&late)).await;
    // Whatever was asked with one counts for all of them.
    let answer = yard.get("/sessions", &cookie).await;
    assert_eq!(answer.headers["x-ratelimit-limit"], "300");
    let asked = 300 - answer.headers["x-ratelimit-remaining"].to_str().unwrap().parse::<u32>().unwrap();
    assert!(asked > 5, "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keypair_that_an_administrator_deactivated_stays_so() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    yard.create(&root, "ann").await;
    let cookie = yard.signs_in("ann", PASSWORD).await.unwrap();
    let own = json!({ "keypair": { "owner": "", "policy": "", "rate_limit": 100 } });
    let key = yard.done::<types::people::keypairs::NewKeypair>(&cookie, "create_keypair", own).await.access_key;
    let active = |active: bool| json!({ "access_key": key, "edit": { "active": active } });
    for on in [false, true] {
        let () = yard.done(&cookie, "edit_keypair", active(on)).await;
    }
    let () = yard.done(&root, "edit_keypair", active(false)).await;
    for on in [true, false, true] {
        let (status, said) = yard.ask(&cookie, "edit_keypair", active(on)).await;
        assert_eq!(status == StatusCode::OK, !on, "{said}");
    }
    let () = yard.done(&root, "edit_keypair", active(true)).await;
    for on in [false, true] {
        let () = yard.done(&cookie, "edit_keypair", active(on)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_inactive_keypair_that_is_not_the_main_one_can_be_deleted() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    let main = yard.create(&root, "ann").await.keypair.access_key;
    let body = json!({ "keypair": { "owner": "ann@example.org", "policy": "default", "rate_limit": 10 } });
    let second = yard.done::<types::people::keypairs::NewKeypair>(&root, "create_keypair", body.clone()).await.access_key;
    let edit = |key: &str, edit: Value| json!({ "access_key": key, "edit": edit });
    let delete = |key: &str| json!({ "access_key": key });
    assert!(yard.refused(&root, "delete_keypair", delete(&main)).await.contains("main access key"));
    assert!(yard.refused(&root, "edit_keypair", edit(&main, json!({ "active": false }))).await.contains("main access key"));
    assert!(yard.refused(&root, "delete_keypair", delete(&second)).await.contains("inactive"));
    let () = yard.done(&root, "edit_keypair", edit(&second, json!({ "active": false }))).await;
    assert!(yard.refused(&root, "edit_keypair", edit(&second, json!({ "main": true }))).await.contains("active"));
    let () = yard.done(&root, "delete_keypair", delete(&second)).await;
    assert_eq!(yard.ask(&root, "keypair", delete(&second)).await.0, StatusCode::NOT_FOUND);
    // After a mistake, another one can be made.
    yard.done::<types::people::keypairs::NewKeypair>(&root, "create_keypair", body).await;
}
