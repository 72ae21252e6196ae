//! The router: plain routes, pages, server functions, the API and files, each group with its layers.

use crate::layers::USUAL;
use crate::routes::{self, Asks};
use crate::{App, cookies, layers, metrics, pages, site};
use api::Route;
use axum::Router;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::middleware::{self, Next};
use axum::response::Response;
use leptos::prelude::provide_context;

/// The whole application.
pub fn router(app: App) -> Router {
    let context = {
        let app = app.clone();
        let preloads = app.names.preloads();
        move || {
            provide_context(app.control.clone());
            if !console::request::is_plain() {
                provide_context(preloads.clone());
            }
            console::headers::send_headers(app.settings.secure());
        }
    };
    let shell = {
        let names = app.names.clone();
        move || ::pages::document::document(&names)
    };
    // A file of `public/`, else the console's own page for what is not there.
    let file = middleware::from_fn_with_state(app.clone(), site::public_file);
    let elsewhere = pages::missing(context.clone(), shell.clone()).layer(file);

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
    let console = pages::routes(&app, context, shell).fallback_service(elsewhere);
    let api = api::router(app.control.clone(), app.settings.secure());
    plain
        .merge(USUAL.around(identified(console)))
        .merge(USUAL.around(identified(api)))
        .with_state(app)
        .layer(middleware::from_fn(layers::one_of_each))
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
