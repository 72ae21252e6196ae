//! The console's pages and server functions as routes, and the data that every page gets before it is rendered.

use crate::refusal::Refusal;
use crate::{App, cookies};
use axum::Router;
use axum::extract::{Extension, OriginalUri, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use console::page_start::{self, Found};
use control::{Allowance, Caller};
use leptos::prelude::AnyView;
use leptos_axum::{AxumRouteListing, LeptosRoutes, generate_route_list};
use std::sync::OnceLock;
use types::Problem;

/// The most bytes of a problem that a server function answers with.
const LONGEST_PROBLEM: usize = 64 << 10;

/// Counts a request of the console against the person's main keypair.
async fn count(app: &App, caller: &Caller) -> Result<Option<Allowance>, Problem> {
    match caller.me() {
        Some(me) => app.control.count_console_request(me.id).await,
        None => Ok(None),
    }
}

fn over_the_limit(counted: &Result<Option<Allowance>, Problem>) -> Result<(), Problem> {
    match counted.clone()?.and_then(|allowance| allowance.wait) {
        Some(seconds) => Err(Problem::RateLimited(seconds)),
        None => Ok(()),
    }
}

/// The pages, listed once per process: listing them runs the whole console, which must not happen twice at a time.
fn all() -> Vec<AxumRouteListing> {
    static PAGES: OnceLock<Vec<AxumRouteListing>> = OnceLock::new();
    PAGES.get_or_init(|| generate_route_list(pages::App)).clone()
}

/// The addresses of all pages.
pub fn paths() -> Vec<String> {
    all().iter().map(|page| page.path().to_owned()).collect()
}

/// Every page and every server function.
pub fn routes(
    app: &App,
    context: impl Fn() + Clone + Send + Sync + 'static,
    shell: impl Fn() -> AnyView + Clone + Send + Sync + 'static,
) -> Router<App> {
    let routes = Router::new().leptos_routes_with_context(app, all(), context, shell);
    routes.route_layer(middleware::from_fn_with_state(app.clone(), prepare))
}

/// Counts a download or a terminal of the console like a page.
pub async fn counted(State(app): State<App>, Extension(caller): Extension<Caller>, request: Request, next: Next) -> Response {
    let counted = count(&app, &caller).await;
    let mut answer = match over_the_limit(&counted) {
        Ok(()) => next.run(request).await,
        Err(problem) => Refusal(problem).into_response(),
    };
    if let Ok(Some(allowance)) = counted {
        api::add_rate_limit_headers(answer.headers_mut(), allowance);
    }
    answer
}

/// Finds the person who asks for a page; without a sign-in, redirects to the sign-in page.
async fn prepare(State(app): State<App>, Extension(caller): Extension<Caller>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path == "/" && api::wants_handshake(request.headers()) {
        return api::handshake();
    }
    if let Some(new) = console::paths::moved(path, request.uri().query()) {
        return Redirect::to(new).into_response();
    }
    if console::paths::OPEN.contains(&path) {
        return next.run(request).await;
    }
    let counted = count(&app, &caller).await;
    let mut answer = answer(&app, &caller, over_the_limit(&counted), request, next).await;
    if let Ok(Some(allowance)) = counted {
        api::add_rate_limit_headers(answer.headers_mut(), allowance);
    }
    answer
}

async fn answer(app: &App, caller: &Caller, over: Result<(), Problem>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path.starts_with("/call/") {
        return match over {
            Ok(()) => blame_the_caller(next.run(request).await).await,
            // In the form of a server function's answer.
            Err(problem) => {
                let status = StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                (status, axum::Json(problem)).into_response()
            }
        };
    }
    let chosen = cookies::read(request.headers(), "project");
    let found = match over {
        Ok(()) => {
            page_start::find(&app.control, caller, chosen, (app.settings.scenario.is_some(), app.unisolated, &app.build)).await
        }
        Err(problem) => Err(problem),
    };
    if found == Err(Problem::SignInRequired) {
        let here = request.uri().path_and_query().map_or("/", |here| here.as_str());
        return Redirect::to(&console::paths::sign_in(here)).into_response();
    }
    request.extensions_mut().insert(Found(found));
    next.run(request).await
}

/// Answers with the fitting status instead of 500 to a call with unreadable arguments: that is the fault of whoever sent them, often
/// a page of another version, not of this server.
async fn blame_the_caller(answer: Response) -> Response {
    if answer.status() != StatusCode::INTERNAL_SERVER_ERROR {
        return answer;
    }
    let (mut head, body) = answer.into_parts();
    let text = axum::body::to_bytes(body, LONGEST_PROBLEM).await.unwrap_or_default();
    let blamed = serde_json::from_slice::<Problem>(&text)
        .ok()
        .filter(|problem| matches!(problem, Problem::Outdated | Problem::Invalid(_)));
    if let Some(status) = blamed.and_then(|problem| StatusCode::from_u16(problem.status()).ok()) {
        head.status = status;
    }
    Response::from_parts(head, text.into())
}

/// Renders the console for a path without a route or a file; its own router shows that the page does not exist.
pub fn missing(
    context: impl Fn() + Clone + Send + Sync + 'static,
    shell: impl Fn() -> AnyView + Clone + Send + Sync + 'static,
) -> axum::routing::MethodRouter {
    let render = leptos_axum::render_app_async_with_context(context, shell);
    let handler = move |request: Request| {
        let render = render.clone();
        async move {
            if let Some(new) = console::paths::moved(request.uri().path(), request.uri().query()) {
                return Redirect::to(new).into_response();
            }
            // A program that asks for what does not exist cannot read a page.
            if api::wants_handshake(request.headers()) {
                return api::unknown(OriginalUri(request.uri().clone())).await.into_response();
            }
            let mut answer = render(request).await.into_response();
            if answer.status() == StatusCode::OK {
                *answer.status_mut() = StatusCode::NOT_FOUND;
            }
            answer
        }
    };
    axum::routing::any(handler)
}
