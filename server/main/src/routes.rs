//! The plain routes, each declared once: the router is made of [`plain`], and so is the list that a walk over all endpoints
//! needs. Pages and server functions are declared in `console`, the public API in `api`.

use crate::layers::{Group, USUAL};
use crate::refusal::Refusal;
use crate::{App, download, live, sign_in, terminal};
use api::Route;
use axum::extract::State;
use axum::http::Method;

/// Routes that are treated alike.
pub struct Part {
    pub group: Group,
    pub asks: Asks,
    pub routes: Vec<Route<App>>,
}

/// What is asked before a route answers.
#[derive(Clone, Copy)]
pub enum Asks {
    /// Nothing: it answers also when the database does not.
    Nothing,
    /// Who the caller is.
    Who,
    /// Who the caller is, and whether their main keypair has requests left: as for a page.
    RateLimit,
}

/// Every plain route.
pub fn plain() -> Vec<Part> {
    vec![
        Part { group: USUAL, asks: Asks::Nothing, routes: vec![Route::get("/healthz", || async { "ok\n" })] },
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

/// Method and path of every plain route, and of the files of the built console.
pub fn routes() -> Vec<(Method, String)> {
    let plain = plain().into_iter().flat_map(|part| part.routes).map(|route| route.address());
    plain.chain([(Method::GET, "/pkg/{file}".to_owned())]).collect()
}

async fn ready(State(app): State<App>) -> Result<&'static str, Refusal> {
    app.control.ready().await?;
    Ok("ready\n")
}
