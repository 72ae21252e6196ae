//! The public API: Backend.AI's, so that its official client and people's scripts work unchanged once they point here
//! (`docs/spec/api.md`). It only translates: requests into calls of `control`, and answers and refusals back.
//!
//! Deliberately absent: rules, storage, and anything that the console itself uses.

mod auth;
mod cluster;
mod encoded;
mod graphql;
mod limits;
mod people;
mod problem;
mod projects;
mod route;
mod schema;
mod sessions;
mod signature;
mod system;

/// The readers of what strangers send, for a fuzzer.
#[cfg(fuzzing)]
pub mod fuzz {
    pub use crate::signature::{Signed, credential, date};

    /// Reads a document, and returns its root fields if it is short enough.
    pub fn root_fields(document: &str) -> Option<usize> {
        crate::graphql::cost::root_fields(&async_graphql::parser::parse_query(document).ok()?)
    }

    /// Reads filter and order of a list of people, a line each, and checks that the list can be asked with them.
    pub fn filter(text: &str) {
        use crate::people::users::{NAMES, UNORDERED};
        let spec = &types::people::users::USERS;
        let (filter, order) = text.split_once('\n').unwrap_or((text, ""));
        let order = Some(order).filter(|order| !order.is_empty());
        if let Ok(query) = crate::graphql::filter::list(spec, (NAMES, UNORDERED), (20, 0), None, Some(filter), order) {
            query.check(spec).unwrap();
        }
    }
}

pub use auth::{add_rate_limit_headers, handshake, wants_handshake};
pub use route::Route;

use auth::{Allowed, authenticate};
use axum::extract::{Extension, State};
use axum::http::{Method, StatusCode};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use control::{Caller, Control};
use graphql::cost;
pub use problem::unknown;
use problem::{Body, Params, Refused};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use types::Problem;

/// The state that the API's handlers share.
#[derive(Clone)]
pub struct Api {
    control: Control,
    /// Cookies are sent over TLS only.
    secure: bool,
    schema: Arc<schema::Schema>,
}

/// Method and path of every route, for the walk over all endpoints.
pub fn routes() -> Vec<(Method, String)> {
    let plain = [signed(), open(), with_password(), greetings()].into_iter().flatten().map(|route| route.address());
    let twins = [signed(), open()].into_iter().flatten().map(|route| route.address());
    plain.chain(twins.map(|(method, path)| (method, format!("{FUNC}{path}")))).collect()
}

/// The prefix under which every route is there once more, with a cookie instead of a signature.
const FUNC: &str = "/func";

/// The prefixes of Backend.AI's API. An unknown path below one of them is answered for a program, not with a page. Pages below
/// one of them still come first.
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

/// The API's router. Expects a [`Caller`] extension with the caller's address and program, as for every other route.
pub fn router<S: Clone + Send + Sync + 'static>(control: Control, secure: bool) -> Router<S> {
    let api = Api { control, secure, schema: Arc::new(schema::schema()) };
    let with_signature = Route::router(signed()).route_layer(middleware::from_fn_with_state(api.clone(), authenticate));
    let with_cookie = middleware::from_fn_with_state(api.clone(), people::with_password::with_cookie);
    let decode = middleware::from_fn(encoded::decode);
    let func = Route::router(signed()).route_layer(with_cookie).merge(Route::router(open())).route_layer(decode.clone());
    let func = func.fallback(problem::unknown);
    let all = with_signature
        .nest(FUNC, func)
        .merge(Route::router(open()))
        .merge(Route::router(with_password()).route_layer(decode))
        .merge(Route::router(greetings()));
    PREFIXES
        .into_iter()
        // A fallback for each, since the one for everything else is the console's.
        .fold(all, |all, prefix| all.nest(prefix, Router::new().fallback(problem::unknown)))
        .method_not_allowed_fallback(problem::wrong_method)
        .with_state(api)
}

