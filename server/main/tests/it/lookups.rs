//! Sessions by name: a beginning is enough to look at one, and never enough to change or end one.

use crate::Yard;
use crate::api_sessions::{session, start};
use axum::http::{Method, StatusCode};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn only_an_exact_name_or_id_ends_or_renames_a_session() {
    let yard = Yard::new().await;
    let (user, root) = (yard.client("user@example.org").await, yard.client("root@example.org").await);
    let id = start(&yard, &user, "train-2", &[]).await;
    let named = async |method: Method, path: &str, cookie: &str| yard.call(method, path, cookie, "").await.status;
    for part in ["t", "train", "train-", &id[..8], &id[..35]] {
        assert_eq!(session(&yard, &user, part).await["status"], "PENDING", "{part} is enough to look");
        for (cookie, owner) in [(&user, ""), (&root, "owner_access_key=user@example.org")] {
            let path = format!("/func/session/{part}?{owner}");
            assert_eq!(named(Method::DELETE, &path, cookie).await, StatusCode::NOT_FOUND, "{part}");
            let path = format!("/func/session/{part}/rename?name=other&{owner}");
            assert_eq!(named(Method::POST, &path, cookie).await, StatusCode::NOT_FOUND, "{part}");
        }
    }
    assert_eq!(session(&yard, &user, "train-2").await["status"], "PENDING");
    assert_eq!(named(Method::POST, "/func/session/train-2/rename?name=train-3", &user).await, StatusCode::NO_CONTENT);
    assert_eq!(named(Method::DELETE, "/func/session/train-3?owner_access_key=user@example.org", &root).await, StatusCode::OK);
    let other = start(&yard, &user, "by-id", &[]).await;
    assert_eq!(named(Method::DELETE, &format!("/func/session/{other}"), &root).await, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_with_one_name_the_living_one_is_ended() {
    let yard = Yard::new().await;
    let user = yard.client("user@example.org").await;
    let first = start(&yard, &user, "same", &[]).await;
    assert_eq!(yard.call(Method::DELETE, "/func/session/same", &user, "").await.status, StatusCode::OK);
    let second = start(&yard, &user, "same", &[]).await;
    let answer = yard.call(Method::DELETE, "/func/session/same", &user, "").await;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&answer.text).unwrap(), json!({ "stats": { "status": "cancelled" } }));
    for id in [first, second] {
        assert_eq!(session(&yard, &user, &id).await["status"], "CANCELLED");
    }
}
