//! A route, declared once: the router and the list for the walk over all endpoints come from the same values, so that no endpoint
//! can be missing from one of them.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{self, MethodRouter};

/// A method, a path as axum writes it (`/session/{name}`), and the handler.
pub struct Route<S> {
    /// GET if the route answers to every method.
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

    /// Builds the router of these routes.
    ///
    /// # Panics
    /// When two routes have the same method and path.
    pub fn router(routes: Vec<Self>) -> Router<S> {
        routes.into_iter().fold(Router::new(), |router, route| router.route(&route.path, route.handler))
    }
}
