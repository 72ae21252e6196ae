//! Checks the signature of a request, and reports the rest of the rate limit.

use crate::Api;
use crate::problem::Refused;
use crate::signature::{Signed, WINDOW, credential, date};
use axum::Json;
use axum::extract::{Extension, Request, State};
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HOST, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use control::{Allowance, Caller};
use serde_json::json;
use time::OffsetDateTime;
use types::Problem;

/// The version of the API that Backend.AI's clients expect.
const API_VERSION: &str = "v9.20250722";
const MANAGER_VERSION: &str = "26.9.6";

/// The keypair of a request.
#[derive(Clone)]
pub struct Allowed {
    pub access_key: String,
    /// Whether it signed the request. Otherwise it is the main one of the person behind a cookie.
    pub signed: bool,
}

/// Whether a request for `/` is a client's handshake rather than a person's browser.
pub fn wants_handshake(headers: &HeaderMap) -> bool {
    let page = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("text/html"));
    !page
}

/// The answer to a handshake: the versions of the API and of the manager.
pub fn handshake() -> Response {
    Json(json!({ "version": API_VERSION, "manager": MANAGER_VERSION })).into_response()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Lets a request with a fitting signature through, with its caller. Every answer has the headers of the rate limit.
pub async fn authenticate(
    State(api): State<Api>,
    Extension(from): Extension<Caller>,
    mut request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let Some(authorization) = text(headers, AUTHORIZATION.as_str()) else {
        return Refused::unauthorized("Unauthorized access").into_response();
    };
    let Some((access_key, signature)) = credential(authorization) else {
        return Refused::bad("invalid-auth-params", "Invalid authorization type name").into_response();
    };
    let Some(version) = text(headers, "x-backendai-version") else {
        return Refused::bad("generic-bad-request", "API version missing in request headers").into_response();
    };
    let stated = text(headers, "x-backendai-date").or_else(|| text(headers, DATE.as_str())).unwrap_or_default();
    let now = OffsetDateTime::now_utc();
    if date(stated).is_none_or(|at| (now - at).whole_seconds().abs() > WINDOW) {
        return Refused::bad("invalid-auth-params", "Date/time sync error").into_response();
    }
    let signed = Signed {
        method: request.method().as_str(),
        target: request.uri().path_and_query().map_or("/", |target| target.as_str()),
        date: stated,
        host: text(headers, HOST.as_str()).or_else(|| request.uri().authority().map(|host| host.as_str())).unwrap_or_default(),
        content_type: text(headers, CONTENT_TYPE.as_str()).unwrap_or("application/octet-stream"),
        version,
    };
    let found = api.control.signed_caller(&from, access_key, |secret| signed.fits(secret, signature)).await;
    let (caller, allowance) = match found {
        Ok(found) => found,
        Err(problem) => return Refused::from(problem).into_response(),
    };
    let access_key = access_key.to_owned();
    let mut answer = match allowance.wait {
        Some(seconds) => Refused::from(Problem::RateLimited(seconds)).into_response(),
        None => {
            request.extensions_mut().insert(caller.clone());
            request.extensions_mut().insert(Allowed { access_key, signed: true });
            api.control.fairly(&caller, next.run(request)).await
        }
    };
    add_rate_limit_headers(answer.headers_mut(), allowance);
    answer
}

/// Adds the headers that show the rest of a keypair's rate limit (`docs/spec/api.md`, "Rate limit headers").
pub fn add_rate_limit_headers(headers: &mut HeaderMap, allowance: Allowance) {
    headers.insert("x-ratelimit-limit", HeaderValue::from(allowance.limit));
    headers.insert("x-ratelimit-remaining", HeaderValue::from(allowance.remaining));
    headers.insert("x-ratelimit-window", HeaderValue::from(control::WINDOW));
    if let Some(seconds) = allowance.wait {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
}
