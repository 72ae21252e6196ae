//! The log of a session's container as a file: its bytes as they were written, and what is missing of them.

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
use types::quantity::bytes;
use types::sessions::Cluster;

/// The chosen container of a session.
#[derive(serde::Deserialize)]
pub(super) struct Which {
    /// Its number; 0, the main one, by default.
    #[serde(default)]
    container: u32,
}

/// `GET /sessions/{id}/log?container=N`: the log of one of the session's containers, up to where it reaches now.
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
    // A session may write faster than this is read, so the file ends where the log ends now.
    let until = app.control.session_log_bytes(&caller, id, container, 0).await?.size;
    let permit = app.control.permit(&caller, Needs::ToSee(id))?;
    let pieces = stream::unfold(Some((0, permit)), move |state: Option<(u64, Permit)>| {
        let app = app.clone();
        async move {
            let (from, permit) = state.filter(|(from, _)| *from < until)?;
            let read = async { app.control.session_log_bytes(&permit.caller()?, id, container, from).await };
            match read.await {
                // Its files were removed meanwhile. The file must not look complete.
                Ok(piece) if piece.bytes.is_empty() => Some((Err(Problem::NotFound("rest of the log".into())), None)),
                Ok(piece) => {
                    let (next, missing) = (piece.next(), piece.at.min(until).saturating_sub(from));
                    let mut file = if missing > 0 { gap(from, missing) } else { Vec::new() };
                    let wanted = usize::try_from(until.saturating_sub(piece.at)).unwrap_or(usize::MAX);
                    file.extend(piece.bytes.iter().take(wanted));
                    Some((Ok(file), Some((next, permit))))
                }
                Err(problem) => Some((Err(problem), None)),
            }
        }
    });
    // Names are letters, digits, “-”, “_” and “.”: safe in a header.
    let headers = [
        // Without a character set: it may hold anything.
        (CONTENT_TYPE, "text/plain".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{}{part}.log\"", session.row.name)),
        (CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    // Fused, because compression polls once more after the end.
    Ok((headers, Body::from_stream(pieces.fuse())).into_response())
}

/// The line in place of bytes that the log no longer keeps.
fn gap(from: u64, missing: u64) -> Vec<u8> {
    let amount = bytes(i64::try_from(missing).unwrap_or(i64::MAX));
    // Within the file, it begins a new line.
    let start = if from == 0 { "" } else { "\n" };
    format!("{start}[{amount} ({missing} bytes) are missing here: the log no longer keeps them]\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_says_how_much_is_missing_on_a_line_of_its_own() {
        let text = |from, missing| String::from_utf8(gap(from, missing)).unwrap();
        assert_eq!(text(0, 2_097_152), "[2 MiB (2097152 bytes) are missing here: the log no longer keeps them]\n");
        assert!(text(7, 1).starts_with("\n["));
    }
}
