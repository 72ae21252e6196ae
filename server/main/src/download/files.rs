//! The files of an ended session as an archive.

use crate::App;
use crate::download::name::disposition;
use crate::refusal::Refusal;
use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use control::Caller;
use futures::StreamExt;
use types::Problem;
use types::id::SessionId;

/// `GET /sessions/{id}/files`: a tar file.
pub(super) async fn files(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let id: SessionId = id.parse().map_err(|_| Problem::NotFound("session".into()))?;
    let files = app.control.session_files(&caller, id).await?;
    let headers = [
        (CONTENT_TYPE, "application/x-tar".to_owned()),
        (CONTENT_DISPOSITION, disposition(&format!("{}.tar", files.name))),
        (CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    Ok((headers, Body::from_stream(files.archive().fuse())).into_response())
}
