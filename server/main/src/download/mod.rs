//! Files made on the fly: lists as CSV, streamed row by row, and a session's log. `?name=…` in a list's address sets the file's
//! name.

mod exports;
mod exports_by_fields;
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
use control::{Caller, Control, Needs, Permit, Result};
use futures::{Stream, StreamExt, stream};
use name::{disposition, file_name};
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
            let csv = rows(Asked { control: app.control, caller, query, project }).await?;
            Ok::<_, Refusal>(csv_file(&file_name(&pairs, list), csv, permit))
        };
    Route::get(format!("/export/{list}.csv"), answer)
}

/// Rows in one piece of the answer.
const ROWS_PER_PIECE: usize = 500;

fn csv_file(name: &str, csv: Csv<impl Stream<Item = Result<Vec<String>>> + Send + 'static>, permit: Permit) -> Response {
    let titles = csv.titles.into_iter().map(String::from).collect();
    let first = line(titles).map(|titles| [BOM.as_bytes(), &titles].concat());
    let first = stream::once(std::future::ready(first));
    // A long download ends with the right to it.
    let allowed = move |cells: Result<Vec<String>>| permit.caller().and(cells);
    let rest = csv.rows.map(allowed).map(|cells| line(cells?)).chunks(ROWS_PER_PIECE);
    // A failure halfway cuts the file off, so that a client sees an unfinished download and not a short list.
    let pieces = rest.map(|lines| lines.into_iter().collect::<Result<Vec<_>>>().map(|lines| lines.concat()));
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, disposition(name)),
        (CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    (headers, Body::from_stream(first.chain(pieces).fuse())).into_response()
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
