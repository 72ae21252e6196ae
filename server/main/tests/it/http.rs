//! Headers, cookies, limits and pages, at the router.

use crate::{PASSWORD, Yard, email};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use types::people::permissions::Role;

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_allows_no_inline_script_and_no_inline_style() {
    let yard = Yard::new().await;
    let answer = yard.get("/sign-in", "").await;
    assert_eq!(answer.status, StatusCode::OK);
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{policy}");
    for part in [
        "default-src 'self'",
        "object-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "style-src 'self';",
    ] {
        assert!(policy.contains(part), "{part} in {policy}");
    }
    assert!(!answer.text.contains(" style=\""), "no style attribute in the page");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert_eq!(answer.headers["cache-control"], "private, no-store");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_from_another_site_is_refused() {
    let yard = Yard::new().await;
    let cookie = yard.cookie(Role::Superadmin).await;
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let request =
            Request::post("/call/sign_ins").header("cookie", &cookie).header("host", "127.0.0.1:8080").header(name, value);
        let answer = yard.send(request.header("content-type", "application/json").body(Body::from("{}")).unwrap()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}: {value}");
    }
    let request = Request::post("/call/sign_ins").header("cookie", &cookie).header("sec-fetch-site", "same-origin");
    let answer = yard.send(request.header("content-type", "application/json").body(Body::from("{}")).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_names_itself_twice_is_refused() {
    let yard = Yard::new().await;
    for name in ["host", "origin", "authorization", "sec-fetch-site"] {
        let request = Request::get("/sign-in").header(name, "one").header(name, "another").body(Body::empty()).unwrap();
        let answer = yard.send(request).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}");
        assert!(answer.text.contains(name), "{}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sign_in_cookie_is_hidden_from_scripts_and_ends_on_the_server() {
    let yard = Yard::new().await;
    let answer =
        yard.post_form("/sign-in", "", &format!("login={}&password={PASSWORD}&next=//evil.example", email(Role::User))).await;
    assert_eq!(answer.headers["location"], "/");
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    assert_eq!(yard.call(Method::POST, "/call/sign_ins", cookie, "{}").await.status, StatusCode::OK);
    yard.post_form("/sign-out", cookie, "").await;
    assert_eq!(yard.call(Method::POST, "/call/sign_ins", cookie, "{}").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_eleventh_wrong_password_has_to_wait() {
    let yard = Yard::new().await;
    let form = format!("login={}&password=Wrong-Password-1", email(Role::User));
    for _ in 0..10 {
        yard.post_form("/sign-in", "", &form).await;
    }
    let right = format!("login={}&password={PASSWORD}", email(Role::User));
    let answer = yard.post_form("/sign-in", "", &right).await;
    assert!(answer.headers["location"].to_str().unwrap().starts_with("/sign-in"));
    let flash = answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let page = yard.get("/sign-in", &flash).await;
    assert!(page.text.contains("Too many attempts. Wait "), "{}", page.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_page_has_its_rows_before_any_script() {
    let yard = Yard::new().await;
    let cookie = yard.cookie(Role::Superadmin).await;
    let answer = yard.get("/users?f=email.contains.monitor", &cookie).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.text.contains("monitor@example.org"));
    assert!(answer.text.contains("1–1 of 1 users"), "the count is in the page");
    // Loaded once: a second answer could differ from the one that the browser takes over.
    assert_eq!(answer.text.matches("\\\"rows\\\":").count(), 1, "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_or_not_json_is_refused() {
    let yard = Yard::new().await;
    let cookie = yard.cookie(Role::User).await;
    let large = format!("{{\"table\":\"{}\"}}", "x".repeat(3 << 20));
    assert_eq!(yard.call(Method::POST, "/call/columns", &cookie, &large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let unsized_one = Request::post("/call/columns").header("cookie", &cookie).header("content-type", "application/json");
    assert_eq!(yard.send(unsized_one.body(Body::from(large)).unwrap()).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let answer = yard.call(Method::POST, "/call/columns", &cookie, "{").await;
    assert!(answer.status.is_client_error() || answer.text.contains("Outdated"), "{} {}", answer.status, answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_address_shows_a_page_that_says_so() {
    let yard = Yard::new().await;
    let answer = yard.get("/no/such/page", "").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.text.contains("Page not found"));
}
