//! Files made on the fly: lists as CSV, streamed row by row, and a session's log. `?name=…` in a list's address sets the file's
//! name.

mod exports;
mod exports_by_fields;
mod files;
mod log;
mod name;

use crate::refusal::Refusal;
use crate::{App, cookies};
use api::Route;
use axum::body::Body;
use axum::extract::{Extension, RawQuery, State};
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use control::{Caller, Control, ExportTurn, Needs, Permit, Result};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use name::{disposition, file_name};
use std::time::Duration;
use tokio::sync::mpsc;
use types::Problem;
use types::address::parameters;
use types::csv::{BOM, marked};
use types::id::ProjectId;
use types::list::{ListQuery, ListSpec};

/// Every download.
pub fn routes() -> Vec<Route<App>> {
    let mut routes = exports::routes();
    routes.extend(exports_by_fields::routes());
    routes.push(Route::get("/sessions/{id}/log", log::log));
    routes.push(Route::get("/sessions/{id}/files", files::files));
    routes
}

/// A request for a list's export.
struct Asked {
    control: Control,
    caller: Caller,
    /// Filter and order, as in the address of the list's page.
    query: ListQuery,
    /// The project chosen in the header.
    project: Option<ProjectId>,
}

/// A CSV file: the titles of its columns, and the cells of each row, as they are read.
struct Csv<S> {
    titles: Vec<&'static str>,
    rows: S,
}

/// `GET /export/{list}.csv`: the list that `rows` reads.
fn export<S, F>(
    list: &'static str,
    spec: &'static ListSpec,
    rows: impl Fn(Asked) -> F + Clone + Send + Sync + 'static,
) -> Route<App>
where
    S: Stream<Item = Result<Vec<String>>> + Send + 'static,
    F: Future<Output = Result<Csv<S>>> + Send,
{
    let answer =
        async move |State(app): State<App>, Extension(caller): Extension<Caller>, RawQuery(raw): RawQuery, headers: HeaderMap| {
            let pairs = parameters(raw.as_deref().unwrap_or_default());
            let (query, ignored) = ListQuery::parse(spec, &pairs);
            // A file outlives the page that could say which condition does not hold in it.
            if !ignored.is_empty() {
                return Err(Problem::field("filter", ignored.join(" ")).into());
            }
            let project = cookies::read(&headers, "project").and_then(|id| id.parse().ok());
            let permit = app.control.permit(&caller, Needs::Nothing)?;
            let turn = app.control.export_turn(&caller)?;
            let csv = rows(Asked { control: app.control, caller, query, project }).await?;
            Ok::<_, Refusal>(csv_file(&file_name(&pairs, list), csv, (turn, permit)).await?)
        };
    Route::get(format!("/export/{list}.csv"), answer)
}

/// Rows in one piece of the answer.
const ROWS_PER_PIECE: usize = 500;
/// The longest time in which a reader takes no piece.
const PATIENCE: Duration = Duration::from_secs(60);

/// The first rows are read before the answer begins: a list that cannot be read is then refused with its own status.
async fn csv_file(
    name: &str,
    csv: Csv<impl Stream<Item = Result<Vec<String>>> + Send + 'static>,
    (turn, permit): (ExportTurn, Permit),
) -> Result<Response> {
    let titles = line(csv.titles.into_iter().map(String::from).collect())?;
    let titles = [BOM.as_bytes(), &titles].concat();
    // A long download ends with the right to it.
    let allowed = move |cells: Result<Vec<String>>| permit.caller().and(cells);
    let pieces = csv.rows.map(allowed).map(|cells| line(cells?)).chunks(ROWS_PER_PIECE);
    let mut pieces = Box::pin(pieces.map(|lines| Ok(lines.into_iter().collect::<Result<Vec<_>>>()?.concat())));
    let first = pieces.next().await.transpose()?.unwrap_or_default();
    let rest = pump(pieces, turn).map_err(std::io::Error::other);
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, disposition(name)),
        (CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    let start = stream::iter([Ok(titles), Ok(first)].into_iter().filter(|piece| !piece.as_ref().is_ok_and(Vec::is_empty)));
    Ok((headers, Body::from_stream(start.chain(rest).fuse())).into_response())
}

/// Hands out pieces as they are taken. The export's turn ends with the last piece, or once nothing was taken for [`PATIENCE`]:
/// a reader that has stopped must not keep it. A failure halfway cuts the file off, so that a client sees an unfinished download
/// and not a short list.
fn pump(
    mut pieces: impl Stream<Item = Result<Vec<u8>>> + Send + Unpin + 'static,
    turn: ExportTurn,
) -> impl Stream<Item = Result<Vec<u8>>> {
    let (out, taken) = mpsc::channel(1);
    tokio::spawn(async move {
        while let Some(piece) = pieces.next().await {
            if out.send_timeout(Some(piece), PATIENCE).await.is_err() {
                return;
            }
        }
        // Before the reader sees the end, and may ask for the next.
        drop(turn);
        let _ = out.send_timeout(None, PATIENCE).await;
    });
    stream::unfold(Some(taken), |taken| async move {
        let mut taken = taken?;
        match taken.recv().await {
            Some(Some(Ok(piece))) => Some((Ok(piece), Some(taken))),
            Some(Some(failed)) => Some((failed, None)),
            Some(None) => None,
            // Without its end.
            None => Some((Err(Problem::Offline), None)),
        }
    })
}

fn line(cells: Vec<String>) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells.iter().map(|cell| marked(cell))).map_err(control::internal("writing a row"))?;
    writer.into_inner().map_err(control::internal("writing a row"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        let text = String::from_utf8(line(vec!["=1+1".into(), "a,\"b\"".into(), "plain".into()]).unwrap()).unwrap();
        assert_eq!(text, "'=1+1,\"a,\"\"b\"\"\",plain\n");
    }
}
