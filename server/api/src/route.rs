//! A route, declared once: a router and the list that a walk over all endpoints needs are made of the same values, so that no
//! endpoint can be in one and not in the other.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{self, MethodRouter};

/// A method, a path as axum writes it (`/session/{name}`), and what answers there.
pub struct Route<S> {
    /// GET for a route that answers to every method.
    pub method: Method,
    pub path: String,
    handler: MethodRouter<S>,
}

impl<S: Clone + Send + Sync + 'static> Route<S> {
    /// A route that answers to GET, and so to HEAD.
    pub fn get<T: 'static>(path: impl Into<String>, handler: impl Handler<T, S>) -> Self {
        Self { method: Method::GET, path: path.into(), handler: routing::get(handler) }
    }

    /// A route that answers to POST.
    pub fn post<T: 'static>(path: impl Into<String>, handler: impl Handler<T, S>) -> Self {
        Self { method: Method::POST, path: path.into(), handler: routing::post(handler) }
    }

    /// A route that answers to DELETE.
    pub fn delete<T: 'static>(path: impl Into<String>, handler: impl Handler<T, S>) -> Self {
        Self { method: Method::DELETE, path: path.into(), handler: routing::delete(handler) }
    }

    /// A route that answers to every method.
    pub fn any<T: 'static>(path: impl Into<String>, handler: impl Handler<T, S>) -> Self {
        Self { method: Method::GET, path: path.into(), handler: routing::any(handler) }
    }

    /// Method and path.
    pub fn address(&self) -> (Method, String) {
        (self.method.clone(), self.path.clone())
    }

    /// The router of these routes. Panics when two of them have the same method and path.
    pub fn router(routes: Vec<Self>) -> Router<S> {
        routes.into_iter().fold(Router::new(), |router, route| router.route(&route.path, route.handler))
    }
}
