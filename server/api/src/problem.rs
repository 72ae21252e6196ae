//! Refusals in the shape that Backend.AI's clients read (`docs/spec/api.md`, "Refusals"), and the extractors that refuse requests
//! in that shape.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, OriginalUri, Query, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use types::Problem;
use types::id::SessionId;

/// A refusal of a plain route.
pub struct Refused {
    pub status: StatusCode,
    /// The short name at the end of the problem's type.
    pub slug: &'static str,
    pub title: String,
    pub code: &'static str,
    pub message: String,
    /// More details for programs; null if there are none.
    pub data: Value,
}

impl Refused {
    /// A request, or its signature, that cannot be read.
    pub fn bad(slug: &'static str, message: &str) -> Self {
        let (title, message) = ("Missing or invalid API parameters.".into(), message.into());
        let (status, code) = (StatusCode::BAD_REQUEST, "api_parsing_invalid-parameters");
        Self { status, slug, title, code, message, data: Value::Null }
    }

    /// A request without a signature, or with one that does not fit.
    pub fn unauthorized(message: &str) -> Self {
        let (title, message) = ("Credential/signature mismatch.".into(), message.into());
        let (status, code) = (StatusCode::UNAUTHORIZED, "user_auth_unauthorized");
        Self { status, slug: "auth-failed", title, code, message, data: Value::Null }
    }

    /// A living session already has this name.
    pub fn session_exists(id: SessionId, name: &str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            slug: "session-already-exists",
            title: "The session already exists.".into(),
            code: "session_create_already-exists",
            message: format!(
                "A session named {name} already exists. It has another environment, or the request does not ask to reuse it."
            ),
            data: json!({ "existingSessionId": id }),
        }
    }
}

/// Answers for an unknown path below one of the API's prefixes.
pub async fn unknown(OriginalUri(address): OriginalUri) -> Refused {
    Refused {
        status: StatusCode::NOT_FOUND,
        slug: "url-not-found",
        title: "Unknown URL path.".into(),
        code: "api_access_not-found",
        message: format!("There is no path {} in this API.", address.path()),
        data: json!(address.path()),
    }
}

/// Answers for a known path with another method. The header `Allow` names the path's methods.
pub async fn wrong_method(method: Method, OriginalUri(address): OriginalUri) -> Refused {
    Refused {
        status: StatusCode::METHOD_NOT_ALLOWED,
        slug: "method-not-allowed",
        title: "Method not allowed.".into(),
        code: "api_access_method-not-allowed",
        message: format!("{} does not answer to {method}.", address.path()),
        data: json!(address.path()),
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        let (slug, code) = match &problem {
            Problem::SignInRequired => return Self::unauthorized("HMAC signature mismatch"),
            Problem::Forbidden(_) => ("generic-forbidden", "backendai_generic_forbidden"),
            Problem::NotFound(_) => ("object-not-found", "backendai_read_not-found"),
            Problem::Invalid(_) | Problem::Outdated => ("invalid-api-params", "api_parsing_invalid-parameters"),
            Problem::Conflict(_) | Problem::Limit(_) | Problem::Stale(_) => ("generic-bad-request", "backendai_generic_conflict"),
            Problem::TooMany(_) | Problem::Busy | Problem::RateLimited(_) | Problem::TooManyOpen(_) => {
                ("rate-limit-exceeded", "api_access_rate-limited")
            }
            Problem::Unavailable(_) | Problem::Offline | Problem::Internal(_) => {
                ("internal-server-error", "backendai_generic_internal-error")
            }
        };
        let status = match &problem {
            // Backend.AI's clients know no other status for wrong fields; the console's own calls answer 422.
            Problem::Invalid(_) => StatusCode::BAD_REQUEST,
            other => StatusCode::from_u16(other.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        };
        let title = if matches!(problem, Problem::TooMany(_) | Problem::RateLimited(_)) {
            "You have reached your API query rate limit.".to_owned()
        } else {
            problem.to_string()
        };
        Self { status, slug, title, code, message: problem_text(&problem), data: Value::Null }
    }
}

/// The problem as one text that names every wrong field.
pub fn problem_text(problem: &Problem) -> String {
    match problem {
        Problem::Invalid(errors) => {
            errors.iter().map(|error| format!("{}: {}", error.field, error.message)).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": format!("https://api.backend.ai/probs/{}", self.slug), "title": self.title, "error_code": self.code,
            "msg": self.message,
        });
        if !self.data.is_null() {
            body["data"] = self.data;
        }
        let mut answer = (self.status, Json(body)).into_response();
        answer.headers_mut().insert(CONTENT_TYPE, axum::http::HeaderValue::from_static("application/problem+json"));
        answer
    }
}

/// A request's JSON body. An unreadable one is refused in the API's own shape.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let Json(body) = Json::<T>::from_request(request, state).await?;
        Ok(Self(body))
    }
}

/// The parameters of a request's query string. Unreadable ones are refused in the API's own shape.
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let Query(params) = Query::<T>::from_request_parts(parts, state).await?;
        Ok(Self(params))
    }
}

/// The reason in axum's message, without the sentence before it.
fn reason(text: &str) -> &str {
    text.split_once(": ").map_or(text, |(_, reason)| reason)
}

impl From<JsonRejection> for Refused {
    fn from(rejection: JsonRejection) -> Self {
        let text = rejection.body_text();
        let message = match rejection {
            JsonRejection::JsonDataError(_) => format!("Invalid request body: {}.", reason(&text)),
            JsonRejection::JsonSyntaxError(_) => format!("The request body is not valid JSON: {}.", reason(&text)),
            JsonRejection::MissingJsonContentType(_) => {
                "The request needs a JSON body with the Content-Type application/json.".to_owned()
            }
            _ => text,
        };
        Self::bad("invalid-api-params", &message)
    }
}

impl From<QueryRejection> for Refused {
    fn from(rejection: QueryRejection) -> Self {
        let message = format!("Invalid query parameters: {}.", reason(&rejection.body_text()));
        Self::bad("invalid-api-params", &message)
    }
}
