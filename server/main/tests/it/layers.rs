//! The layers around every route, page and server function, and around unknown addresses.

use crate::Yard;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use std::convert::Infallible;

/// Method and path of every endpoint, and of some that do not exist.
fn endpoints() -> Vec<(Method, String)> {
    let mut all = server::routes();
    all.extend(server::api_routes());
    all.extend(server::paths().into_iter().map(|path| (Method::GET, path)));
    all.extend(leptos::server_fn::axum::server_fn_paths().map(|(path, method)| (method, path.to_owned())));
    for path in ["/no/such/page", "/pkg/none.js", "/favicon.none", "/session/a/b", "/folders", "/func/none", "/call/none"] {
        all.push((Method::GET, path.to_owned()));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_from_another_site_is_refused_at_every_address() {
    let yard = Yard::new().await;
    for (_, path) in endpoints() {
        let request = Request::post(&path).header("sec-fetch-site", "cross-site").body(Body::empty()).unwrap();
        let answer = yard.send(request).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::FORBIDDEN, ""), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_3_mib_is_refused_at_every_address_whether_or_not_it_says_its_size() {
    let yard = Yard::new().await;
    let whole = vec![b'x'; 3 << 20];
    for (method, path) in endpoints() {
        let pieces: Vec<_> = whole.chunks(1 << 20).map(|piece| Ok::<_, Infallible>(piece.to_vec())).collect();
        for body in [Body::from(whole.clone()), Body::from_stream(futures::stream::iter(pieces))] {
            let answer = yard.send(Request::builder().method(&method).uri(&path).body(body).unwrap()).await;
            let refused = (StatusCode::PAYLOAD_TOO_LARGE, "The request is too large: at most 2 MiB are allowed.\n");
            assert_eq!((answer.status, answer.text.as_str()), refused, "{method} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_the_security_headers() {
    let yard = Yard::new().await;
    for (method, path) in endpoints() {
        for method in [method, Method::PATCH] {
            let answer = yard.send(Request::builder().method(&method).uri(&path).body(Body::empty()).unwrap()).await;
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "same-origin"),
                ("x-frame-options", "DENY"),
                ("cross-origin-opener-policy", "same-origin"),
                ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
            ] {
                assert_eq!(
                    answer.headers.get(name).map(|value| value.as_bytes()),
                    Some(value.as_bytes()),
                    "{method} {path}: {name}"
                );
            }
        }
    }
}
