//! The public API: the incumbent's, so that its official client and people's scripts work unchanged once they point here
//! (`docs/spec/api.md`). It only translates: requests into calls of `control`, and answers and refusals back.
//!
//! Deliberately absent: rules, storage, and anything that the console itself uses.

mod auth;
mod cluster;
mod graphql;
mod limits;
mod people;
mod problem;
mod projects;
mod sessions;
mod signature;
mod system;

pub use auth::{handshake, state, wants_handshake};

use auth::{Allowed, authenticate};
use axum::extract::{Extension, State};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use control::{Caller, Control};
use problem::{Body, Params, Refused};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// What the API's handlers can reach.
#[derive(Clone)]
pub struct Api {
    control: Control,
    /// Cookies are for TLS alone.
    secure: bool,
    schema: Arc<graphql::Schema>,
}

/// Every route (method, path): what a walk over all endpoints must know. All of them refuse whoever has not signed, but the
/// announcement.
pub const ROUTES: [(&str, &str); 50] = [
    ("GET", "/auth"),
    ("GET", "/auth/role"),
    ("GET", "/auth/my-ip"),
    ("POST", "/auth/update-password"),
    ("POST", "/admin/gql"),
    ("POST", "/admin/graphql"),
    ("GET", "/scaling-groups"),
    ("GET", "/resource/presets"),
    ("POST", "/resource/check-presets"),
    ("GET", "/config/resource-slots"),
    ("GET", "/func/auth"),
    ("GET", "/func/auth/role"),
    ("GET", "/func/auth/my-ip"),
    ("POST", "/func/auth/update-password"),
    ("POST", "/func/admin/gql"),
    ("POST", "/func/admin/graphql"),
    ("POST", "/session"),
    ("GET", "/session/_/match"),
    ("GET", "/session/{name}"),
    ("DELETE", "/session/{name}"),
    ("GET", "/session/{name}/logs"),
    ("GET", "/session/{name}/status-history"),
    ("GET", "/session/{name}/dependency-graph"),
    ("GET", "/session/{name}/abusing-report"),
    ("POST", "/session/{name}/rename"),
    ("GET", "/events/session"),
    ("GET", "/events/background-task"),
    ("POST", "/resource/recalculate-usage"),
    ("POST", "/session/_/create"),
    ("POST", "/func/session"),
    ("GET", "/func/session/_/match"),
    ("GET", "/func/session/{name}"),
    ("DELETE", "/func/session/{name}"),
    ("GET", "/func/session/{name}/logs"),
    ("GET", "/func/session/{name}/status-history"),
    ("GET", "/func/session/{name}/dependency-graph"),
    ("GET", "/func/session/{name}/abusing-report"),
    ("POST", "/func/session/{name}/rename"),
    ("GET", "/func/events/session"),
    ("GET", "/func/events/background-task"),
    ("POST", "/func/resource/recalculate-usage"),
    ("POST", "/func/session/_/create"),
    ("GET", "/func/scaling-groups"),
    ("GET", "/func/config/resource-slots"),
    ("GET", "/func/resource/presets"),
    ("POST", "/func/resource/check-presets"),
    ("GET", "/manager/announcement"),
    ("POST", "/server/login"),
    ("POST", "/server/login-check"),
    ("POST", "/server/logout"),
];

/// Where the incumbent's API lies. What is not there is told to a program, and not shown as a page; pages that lie below one of
/// these come first all the same.
const PREFIXES: [&str; 19] = [
    "/acl",
    "/admin",
    "/auth",
    "/config",
    "/container-registries",
    "/domain-config",
    "/events",
    "/folders",
    "/group-config",
    "/logs",
    "/manager",
    "/resource",
    "/scaling-groups",
    "/server",
    "/services",
    "/session",
    "/stream",
    "/template",
    "/user-config",
];

/// The API's routes. The caller's address and program are expected in a [`Caller`] extension, as for every other route.
pub fn router<S: Clone + Send + Sync + 'static>(control: Control, secure: bool) -> Router<S> {
    let api = Api { control, secure, schema: Arc::new(graphql::schema()) };
    let signed = routes().route_layer(middleware::from_fn_with_state(api.clone(), authenticate));
    let with_cookie = routes().route_layer(middleware::from_fn_with_state(api.clone(), people::with_password::with_cookie));
    let below = with_cookie.route("/", get(|| async { handshake() })).route("/manager/announcement", get(announcement));
    let all = signed
        .nest("/func", below.fallback(problem::unknown))
        // The client asks for it with a slash at its end, which a nested router does not see as its root.
        .route("/func/", get(|| async { handshake() }))
        .route("/manager/announcement", get(announcement))
        .route("/server/login", post(people::with_password::login))
        .route("/server/login-check", post(people::with_password::check))
        .route("/server/logout", post(people::with_password::logout));
    PREFIXES
        .into_iter()
        // A fallback for each, since the one for everything else is the console's.
        .fold(all, |all, prefix| all.nest(prefix, Router::new().fallback(problem::unknown)))
        .method_not_allowed_fallback(problem::wrong_method)
        .with_state(api)
}

