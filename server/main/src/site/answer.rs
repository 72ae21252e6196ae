//! How a file of the site is sent: its type, compressed as the browser can read it, and for how long it may be kept.

use super::{File, Site};
use crate::App;
use axum::extract::{Path, Request, State};
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;

/// Names carry a hash of their contents, so what was fetched once never has to be asked for again.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Kept, and asked about each time: the answer is short when nothing has changed.
const ASK_AGAIN: &str = "no-cache";

/// How the compressed sibling of a file ends, and what browsers call it; the smaller first.
const COMPRESSED: [(&str, &str); 2] = [("br", "br"), ("gz", "gzip")];

/// `GET /pkg/{file}`: the browser's code and the style sheet.
pub async fn from_pkg(State(app): State<App>, Path(file): Path<String>, headers: HeaderMap) -> Response {
    let keep = if app.names.hashed { FOR_EVER } else { ASK_AGAIN };
    match send(&app.site, &format!("pkg/{file}"), &headers, keep).await {
        Some(answer) => answer,
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Answers with a file of `public/`, or lets the request pass.
pub async fn public_file(State(app): State<App>, request: Request, next: Next) -> Response {
    if [Method::GET, Method::HEAD].contains(request.method())
        && let Ok(path) = percent_decode_str(request.uri().path().trim_start_matches('/')).decode_utf8()
        && let Some(answer) = send(&app.site, &path, request.headers(), ASK_AGAIN).await
    {
        return answer;
    }
    next.run(request).await
}

async fn send(site: &Site, path: &str, asked: &HeaderMap, keep: &str) -> Option<Response> {
    let plain = site.file(path).await?;
    // Weak: the same contents may be sent in several encodings.
    let tag = format!("W/\"{}\"", plain.tag);
    let known = [(ETAG, tag.as_str()), (CACHE_CONTROL, keep), (VARY, "accept-encoding")];
    if is_known(asked, &tag) {
        return Some((StatusCode::NOT_MODIFIED, known).into_response());
    }
    let (file, encoding) = best(site, path, plain, asked).await;
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let kind = if kind.type_() == "text" { format!("{kind}; charset=utf-8") } else { kind.to_string() };
    let encoding = encoding.map(|encoding| [(CONTENT_ENCODING, encoding)]);
    Some((known, [(CONTENT_TYPE, kind)], encoding, file.bytes).into_response())
}

/// The smallest form of a file that the browser can read, and the name of its encoding.
async fn best(site: &Site, path: &str, plain: File, asked: &HeaderMap) -> (File, Option<&'static str>) {
    for (ending, encoding) in COMPRESSED {
        if accepts(asked, encoding)
            && let Some(file) = site.file(&format!("{path}.{ending}")).await
        {
            return (file, Some(encoding));
        }
    }
    (plain, None)
}

/// The parts of a header that lists things.
fn parts<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim)
}

fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    parts(headers, &ACCEPT_ENCODING).any(|part| {
        let (name, weight) = part.split_once(';').unwrap_or((part, "q=1"));
        let refused = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()) == Some(0.0);
        name.trim().eq_ignore_ascii_case(encoding) && !refused
    })
}

fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let bare = tag.trim_start_matches("W/");
    parts(headers, &IF_NONE_MATCH).any(|part| part == "*" || part.trim_start_matches("W/") == bare)
}
