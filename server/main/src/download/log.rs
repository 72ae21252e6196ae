//! The log of a session's container as a text file.

use crate::App;
use crate::refusal::Refusal;
use axum::body::Body;
use axum::extract::{Extension, Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use control::{Caller, Needs, Permit};
use futures::{StreamExt, stream};
use types::Problem;
use types::id::SessionId;
use types::sessions::Cluster;

/// Bytes after which a download ends: more than is kept of a log, so only a log that is written faster than it is read has more.
const MOST: u64 = 64 << 20;

/// The chosen container of a session.
#[derive(serde::Deserialize)]
pub(super) struct Which {
    /// Its number; 0, the main one, by default.
    #[serde(default)]
    container: u32,
}

/// `GET /sessions/{id}/log?container=N`: the whole log of one of the session's containers.
pub(super) async fn log(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Query(Which { container }): Query<Which>,
) -> Result<Response, Refusal> {
    let id: SessionId = id.parse().map_err(|_| Problem::NotFound("session".into()))?;
    let session = app.control.session(&caller, id).await?;
    if container >= session.row.cluster.size {
        return Err(Problem::NotFound("container".into()).into());
    }
    let part = if container == 0 { String::new() } else { format!("-{}", Cluster::host_name(container)) };
    let permit = app.control.permit(&caller, Needs::ToSee(id))?;
    let pieces = stream::unfold(Some((0, None, permit)), move |state: Option<(u64, Option<u64>, Permit)>| {
        let app = app.clone();
        async move {
            let (from, until, permit) = state?;
            let read = async { app.control.session_log(&permit.caller()?, id, container, from, false).await };
            match read.await {
                Ok(chunk) if chunk.text.is_empty() => None,
                Ok(chunk) => {
                    let until = until.unwrap_or(from.max(chunk.skipped).saturating_add(MOST));
                    let more = chunk.next > from && chunk.next < until;
                    Some((Ok(chunk.text), more.then_some((chunk.next, Some(until), permit))))
                }
                Err(problem) => Some((Err(problem), None)),
            }
        }
    });
    // Names are letters, digits, “-”, “_” and “.”: safe in a header.
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{}{part}.log\"", session.row.name)),
        (CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    // Fused, because compression polls once more after the end.
    Ok((headers, Body::from_stream(pieces.fuse())).into_response())
}
