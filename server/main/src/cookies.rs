//! Cookies, and the middleware that turns the sign-in cookie into a [`Caller`].
//!
//! `__Host-` binds the sign-in to this host and to TLS. Browsers refuse that name over plain HTTP, so there the cookie has a
//! plain name.

use crate::App;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{COOKIE, USER_AGENT};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use control::Caller;
use cookie::{Cookie, SameSite};
use std::net::SocketAddr;

/// The sign-in cookie's name.
pub fn sign_in_name(secure: bool) -> &'static str {
    if secure { "__Host-session" } else { "session" }
}

/// Reads the value of one cookie of a request.
pub fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut cookies = lines.flat_map(Cookie::split_parse).filter_map(std::result::Result::ok);
    cookies.find(|cookie| cookie.name() == name)?.value_raw()
}

/// Makes the `Set-Cookie` value of a cookie that scripts cannot read; `max_age` in seconds, 0 to delete it.
pub fn write(name: &str, value: &str, max_age: i64, secure: bool) -> String {
    let mut cookie = readable(name, value, max_age, secure);
    cookie.set_http_only(true);
    cookie.to_string()
}

/// Makes a cookie that our own scripts may read; `max_age` in seconds.
pub fn readable<'a>(name: &'a str, value: &'a str, max_age: i64, secure: bool) -> Cookie<'a> {
    let cookie = Cookie::build((name, value)).path("/").same_site(SameSite::Lax).secure(secure);
    cookie.max_age(cookie::time::Duration::seconds(max_age)).build()
}

/// The address that a request came from: the peer's, or the one that a trusted proxy on this machine names.
pub fn address(headers: &HeaderMap, peer: SocketAddr, trust_proxy: bool) -> String {
    let forwarded = headers.get("x-forwarded-for").and_then(|value| value.to_str().ok()).and_then(|list| list.rsplit(',').next());
    match forwarded {
        // Our own proxy wrote the last entry; anybody can make up those before it.
        Some(address) if trust_proxy && peer.ip().is_loopback() => address.trim().chars().take(64).collect(),
        _ => peer.ip().to_string(),
    }
}

/// Finds the [`Caller`] behind every request and puts it into the request's extensions.
pub async fn identify(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let token = read(headers, sign_in_name(app.settings.secure())).map(str::to_owned);
    let browser = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    let address = address(headers, peer, app.settings.trust_proxy);
    match app.control.caller(Caller::nobody(address, browser), token.as_deref()).await {
        Ok(caller) => {
            request.extensions_mut().insert::<Caller>(caller.clone());
            let asked = format!("{} {}", request.method(), request.uri().path());
            let answer = next.run(request).await;
            note_refusals(&app, &caller, &asked, answer.status()).await;
            answer
        }
        // The database does not answer, so the caller cannot be identified.
        Err(problem) => (StatusCode::SERVICE_UNAVAILABLE, problem.to_string()).into_response(),
    }
}

/// Writes refusals into the audit trail before the answer is sent, so that nobody can act before their refusal is recorded.
async fn note_refusals(app: &App, caller: &Caller, asked: &str, status: StatusCode) {
    // A page may refuse without asking the rules behind it.
    if status == StatusCode::FORBIDDEN && caller.me().is_some() && !caller.was_refused() {
        drop(caller.refuse("open this page"));
    }
    if let Err(problem) = app.control.note_refusals(caller, asked).await {
        tracing::warn!(%problem, "a refusal was not written down");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "theme=dark; session=abc".parse().unwrap());
        headers.append(COOKIE, "x=y".parse().unwrap());
        assert_eq!(read(&headers, "session"), Some("abc"));
        assert_eq!(read(&headers, "x"), Some("y"));
        assert_eq!(read(&headers, "sess"), None);
    }

    #[test]
    fn only_a_trusted_proxy_on_this_machine_can_name_another_address() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "6.6.6.6, 10.1.2.3".parse().unwrap());
        let (here, away) = ("127.0.0.1:9".parse().unwrap(), "10.9.9.9:9".parse().unwrap());
        assert_eq!(address(&headers, here, true), "10.1.2.3");
        assert_eq!(address(&headers, here, false), "127.0.0.1");
        assert_eq!(address(&headers, away, true), "10.9.9.9");
    }
}