/// What a keypair and a cookie open alike.
fn routes() -> Router<Api> {
    Router::new()
        .route("/auth", any(echo))
        .route("/auth/role", get(role))
        .route("/auth/my-ip", get(my_address))
        .route("/auth/update-password", post(update_password))
        .route("/admin/gql", post(query))
        .route("/admin/graphql", post(query))
        .route("/session", post(sessions::start::start))
        .route("/session/_/create", post(sessions::start::start))
        .route("/session/_/match", get(sessions::matching))
        .route("/session/{name}", get(sessions::info).delete(sessions::terminate))
        .route("/session/{name}/logs", get(sessions::logs))
        .route("/session/{name}/status-history", get(sessions::history))
        .route("/session/{name}/dependency-graph", get(sessions::dependencies::dependencies))
        .route("/session/{name}/abusing-report", get(sessions::abuse))
        .route("/session/{name}/rename", post(sessions::rename))
        .route("/events/session", get(sessions::events::events))
        .route("/events/background-task", get(system::tasks::events))
        .route("/resource/recalculate-usage", post(recalculate))
        .route("/resource/presets", get(cluster::resources::presets))
        .route("/resource/check-presets", post(limits::check_presets::check))
        .route("/config/resource-slots", get(cluster::resources::slots))
        .route("/scaling-groups", get(cluster::resources::groups))
}

async fn recalculate(State(api): State<Api>, Extension(caller): Extension<Caller>) -> Response {
    match api.control.recalculate_usage(&caller).await {
        Ok(_) => Json(json!({})).into_response(),
        Err(problem) => Refused::from(problem).into_response(),
    }
}

async fn echo(body: String) -> Response {
    let echo = serde_json::from_str::<Value>(&body).ok().and_then(|body| body.get("echo").cloned()).unwrap_or_else(|| json!(""));
    Json(json!({ "authorized": "yes", "echo": echo })).into_response()
}

#[derive(Deserialize)]
struct OfGroup {
    group: Option<types::id::ProjectId>,
}

async fn role(Extension(caller): Extension<Caller>, Params(of): Params<OfGroup>) -> Response {
    let role = caller.me().map(|me| me.role);
    let admin = role.is_some_and(|role| {
        role == types::people::permissions::Role::Superadmin || role == types::people::permissions::Role::Admin
    });
    let here = if admin { "admin" } else { "user" };
    // What the caller is in the project that was asked about.
    let of_group = |id| caller.me().is_some_and(|me| admin || me.administers.contains(&id));
    let group = of.group.map(|id| if of_group(id) { "admin" } else { "user" });
    let global = role.map_or("user", types::people::permissions::Role::key);
    Json(json!({ "global_role": global, "domain_role": here, "group_role": group })).into_response()
}

async fn my_address(Extension(caller): Extension<Caller>) -> Response {
    Json(json!({ "client_ip": caller.address })).into_response()
}

async fn announcement() -> Response {
    Json(json!({ "enabled": false, "message": "" })).into_response()
}

#[derive(Deserialize)]
struct UpdatePassword {
    old_password: String,
    new_password: String,
    new_password2: String,
}

async fn update_password(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Body(asked): Body<UpdatePassword>,
) -> Response {
    if asked.new_password != asked.new_password2 {
        return (axum::http::StatusCode::BAD_REQUEST, Json(json!({ "error_msg": "new password mismatch" }))).into_response();
    }
    let change = types::people::users::ChangePassword { old: asked.old_password, new: asked.new_password };
    match api.control.change_password(&caller, &change).await {
        Ok(()) => Json(json!({})).into_response(),
        Err(problem) => Refused::from(problem).into_response(),
    }
}

#[derive(Deserialize)]
struct Document {
    query: String,
    #[serde(default)]
    variables: Option<Value>,
}

/// One GraphQL document. The answer is 200 whatever went wrong inside it.
async fn query(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Extension(allowed): Extension<Allowed>,
    Body(asked): Body<Document>,
) -> Response {
    let variables = async_graphql::Variables::from_json(asked.variables.unwrap_or_default());
    let request = async_graphql::Request::new(asked.query).variables(variables);
    let answer = api.schema.execute(request.data(api.control.clone()).data(caller).data(allowed)).await;
    let errors: Vec<Value> = answer.errors.iter().map(|error| json!(error)).collect();
    let errors = if errors.is_empty() { Value::Null } else { Value::Array(errors) };
    Json(json!({ "data": answer.data, "errors": errors })).into_response()
}
