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
async fn two_installations_on_one_host_do_not_sign_each_other_out() {
    let (one, mut other) = (Yard::new().await, Yard::new().await);
    // The tests' databases are copies of one.
    other.renamed("another1");
    let cookies = format!("{}; {}", one.cookie(Role::User).await, other.cookie(Role::User).await);
    assert_eq!((status(&one, &cookies).await, status(&other, &cookies).await), (StatusCode::OK, StatusCode::OK));
    let answer = one.post_form("/sign-out", &cookies, "").await;
    let ended = answer.headers["set-cookie"].to_str().unwrap().split_once('=').unwrap().0.to_owned();
    assert!(cookies.starts_with(&ended) && cookies.matches(&ended).count() == 1, "{ended} of {cookies}");
    assert_eq!((status(&one, &cookies).await, status(&other, &cookies).await), (StatusCode::UNAUTHORIZED, StatusCode::OK));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_a_neighbour_sent_along_is_not_taken() {
    let yard = Yard::new().await;
    let (mine, theirs) = (yard.cookie(Role::User).await, yard.cookie(Role::Monitor).await);
    for cookies in [format!("{theirs}; {mine}"), format!("{mine}; {theirs}")] {
        assert_eq!(status(&yard, &cookies).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(status(&yard, &format!("{mine}; {mine}")).await, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_was_last_seen_when_they_were_even_after_signing_out() {
    let yard = Yard::new().await;
    let root = yard.cookie(Role::Superadmin).await;
    let ann = yard.create(&root, "ann").await.id;
    let seen = async || {
        yard.done::<types::people::users::UserDetail>(&root, "user", serde_json::json!({ "id": ann })).await.last_sign_in
    };
    assert_eq!(seen().await, None);
    let cookie = yard.signs_in("ann", crate::PASSWORD).await.unwrap();
    yard.post_form("/sign-out", &cookie, "").await;
    let signed_out = seen().await;
    assert!(signed_out.is_some());
    let edit = serde_json::json!({ "id": ann, "edit": { "status": "inactive" } });
    let () = yard.done(&root, "edit_user", edit).await;
    assert_eq!(seen().await, signed_out, "deactivated");
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
