//! Signing in and out as plain forms: they work before any script has arrived and without any.

use crate::{App, cookies};
use axum::Form;
use axum::extract::{Extension, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, header::LOCATION};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use console::sign_in::{FLASH, Flash, local_path};
use control::{Caller, SIGN_IN_LASTS};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct SignIn {
    #[serde(default)]
    login: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
}

/// `POST /sign-in`: to the page that was asked for, or back to the form with what was typed (but the password) and what to do.
pub async fn sign_in(State(app): State<App>, Extension(caller): Extension<Caller>, Form(form): Form<SignIn>) -> Response {
    let secure = app.settings.secure();
    let next = local_path(&form.next);
    match app.control.sign_in(&caller, &form.login, &form.password).await {
        Ok(signed_in) => {
            let cookie = cookies::write(cookies::sign_in_name(secure), &signed_in.token, SIGN_IN_LASTS / 1000, secure);
            (AppendHeaders([(SET_COOKIE, cookie)]), Redirect::to(next)).into_response()
        }
        Err(problem) => {
            // The answer is a redirect, so that reloading the page does not send the password again; what it has to say
            // travels in a cookie that lives for one minute and that no script can read.
            let flash = Flash { login: form.login.chars().take(256).collect(), message: problem.to_string() }.to_cookie();
            let cookie = cookies::write(FLASH, &flash, 60, secure);
            let back = format!("/sign-in?next={}", types::list::encode(next));
            (AppendHeaders([(SET_COOKIE, cookie)]), Redirect::to(&back)).into_response()
        }
    }
}

/// `POST /sign-out`: ends the sign-in here and on the server.
pub async fn sign_out(State(app): State<App>, Extension(caller): Extension<Caller>) -> Response {
    let secure = app.settings.secure();
    let ended = app.control.sign_out(&caller).await;
    if let Err(problem) = ended {
        tracing::warn!(%problem, "a sign-out was left unfinished");
    }
    let cookie = cookies::write(cookies::sign_in_name(secure), "", 0, secure);
    (AppendHeaders([(SET_COOKIE, cookie)]), Redirect::to("/sign-in")).into_response()
}

#[derive(Deserialize)]
pub struct Theme {
    theme: String,
}

/// `POST /theme`: keeps light, dark or system, and goes back to the page it was asked from.
pub async fn theme(State(app): State<App>, headers: HeaderMap, Form(form): Form<Theme>) -> Response {
    let theme = console::theme::Theme::from_key(&form.theme);
    let secure = if app.settings.secure() { "; Secure" } else { "" };
    // A script sets the same cookie when it switches at once, so this one is not HttpOnly.
    let cookie = format!("theme={}; Path=/; SameSite=Lax; Max-Age=31536000{secure}", theme.key());
    let from = headers.get("referer").and_then(|value| value.to_str().ok()).and_then(|url| {
        let host = headers.get("host")?.to_str().ok()?;
        url.split_once("://")?.1.strip_prefix(host)
    });
    let back = HeaderValue::from_str(local_path(from.unwrap_or("/"))).unwrap_or(HeaderValue::from_static("/"));
    (
        axum::http::StatusCode::SEE_OTHER,
        [(SET_COOKIE, HeaderValue::from_str(&cookie).unwrap_or(HeaderValue::from_static(""))), (LOCATION, back)],
    )
        .into_response()
}
