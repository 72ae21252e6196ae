//! A [`Problem`] as the HTTP answer of a plain route: its status and its sentence. Handlers return `Result<Response, Refusal>`,
//! so that `?` on a call of `control` refuses the request.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use types::Problem;

/// A problem as an answer.
pub struct Refusal(pub Problem);

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, format!("{}\n", self.0)).into_response()
    }
}
