//! Every route, and the layers around them.

use crate::{App, cookies, download, live, metrics, pages, refusal::Refusal, sign_in, terminal};
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
use tower_http::services::ServeDir;
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
    let options = app.options.clone();
    let site_root = app.options.site_root.to_string();
    let context = {
        let app = app.clone();
        move || {
            provide_context(app.control.clone());
            console::headers::send_headers(app.settings.secure());
        }
    };
    let shell = {
        let options = options.clone();
        move || console::document::document(options.clone())
    };
    let files = ServeDir::new(site_root.clone()).precompressed_br().precompressed_gzip();
    let pkg = ServeDir::new(format!("{site_root}/{}", options.site_pkg_dir)).precompressed_br().precompressed_gzip();
    let pkg = Router::new().fallback_service(pkg).layer(middleware::map_response(keep_for_ever));

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
        .merge(pages::routes(&app, context.clone(), shell.clone()))
        // A file of `public/`, else the console's own page for what is not there.
        .fallback_service(files.fallback(pages::missing(context, shell)))
        .layer(middleware::from_fn_with_state(app.clone(), cookies::identify))
        .layer(middleware::map_response(no_store));

    let compression = CompressionLayer::new().quality(tower_http::CompressionLevel::Fastest).compress_when(
        // A compressed event stream would sit in the compressor's buffer.
        DefaultPredicate::new().and(NotForContentType::const_new("text/event-stream")),
    );
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .nest("/pkg", pkg)
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

/// Names in `pkg` change with their contents, so what was fetched once never has to be asked for again.
async fn keep_for_ever(mut answer: Response) -> Response {
    if answer.status().is_success() {
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
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
