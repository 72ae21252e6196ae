//! Signing in and out, and forgotten passwords, as plain forms, which also work without scripts.

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

/// The cookie that proves a right password while the code is asked for, by its part of [`cookies::own_name`].
const STEP: &str = "sign-in-step";
/// Seconds that it lives; the proof inside has the same limit.
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

/// Redirects with cookies. Answers with a message are redirects, so that reloading the page sends nothing again. The message
/// travels in a cookie that lives for one minute and that no script can read.
fn redirect_with(to: &str, cookies: impl IntoIterator<Item = String>) -> Response {
    let cookies: Vec<_> = cookies.into_iter().map(|cookie| (SET_COOKIE, cookie)).collect();
    (AppendHeaders(cookies), Redirect::to(to)).into_response()
}

/// The message for one of the forms: what was refused at the sign-in page is nothing that the next form should begin with.
fn flash_cookie(page: &str, flash: &Flash, secure: bool) -> String {
    cookies::write_for(page, FLASH, &flash.to_cookie(), 60, secure)
}

/// `POST /sign-in`: leads to the requested page, or back to the form with the typed login and what to do.
pub async fn sign_in(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Form(form): Form<SignIn>,
) -> Response {
    let secure = app.settings.secure();
    let step = cookies::own_name(&app, STEP);
    let next = local_path(&form.next);
    let login: String = form.login.chars().take(256).collect();
    let answer = match &form.code {
        None => app.control.sign_in(&caller, &form.login, &form.password, None).await,
        Some(code) => {
            let proof = cookies::read(&headers, &step).unwrap_or_default();
            app.control.sign_in_with_code(&caller, proof, code).await.map(SignInAnswer::Done)
        }
    };
    let back = format!("{SIGN_IN}?next={}", types::list::encode(next));
    match answer {
        Ok(SignInAnswer::Done(signed_in)) => {
            let name = cookies::own_name(&app, cookies::SIGN_IN);
            let cookie = cookies::write(&name, &signed_in.token, SIGN_IN_LASTS / 1000, secure);
            redirect_with(next, [cookie, cookies::write(&step, "", 0, secure), cookies::write_for(SIGN_IN, FLASH, "", 0, secure)])
        }
        Ok(SignInAnswer::CodeNeeded(proof)) => {
            let flash = Flash { login, says: Says::Code, ..Flash::default() };
            redirect_with(&back, [flash_cookie(SIGN_IN, &flash, secure), cookies::write(&step, &proof, STEP_LASTS, secure)])
        }
        Err(problem) => {
            // Ask for the code again, unless the password is needed again.
            let says = if problem.of_field("code").is_some() { Says::Code } else { Says::Refused };
            redirect_with(&back, [flash_cookie(SIGN_IN, &Flash { login, message: problem.to_string(), says }, secure)])
        }
    }
}

#[derive(Deserialize)]
pub struct Forgotten {
    #[serde(default)]
    login: String,
}

/// `POST /forgotten-password`: leads back to the form, with the same message whether or not the account exists.
pub async fn forgotten(State(app): State<App>, Extension(caller): Extension<Caller>, Form(form): Form<Forgotten>) -> Response {
    let login: String = form.login.chars().take(256).collect();
    let flash = match app.control.ask_password_link(&caller, &form.login).await {
        Ok(()) => {
            let message = if app.control.sends_mail() {
                "If this account exists, a link is on its way to its email address. It works for one hour."
            } else {
                "If this account exists, its administrators have been notified. One of them will give you a link."
            };
            Flash { message: message.into(), says: Says::Done, ..Flash::default() }
        }
        Err(problem) => Flash { login, message: problem.to_string(), says: Says::Refused },
    };
    redirect_with(FORGOTTEN, [flash_cookie(FORGOTTEN, &flash, app.settings.secure())])
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

/// `POST /new-password`: leads to the sign-in page after the change, or back to the form with what to do.
pub async fn new_password(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<NewPassword>,
) -> Response {
    let secure = app.settings.secure();
    match app.control.use_password_link(&caller, &form.token, &form.password, &form.again).await {
        Ok(()) => {
            let message = "Your password has been changed. Sign in with the new one.".to_owned();
            redirect_with(SIGN_IN, [flash_cookie(SIGN_IN, &Flash { message, says: Says::Done, ..Flash::default() }, secure)])
        }
        Err(problem) => {
            let flash = Flash { message: problem.to_string(), says: Says::Refused, ..Flash::default() };
            let back = format!("{NEW_PASSWORD}?token={}", types::list::encode(&form.token));
            redirect_with(&back, [flash_cookie(NEW_PASSWORD, &flash, secure)])
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
    let cookie = cookies::write(&cookies::own_name(&app, cookies::SIGN_IN), "", 0, secure);
    redirect_with(SIGN_IN, [cookie])
}

/// Seconds for which a theme is remembered: a year.
const THEME_LASTS: i64 = 365 * 24 * 60 * 60;

#[derive(Deserialize)]
pub struct Theme {
    theme: String,
}

/// `POST /theme`: keeps light, dark or system, and leads back to the page that asked.
pub async fn theme(State(app): State<App>, headers: HeaderMap, Form(form): Form<Theme>) -> Response {
    let theme = console::theme::Theme::from_key(&form.theme);
    // Not HttpOnly, because a script sets the same cookie when it switches without a reload.
    let cookie = cookies::readable("theme", theme.key(), THEME_LASTS, app.settings.secure()).to_string();
    let from = headers.get("referer").and_then(|value| value.to_str().ok()).and_then(|url| {
        let host = headers.get("host")?.to_str().ok()?;
        url.split_once("://")?.1.strip_prefix(host)
    });
    let back = local_path(from.unwrap_or("/"));
    // An address that cannot be a header leads to the first page.
    let back = HeaderValue::from_str(back).map_or("/", |_| back);
    redirect_with(back, [cookie])
}
