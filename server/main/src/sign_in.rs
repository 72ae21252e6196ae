//! Signing in and out, and a forgotten password, as plain forms: they work before any script has arrived and without any.

use crate::{App, cookies};
use axum::Form;
use axum::extract::{Extension, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use console::paths::{FORGOTTEN, NEW_PASSWORD, SIGN_IN};
use console::sign_in::{FLASH, Flash, Says, local_path};
use control::{Caller, SIGN_IN_LASTS, SignInAnswer};
use serde::Deserialize;

/// The cookie that stands for a right password while the code is asked for.
const STEP: &str = "sign-in-step";
/// Seconds that it lives; the proof in it says the same by itself.
const STEP_LASTS: i64 = 300;

#[derive(Deserialize)]
pub struct SignIn {
    #[serde(default)]
    login: String,
    #[serde(default)]
    password: String,
    /// The one-time or recovery code: the second step.
    code: Option<String>,
    #[serde(default)]
    next: String,
}

/// A redirect with cookies. What has something to say is a redirect, so that reloading the page sends nothing again; what it
/// says travels in a cookie that lives for one minute and that no script can read.
fn lead(to: &str, cookies: impl IntoIterator<Item = String>) -> Response {
    let cookies: Vec<_> = cookies.into_iter().map(|cookie| (SET_COOKIE, cookie)).collect();
    (AppendHeaders(cookies), Redirect::to(to)).into_response()
}

fn said(flash: &Flash, secure: bool) -> String {
    cookies::write(FLASH, &flash.to_cookie(), 60, secure)
}

/// `POST /sign-in`: to the page that was asked for, or back to the form with what was typed (but the password) and what to do.
pub async fn sign_in(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Form(form): Form<SignIn>,
) -> Response {
    let secure = app.settings.secure();
    let next = local_path(&form.next);
    let login: String = form.login.chars().take(256).collect();
    let answer = match &form.code {
        None => app.control.sign_in(&caller, &form.login, &form.password, None).await,
        Some(code) => {
            let proof = cookies::read(&headers, STEP).unwrap_or_default();
            app.control.sign_in_with_code(&caller, proof, code).await.map(SignInAnswer::Done)
        }
    };
    let back = format!("{SIGN_IN}?next={}", types::list::encode(next));
    match answer {
        Ok(SignInAnswer::Done(signed_in)) => {
            let cookie = cookies::write(cookies::sign_in_name(secure), &signed_in.token, SIGN_IN_LASTS / 1000, secure);
            lead(next, [cookie, cookies::write(STEP, "", 0, secure), cookies::write(FLASH, "", 0, secure)])
        }
        Ok(SignInAnswer::CodeNeeded(proof)) => {
            let flash = Flash { login, says: Says::Code, ..Flash::default() };
            lead(&back, [said(&flash, secure), cookies::write(STEP, &proof, STEP_LASTS, secure)])
        }
        Err(problem) => {
            // Another try at the code, unless it is the password that is asked for again.
            let says = if problem.of_field("code").is_some() { Says::Code } else { Says::Refused };
            lead(&back, [said(&Flash { login, message: problem.to_string(), says }, secure)])
        }
    }
}

#[derive(Deserialize)]
pub struct Forgotten {
    #[serde(default)]
    login: String,
}

/// `POST /forgotten-password`: back to the form, which says the same whoever was named.
pub async fn forgotten(State(app): State<App>, Extension(caller): Extension<Caller>, Form(form): Form<Forgotten>) -> Response {
    let login: String = form.login.chars().take(256).collect();
    let flash = match app.control.ask_password_link(&caller, &form.login).await {
        Ok(()) => {
            let message = if app.control.sends_mail() {
                "If there is such an account, a link is on its way to its email address. It holds for one hour."
            } else {
                "If there is such an account, the administrators have been told. One of them will give you a link."
            };
            Flash { message: message.into(), says: Says::Done, ..Flash::default() }
        }
        Err(problem) => Flash { login, message: problem.to_string(), says: Says::Refused },
    };
    lead(FORGOTTEN, [said(&flash, app.settings.secure())])
}

#[derive(Deserialize)]
pub struct NewPassword {
    #[serde(default)]
    token: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    again: String,
}

/// `POST /new-password`: to the sign-in page once the password is there, or back to the form with what to do.
pub async fn new_password(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<NewPassword>,
) -> Response {
    let secure = app.settings.secure();
    match app.control.use_password_link(&caller, &form.token, &form.password, &form.again).await {
        Ok(()) => {
            let message = "Your password was changed. Sign in with it.".to_owned();
            lead(SIGN_IN, [said(&Flash { message, says: Says::Done, ..Flash::default() }, secure)])
        }
        Err(problem) => {
            let flash = Flash { message: problem.to_string(), says: Says::Refused, ..Flash::default() };
            lead(&format!("{NEW_PASSWORD}?token={}", types::list::encode(&form.token)), [said(&flash, secure)])
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
    lead(SIGN_IN, [cookie])
}

/// Seconds for which a theme is remembered: a year.
const THEME_LASTS: i64 = 365 * 24 * 60 * 60;

#[derive(Deserialize)]
pub struct Theme {
    theme: String,
}

/// `POST /theme`: keeps light, dark or system, and goes back to the page it was asked from.
pub async fn theme(State(app): State<App>, headers: HeaderMap, Form(form): Form<Theme>) -> Response {
    let theme = console::theme::Theme::from_key(&form.theme);
    // A script sets the same cookie when it switches at once, so this one is not HttpOnly.
    let cookie = cookies::readable("theme", theme.key(), THEME_LASTS, app.settings.secure()).to_string();
    let from = headers.get("referer").and_then(|value| value.to_str().ok()).and_then(|url| {
        let host = headers.get("host")?.to_str().ok()?;
        url.split_once("://")?.1.strip_prefix(host)
    });
    let back = local_path(from.unwrap_or("/"));
    // Not every address is a header: such a one leads to the first page.
    let back = HeaderValue::from_str(back).map_or("/", |_| back);
    lead(back, [cookie])
}
