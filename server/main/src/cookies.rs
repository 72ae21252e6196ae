//! Cookies, and the middleware that turns the sign-in cookie into a [`Caller`].

use crate::App;
use crate::address::{Peer, client_address};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{COOKIE, USER_AGENT};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use control::Caller;
use cookie::{Cookie, SameSite};

/// The sign-in cookie, by its part of [`own_name`].
pub const SIGN_IN: &str = "session";

/// The name of a cookie that belongs to this installation, since browsers give cookies of one port to all ports of a host.
///
/// `__Host-` binds it to this host and to TLS. Browsers refuse that name over plain HTTP, so there it is left out.
pub fn own_name(app: &App, what: &str) -> String {
    let host = if app.settings.secure() { "__Host-" } else { "" };
    format!("{host}{what}-{}", app.installation)
}

/// Reads the value of one cookie of a request.
pub fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    types::cookies::value(headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok()), name)
}

/// Makes the `Set-Cookie` value of a cookie that scripts cannot read; `max_age` in seconds, 0 to delete it.
pub fn write(name: &str, value: &str, max_age: i64, secure: bool) -> String {
    write_for("/", name, value, max_age, secure)
}

/// The same for one page alone.
pub fn write_for(path: &str, name: &str, value: &str, max_age: i64, secure: bool) -> String {
    let mut cookie = readable(name, value, max_age, secure);
    cookie.set_http_only(true);
    cookie.set_path(path);
    cookie.to_string()
}

/// Makes a cookie that our own scripts may read; `max_age` in seconds.
pub fn readable<'a>(name: &'a str, value: &'a str, max_age: i64, secure: bool) -> Cookie<'a> {
    let cookie = Cookie::build((name, value)).path("/").same_site(SameSite::Lax).secure(secure);
    cookie.max_age(cookie::time::Duration::seconds(max_age)).build()
}

/// Finds the [`Caller`] behind every request and puts it into the request's extensions.
pub async fn identify(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let token = read(headers, &own_name(&app, SIGN_IN)).map(str::to_owned);
    let browser = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    let address = client_address(headers, peer, &app.settings.trust_proxy);
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
