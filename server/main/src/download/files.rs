//! The files of an ended session as an archive.

use crate::App;
use crate::download::name::disposition;
use crate::refusal::Refusal;
use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use control::{Caller, Needs};
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
    let permit = app.control.permit(&caller, Needs::ToSee(id))?;
    let files = app.control.session_files(&caller, id).await?;
    let headers = [
        (CONTENT_TYPE, "application/x-tar".to_owned()),
        (CONTENT_DISPOSITION, disposition(&format!("{}.tar", files.name))),
        (CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    // A long download ends with the right to it.
    let pieces = files.archive().map(move |piece| permit.caller().map_err(std::io::Error::other).and(piece));
    Ok((headers, Body::from_stream(pieces.fuse())).into_response())
}
