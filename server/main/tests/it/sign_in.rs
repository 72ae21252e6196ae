//! How long a sign-in lasts, and the streams that end with it.

use crate::Yard;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use futures::StreamExt;
use std::time::Duration;
use types::people::permissions::Role;

async fn status(yard: &Yard, cookie: &str) -> StatusCode {
    yard.call(Method::POST, "/call/sign_ins", cookie, "{}").await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_ends_after_seven_days_without_use() {
    let yard = Yard::new().await;
    let cookie = yard.cookie(Role::User).await;
    yard.days_pass(8).await;
    assert_eq!(status(&yard, &cookie).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_sign_in_lasts_for_thirty_days_at_most() {
    let yard = Yard::new().await;
    let cookie = yard.cookie(Role::User).await;
    for day in [6, 12, 18, 24] {
        yard.days_pass(6).await;
        assert_eq!(status(&yard, &cookie).await, StatusCode::OK, "day {day}");
    }
    // Last used on day 24: use alone would let it last until day 31.
    yard.days_pass(6).await;
    assert_eq!(status(&yard, &cookie).await, StatusCode::UNAUTHORIZED, "day 30");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_stream_ends_when_its_sign_in_is_ended_elsewhere() {
    let yard = Yard::new().await;
    let (here, elsewhere) = (yard.cookie(Role::User).await, yard.cookie(Role::User).await);
    let request = Request::get("/events").header("cookie", &here).body(Body::empty()).unwrap();
    let mut stream = yard.open(request).await.into_body().into_data_stream();
    let first = stream.next().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&first).contains("event: hello"));

    let mine: Vec<types::people::users::SignIn> =
        serde_json::from_str(&yard.call(Method::POST, "/call/sign_ins", &elsewhere, "{}").await.text).unwrap();
    let other = mine.iter().find(|one| !one.current).unwrap();
    let body = format!("{{\"id\":\"{}\"}}", other.id);
    assert_eq!(yard.call(Method::POST, "/call/end_sign_in", &elsewhere, &body).await.status, StatusCode::OK);

    let rest = tokio::time::timeout(Duration::from_secs(5), async {
        let mut said = String::new();
        while let Some(Ok(piece)) = stream.next().await {
            said.push_str(&String::from_utf8_lossy(&piece));
        }
        said
    });
    let said = rest.await.expect("the stream ends");
    assert!(said.contains("event: ended\ndata: sign-in"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_missed_events_is_told_to_load_everything_again() {
    let yard = Yard::new().await;
    let cookie = yard.cookie(Role::User).await;
    let request = Request::get("/events?after=999999").header("cookie", &cookie).body(Body::empty()).unwrap();
    let mut stream = yard.open(request).await.into_body().into_data_stream();
    let mut said = String::new();
    while !said.contains("event: reload") {
        said.push_str(&String::from_utf8_lossy(&stream.next().await.unwrap().unwrap()));
    }
    assert!(said.contains("data: all"), "{said}");
}
