//! Refusals in the shape that the incumbent's clients read (`semantics.md` §4.7).

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use types::Problem;

/// A refusal of a plain route.
pub struct Refused {
    pub status: StatusCode,
    /// The last part of the problem's type.
    pub slug: &'static str,
    pub title: String,
    pub code: &'static str,
    pub message: String,
}

impl Refused {
    /// A request that cannot be read as signed.
    pub fn bad(slug: &'static str, message: &str) -> Self {
        let title = "Missing or invalid API parameters.".into();
        Self { status: StatusCode::BAD_REQUEST, slug, title, code: "api_parsing_invalid-parameters", message: message.into() }
    }

    /// Nobody has signed, or not as somebody who may.
    pub fn unauthorized(message: &str) -> Self {
        let title = "Credential/signature mismatch.".into();
        let message = message.into();
        Self { status: StatusCode::UNAUTHORIZED, slug: "auth-failed", title, code: "user_auth_unauthorized", message }
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
            Problem::TooMany(_) | Problem::RateLimited(_) => ("rate-limit-exceeded", "api_access_rate-limited"),
            Problem::Unavailable(_) | Problem::Offline | Problem::Internal(_) => {
                ("internal-server-error", "backendai_generic_internal-error")
            }
        };
        let status = StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let title = if status == StatusCode::TOO_MANY_REQUESTS {
            "You have reached your API query rate limit.".to_owned()
        } else {
            problem.to_string()
        };
        Self { status, slug, title, code, message: said(&problem) }
    }
}

/// The problem as one text: every wrong field is named.
pub fn said(problem: &Problem) -> String {
    match problem {
        Problem::Invalid(errors) => {
            errors.iter().map(|error| format!("{}: {}", error.field, error.message)).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = json!({
            "type": format!("https://api.backend.ai/probs/{}", self.slug), "title": self.title, "error_code": self.code,
            "msg": self.message,
        });
        let mut answer = (self.status, Json(body)).into_response();
        answer.headers_mut().insert(CONTENT_TYPE, axum::http::HeaderValue::from_static("application/problem+json"));
        answer
    }
}