/// The routes that need a signature, or the cookie below [`FUNC`].
fn signed() -> Vec<Route<Api>> {
    vec![
        Route::any("/auth", echo),
        Route::get("/auth/role", role),
        Route::get("/auth/my-ip", my_address),
        Route::post("/auth/update-password", update_password),
        Route::post("/admin/gql", query),
        Route::post("/admin/graphql", query),
        Route::post("/session", sessions::start::start),
        Route::post("/session/_/create", sessions::start::start),
        Route::get("/session/_/match", sessions::matching),
        Route::get("/session/{name}", sessions::info),
        Route::delete("/session/{name}", sessions::terminate),
        Route::get("/session/{name}/logs", sessions::logs),
        Route::get("/session/{name}/status-history", sessions::history),
        Route::get("/session/{name}/dependency-graph", sessions::dependencies::dependencies),
        Route::get("/session/{name}/abusing-report", sessions::abuse),
        Route::post("/session/{name}/rename", sessions::rename),
        Route::get("/events/session", sessions::events::events),
        Route::get("/events/background-task", system::tasks::events),
        Route::post("/resource/recalculate-usage", recalculate),
        Route::get("/resource/presets", cluster::resources::presets),
        Route::post("/resource/check-presets", limits::check_presets::check),
        Route::get("/config/resource-slots", cluster::resources::slots),
        Route::get("/scaling-groups", cluster::resources::groups),
    ]
}

/// The routes that anybody may call.
fn open() -> Vec<Route<Api>> {
    vec![Route::get("/manager/announcement", announcement)]
}

/// The handshake with a client that signs in with a password. That client adds a slash, which is another route for axum.
fn greetings() -> Vec<Route<Api>> {
    vec![Route::get(FUNC, || async { handshake() }), Route::get(format!("{FUNC}/"), || async { handshake() })]
}

/// Signing in with a password, which gives the cookie for everything below [`FUNC`].
fn with_password() -> Vec<Route<Api>> {
    vec![
        Route::post("/server/login", people::with_password::login),
        Route::post("/server/login-check", people::with_password::check),
        Route::post("/server/logout", people::with_password::logout),
    ]
}

async fn recalculate(State(api): State<Api>, Extension(caller): Extension<Caller>) -> Result<Response, Refused> {
    api.control.recalculate_usage(&caller).await?;
    Ok(Json(json!({})).into_response())
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
    // The caller's role in the project in question.
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
) -> Result<Response, Refused> {
    if asked.new_password != asked.new_password2 {
        return Ok((StatusCode::BAD_REQUEST, Json(json!({ "error_msg": "new password mismatch" }))).into_response());
    }
    let change = types::people::users::ChangePassword { old: asked.old_password, new: asked.new_password };
    api.control.change_password(&caller, &change).await?;
    Ok(Json(json!({})).into_response())
}

#[derive(Deserialize)]
struct Document {
    query: String,
    #[serde(default)]
    variables: Option<Value>,
}

/// The answer to a document. Not made with `json!`, which sorts names: fields have the order of the request, by which the client
/// heads the columns of its tables.
#[derive(Serialize)]
struct Answer {
    data: async_graphql::Value,
    errors: Option<Vec<async_graphql::ServerError>>,
}

/// Runs one GraphQL document, which counts against the rate limit once for each of its root fields. The answer is 200 even if
/// something inside it failed.
async fn query(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Extension(allowed): Extension<Allowed>,
    Body(asked): Body<Document>,
) -> Result<Response, Refused> {
    let variables = async_graphql::Variables::from_json(asked.variables.unwrap_or_default());
    let mut request = async_graphql::Request::new(asked.query).variables(variables);
    // A document that cannot be read is refused by the schema, with the place.
    if let Ok(document) = request.parsed_query() {
        let too_long = || Refused::from(Problem::field("query", "The document has too many fields. Ask for less at a time."));
        let fields = cost::root_fields(document).ok_or_else(too_long)?;
        let more = u32::try_from(fields.saturating_sub(1)).unwrap_or(u32::MAX);
        if more > 0 {
            api.control.count_more(&allowed.access_key, more).await?;
        }
    }
    let work = api.schema.execute(request.data(api.control.clone()).data(caller.clone()).data(allowed));
    let answer = api.control.one_document(&caller, work).await?;
    let errors = Some(answer.errors).filter(|errors| !errors.is_empty());
    Ok(Json(Answer { data: answer.data, errors }).into_response())
}
