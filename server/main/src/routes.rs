//! The plain routes, each declared once: both the router and the list for the walk over all endpoints come from [`plain`].
//! Downloads are declared in `download/exports.rs`, pages and server functions in `console`, the public API in `api`.

use crate::layers::{Group, USUAL};
use crate::refusal::Refusal;
use crate::{App, download, live, sign_in, site, terminal};
use api::Route;
use axum::extract::State;
use axum::http::Method;
use axum::response::Redirect;

/// Routes with the same layers and the same checks.
pub struct Part {
    pub group: Group,
    pub asks: Asks,
    pub routes: Vec<Route<App>>,
}

/// The checks before a route answers.
#[derive(Clone, Copy)]
pub enum Asks {
    /// None: the route answers even when the database does not.
    Nothing,
    /// Identifies the caller.
    Who,
    /// Identifies the caller and counts the request against their main keypair, as for a page.
    RateLimit,
}

/// Every plain route.
pub fn plain() -> Vec<Part> {
    vec![
        Part {
            group: USUAL,
            asks: Asks::Nothing,
            routes: vec![
                Route::get("/healthz", || async { "ok\n" }),
                Route::get("/pkg/{*file}", site::from_pkg),
                // Its path is the API's, which has no GET there: a person follows a bookmark.
                Route::get("/session", || async { Redirect::to(console::paths::SESSIONS) }),
            ],
        },
        Part {
            group: USUAL,
            asks: Asks::Who,
            routes: vec![
                Route::get("/readyz", ready),
                Route::post("/sign-in", sign_in::sign_in),
                Route::post("/sign-out", sign_in::sign_out),
                Route::post("/forgotten-password", sign_in::forgotten),
                Route::post("/new-password", sign_in::new_password),
                Route::post("/theme", sign_in::theme),
            ],
        },
        Part { group: USUAL, asks: Asks::Who, routes: vec![Route::get("/events", live::events)] },
        Part { group: USUAL, asks: Asks::RateLimit, routes: vec![Route::get("/sessions/{id}/terminal", terminal::open)] },
        Part { group: USUAL, asks: Asks::RateLimit, routes: download::routes() },
    ]
}

/// Method and path of every plain route.
pub fn routes() -> Vec<(Method, String)> {
    plain().into_iter().flat_map(|part| part.routes).map(|route| route.address()).collect()
}

async fn ready(State(app): State<App>) -> Result<&'static str, Refusal> {
    app.control.ready().await?;
    Ok("ready\n")
}
