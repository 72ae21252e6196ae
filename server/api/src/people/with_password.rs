//! Signing in with a password instead of a keypair, for clients that treat this server as Backend.AI's web server
//! (`docs/spec/api.md`, "Signing in with a password"): a cookie, and all other routes once more below `/func`.
//!
//! The cookie is an ordinary sign-in: it is listed in the person's account page and can be ended there.

use crate::Api;
use crate::auth::{Allowed, add_rate_limit_headers};
use crate::problem::{Body, Refused};
use axum::Json;
use axum::extract::{Extension, Request, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{AppendHeaders, IntoResponse, Response};
use control::{Caller, SIGN_IN_LASTS, SignInAnswer};
use serde::Deserialize;
use serde_json::{Value, json};
use types::Problem;

/// The cookie's name, which Backend.AI's clients expect.
const NAME: &str = "AIOHTTP_SESSION";

#[derive(Deserialize)]
pub struct Login {
    username: String,
    password: String,
    /// The one-time code, after the client was asked for it.
    otp: Option<String>,
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    types::cookies::value(lines, NAME)
}

fn cookie(api: &Api, value: &str, seconds: i64) -> AppendHeaders<[(axum::http::HeaderName, String); 1]> {
    let secure = if api.secure { "; Secure" } else { "" };
    AppendHeaders([(SET_COOKIE, format!("{NAME}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}"))])
}

/// The person's main access key, role and status, as the client shows them.
async fn account_json(api: &Api, caller: &Caller) -> Result<Value, Problem> {
    let me = api.control.myself(caller).await?;
    Ok(json!({ "access_key": me.main_key, "role": me.role.key(), "status": me.status.key() }))
}

/// `POST /server/login`
pub async fn login(State(api): State<Api>, Extension(from): Extension<Caller>, Body(login): Body<Login>) -> Response {
    let answer = api.control.sign_in(&from, &login.username, &login.password, login.otp.as_deref()).await;
    let account = match &answer {
        Ok(SignInAnswer::Done(signed_in)) => match api.control.caller(from, Some(&signed_in.token)).await {
            Ok(caller) => account_json(&api, &caller).await,
            Err(problem) => Err(problem),
        },
        _ => Ok(Value::Null),
    };
    match (answer, account) {
        (Ok(SignInAnswer::Done(signed_in)), Ok(data)) => {
            let body = json!({ "authenticated": true, "data": data });
            (cookie(&api, &signed_in.token, SIGN_IN_LASTS / 1000), Json(body)).into_response()
        }
        // These exact words make the client ask for a code, and send name and password again with it.
        (Ok(SignInAnswer::CodeNeeded(_)), _) => {
            let kind = "https://api.backend.ai/probs/require-totp-authentication";
            let data = json!({ "type": kind, "title": "Two-Factor Authentication needed.", "details": "OTP not provided" });
            Json(json!({ "authenticated": false, "data": data })).into_response()
        }
        (Ok(_), Err(problem)) => Refused::from(problem).into_response(),
        (Err(problem), _) => {
            let (status, slug) = match &problem {
                Problem::TooMany(_) | Problem::Busy => (StatusCode::TOO_MANY_REQUESTS, "too-many-requests"),
                _ => (StatusCode::UNAUTHORIZED, "auth-failed"),
            };
            let kind = format!("https://api.backend.ai/probs/{slug}");
            let data = json!({ "type": kind, "title": "Sign-in failed.", "details": problem.to_string() });
            (status, Json(json!({ "authenticated": false, "data": data }))).into_response()
        }
    }
}

/// `POST /server/login-check`
pub async fn check(State(api): State<Api>, Extension(from): Extension<Caller>, headers: HeaderMap) -> Response {
    let caller = match api.control.caller(from, token(&headers)).await {
        Ok(caller) => caller,
        Err(problem) => return Refused::from(problem).into_response(),
    };
    if caller.me().is_none() {
        return Json(json!({ "authenticated": false, "data": null, "session_id": null })).into_response();
    }
    match account_json(&api, &caller).await {
        Ok(data) => Json(json!({ "authenticated": true, "data": data, "session_id": null })).into_response(),
        Err(problem) => Refused::from(problem).into_response(),
    }
}

/// `POST /server/logout`
pub async fn logout(State(api): State<Api>, Extension(from): Extension<Caller>, headers: HeaderMap) -> Response {
    let ended = match api.control.caller(from, token(&headers)).await {
        Ok(caller) => api.control.sign_out(&caller).await,
        Err(problem) => Err(problem),
    };
    match ended {
        Ok(()) => (cookie(&api, "", 0), Json(json!({}))).into_response(),
        Err(problem) => Refused::from(problem).into_response(),
    }
}

/// Lets a request below `/func` through if its cookie is a sign-in; it counts against the person's main keypair.
pub async fn with_cookie(
    State(api): State<Api>,
    Extension(from): Extension<Caller>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = match api.control.caller(from, token(request.headers())).await {
        Ok(caller) => caller,
        Err(problem) => return Refused::from(problem).into_response(),
    };
    let me = match caller.who() {
        Ok(me) => me.id,
        Err(Problem::SignInRequired) => return Refused::unauthorized("Unauthorized access").into_response(),
        Err(problem) => return Refused::from(problem).into_response(),
    };
    let counted = match api.control.count_console_request(me).await {
        Ok(counted) => counted,
        Err(problem) => return Refused::from(problem).into_response(),
    };
    let key = match api.control.myself(&caller).await {
        Ok(me) => me.main_key.unwrap_or_default(),
        Err(problem) => return Refused::from(problem).into_response(),
    };
    let mut answer = match counted.and_then(|allowance| allowance.wait) {
        Some(seconds) => Refused::from(Problem::RateLimited(seconds)).into_response(),
        None => {
            request.extensions_mut().insert(caller.clone());
            request.extensions_mut().insert(Allowed { access_key: key, signed: false });
            api.control.fairly(&caller, next.run(request)).await
        }
    };
    if let Some(allowance) = counted {
        add_rate_limit_headers(answer.headers_mut(), allowance);
    }
    answer
}
