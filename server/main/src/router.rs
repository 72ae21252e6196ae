//! The router: plain routes, pages, server functions, the API and files, each group with its layers.

use crate::layers::USUAL;
use crate::routes::{self, Asks};
use crate::{App, cookies, metrics, pages};
use api::Route;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::{Router, ServiceExt};
use leptos::prelude::provide_context;
use tower_http::services::ServeDir;

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

    let identify = middleware::from_fn_with_state(app.clone(), cookies::identify);
    let identified = |routes: Router<App>| routes.layer(identify.clone()).layer(middleware::map_response(no_store));
    let counted = middleware::from_fn_with_state(app.clone(), pages::counted);
    let plain = routes::plain().into_iter().fold(Router::new(), |all, part| {
        let routes = Route::router(part.routes);
        let routes = match part.asks {
            Asks::Nothing => routes,
            Asks::Who => identified(routes),
            Asks::RateLimit => identified(routes.route_layer(counted.clone())),
        };
        all.merge(part.group.around(routes))
    });
    let console = pages::routes(&app, context.clone(), shell.clone())
        // A file of `public/`, or else the console's own page for unknown addresses.
        .fallback_service(files.fallback(pages::missing(context, shell)));
    let api = api::router(app.control.clone(), app.settings.secure());
    plain
        .merge(USUAL.around(identified(console)))
        .merge(USUAL.around(identified(api)))
        .merge(USUAL.around(Router::new().nest("/pkg", pkg)))
        .with_state(app)
        .layer(middleware::from_fn(count))
}

async fn count(request: Request, next: Next) -> Response {
    let answer = next.run(request).await;
    metrics::count(answer.status().as_u16());
    answer
}

/// Forbids caches to keep pages and answers, because each belongs to one person.
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

/// Lets browsers keep the files of `pkg` for ever: their names change with their contents.
async fn keep_for_ever(mut answer: Response) -> Response {
    if answer.status().is_success() {
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    }
    answer
}

/// The router in the form that `axum::serve` takes, with the peer's address in every request.
pub fn service(app: App) -> axum::extract::connect_info::IntoMakeServiceWithConnectInfo<Router, std::net::SocketAddr> {
    ServiceExt::<Request>::into_make_service_with_connect_info(router(app))
}
