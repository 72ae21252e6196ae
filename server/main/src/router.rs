//! Every route, and the layers around them.

use crate::{App, cookies, download, live, metrics, pages, refusal::Refusal, sign_in, site, terminal};
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, ServiceExt};
use leptos::prelude::provide_context;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::csrf::CsrfLayer;
use tower_http::timeout::ResponseBodyTimeoutLayer;

/// The plain routes (method, path): what a walk over all endpoints must know besides pages and server functions.
pub const ROUTES: [(&str, &str); 22] = [
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("POST", "/sign-in"),
    ("POST", "/sign-out"),
    ("POST", "/forgotten-password"),
    ("POST", "/new-password"),
    ("POST", "/theme"),
    ("GET", "/events"),
    ("GET", "/export/users.csv"),
    ("GET", "/export/keypairs.csv"),
    ("GET", "/export/projects.csv"),
    ("GET", "/export/domains.csv"),
    ("GET", "/export/audit.csv"),
    ("GET", "/export/keypair_policies.csv"),
    ("GET", "/export/user_policies.csv"),
    ("GET", "/export/project_policies.csv"),
    ("GET", "/export/resource_presets.csv"),
    ("GET", "/export/resource_groups.csv"),
    ("GET", "/export/sessions.csv"),
    ("GET", "/sessions/{id}/log"),
    ("GET", "/sessions/{id}/terminal"),
    ("GET", "/pkg/{file}"),
];

/// Bytes of a request's body; uploads will have a route and a limit of their own.
const LARGEST_BODY: usize = 2 << 20;
/// A page or a download that sends nothing for so long is cut off; event streams ping more often.
const SILENCE: Duration = Duration::from_secs(60);

/// The whole application.
pub fn router(app: App) -> Router {
    let context = {
        let app = app.clone();
        let preloads = app.names.preloads();
        move || {
            provide_context(app.control.clone());
            provide_context(preloads.clone());
            console::headers::send_headers(app.settings.secure());
        }
    };
    let shell = {
        let names = app.names.clone();
        move || console::document::document(&names)
    };
    // A file of `public/`, else the console's own page for what is not there.
    let file = middleware::from_fn_with_state(app.clone(), site::public_file);
    let elsewhere = pages::missing(context.clone(), shell.clone()).layer(file);

    let counted = Router::new()
        .route("/export/users.csv", get(download::users))
        .route("/export/keypairs.csv", get(download::keypairs))
        .route("/export/projects.csv", get(download::projects))
        .route("/export/domains.csv", get(download::domains))
        .route("/export/audit.csv", get(download::audit))
        .route("/export/keypair_policies.csv", get(download::keypair_policies))
        .route("/export/user_policies.csv", get(download::user_policies))
        .route("/export/project_policies.csv", get(download::project_policies))
        .route("/export/resource_presets.csv", get(download::resource_presets))
        .route("/export/resource_groups.csv", get(download::resource_groups))
        .route("/export/sessions.csv", get(download::sessions))
        .route("/sessions/{id}/log", get(download::log))
        .route("/sessions/{id}/terminal", get(terminal::open))
        .route_layer(middleware::from_fn_with_state(app.clone(), pages::counted));

    let inside = Router::new()
        .route("/readyz", get(ready))
        .route("/sign-in", post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/forgotten-password", post(sign_in::forgotten))
        .route("/new-password", post(sign_in::new_password))
        .route("/theme", post(sign_in::theme))
        .route("/events", get(live::events))
        .merge(counted)
        .merge(api::router(app.control.clone(), app.settings.secure()))
        .merge(pages::routes(&app, context, shell))
        .fallback_service(elsewhere)
        .layer(middleware::from_fn_with_state(app.clone(), cookies::identify))
        .layer(middleware::map_response(no_store));

    let compression = CompressionLayer::new().quality(tower_http::CompressionLevel::Fastest).compress_when(
        // A compressed event stream would sit in the compressor's buffer.
        DefaultPredicate::new().and(NotForContentType::const_new("text/event-stream")),
    );
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/pkg/{*file}", get(site::from_pkg))
        .merge(inside)
        .with_state(app)
        // From the inside out.
        .layer(compression)
        .layer(ResponseBodyTimeoutLayer::new(SILENCE))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(whole))
        .layer(CsrfLayer::new())
        .layer(middleware::map_response(harden))
        .layer(middleware::from_fn(count))
}

async fn ready(State(app): State<App>) -> Response {
    match app.control.ready().await {
        Ok(()) => "ready\n".into_response(),
        Err(problem) => Refusal(problem).into_response(),
    }
}

/// Reads a request's body before anything acts on it: one that is too large is refused as such, whether or not it says its size.
async fn whole(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    match axum::body::to_bytes(body, LARGEST_BODY).await {
        Ok(bytes) => next.run(Request::from_parts(head, bytes.into())).await,
        Err(_) => (StatusCode::PAYLOAD_TOO_LARGE, "A request may have 2 MiB at most.\n").into_response(),
    }
}

async fn count(request: Request, next: Next) -> Response {
    let answer = next.run(request).await;
    metrics::count(answer.status().as_u16());
    answer
}

/// Headers that every answer has, whatever it is.
async fn harden(mut answer: Response) -> Response {
    let fixed = [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ];
    for (name, value) in fixed {
        answer.headers_mut().entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    answer
}

/// Pages and answers are one person's: nothing on the way may keep them.
async fn no_store(mut answer: Response) -> Response {
    let html = answer.headers().get(CONTENT_TYPE).is_none_or(|kind| {
        let kind = kind.as_bytes();
        kind.starts_with(b"text/html") || kind.starts_with(b"application/json")
    });
    if html {
        answer.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
    }
    answer
}

fn panicked(panic: Box<dyn std::any::Any + Send + 'static>) -> Response {
    Refusal(control::panicked(&*panic)).into_response()
}

/// The router as `axum::serve` wants it, with the peer's address in every request.
pub fn service(app: App) -> axum::extract::connect_info::IntoMakeServiceWithConnectInfo<Router, std::net::SocketAddr> {
    ServiceExt::<Request>::into_make_service_with_connect_info(router(app))
}
