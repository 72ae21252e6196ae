//! The layers around the routes of a group: body size, silence, requests from other sites, headers. Each group has its own, so
//! that a group that takes files or passes requests on can differ without a change for all.

use crate::refusal::Refusal;
use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{AUTHORIZATION, CONNECTION, HOST, ORIGIN};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use futures::TryStreamExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::csrf::CsrfLayer;
use tower_http::timeout::{ResponseBodyTimeoutLayer, TimeoutBody};

/// How the routes of a group are protected.
#[derive(Clone, Copy)]
pub struct Group {
    pub body: BodyLimit,
    /// A body that has not arrived whole after this long is refused; of a streamed one, a piece that has not come after this long.
    pub body_within: Duration,
    /// An answer that sends nothing for this long is cut off; `None` never cuts it off.
    pub silence: Option<Duration>,
    /// Refuses requests that a browser sends from a page of another site, unless they only read.
    pub same_site: bool,
    /// Names and values of headers that are added to every answer that does not set them itself.
    pub headers: &'static [(&'static str, &'static str)],
}

/// How large the body of a request may be.
#[derive(Clone, Copy)]
pub enum BodyLimit {
    /// At most this many bytes, read into memory before anything acts on them: a body that is too large changes nothing.
    Whole(usize),
    /// At most this many bytes, handed on as they arrive. If a body names no size and turns out too large, its reader gets an
    /// error; by then it has acted on the first part.
    Streamed(usize),
}

/// The group of all routes that have no reason to differ.
pub const USUAL: Group = Group {
    body: BodyLimit::Whole(2 << 20),
    body_within: Duration::from_secs(60),
    // Event streams ping more often.
    silence: Some(Duration::from_secs(60)),
    same_site: true,
    headers: &[
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ],
};

impl Group {
    /// Puts the layers of this group around these routes and their fallback.
    pub fn around<S: Clone + Send + Sync + 'static>(self, routes: Router<S>) -> Router<S> {
        let compression = CompressionLayer::new().quality(tower_http::CompressionLevel::Fastest).compress_when(
            // A compressed event stream would get stuck in the compressor's buffer.
            DefaultPredicate::new().and(NotForContentType::const_new("text/event-stream")),
        );
        // The innermost layer comes first.
        let mut routes = routes.layer(compression);
        if let Some(silence) = self.silence {
            routes = routes.layer(ResponseBodyTimeoutLayer::new(silence));
        }
        routes = routes
            .layer(CatchPanicLayer::custom(panicked))
            // axum's own limit would win wherever the group's is larger.
            .layer(DefaultBodyLimit::disable())
            .layer(middleware::from_fn_with_state((self.body, self.body_within), limit_body));
        if self.same_site {
            routes = routes.layer(CsrfLayer::new());
        }
        routes.layer(middleware::map_response_with_state(self.headers, add_headers))
    }
}

async fn limit_body(State((limit, within)): State<(BodyLimit, Duration)>, request: Request, next: Next) -> Response {
    let (BodyLimit::Whole(most) | BodyLimit::Streamed(most)) = limit;
    let (head, body) = request.into_parts();
    if body.size_hint().lower() > most as u64 {
        return too_large(most);
    }
    match limit {
        BodyLimit::Whole(_) => match tokio::time::timeout(within, axum::body::to_bytes(body, most)).await {
            Ok(Ok(bytes)) => next.run(Request::from_parts(head, bytes.into())).await,
            Ok(Err(_)) => too_large(most),
            Err(_) => too_slow(within),
        },
        BodyLimit::Streamed(_) => {
            let exceeded = Arc::new(AtomicBool::new(false));
            let body = Body::new(TimeoutBody::new(within, body));
            let body = cut_off(body, most, exceeded.clone());
            let answer = next.run(Request::from_parts(head, body)).await;
            if exceeded.load(Ordering::Relaxed) { too_large(most) } else { answer }
        }
    }
}

/// The body up to `most` bytes. Beyond them its reader gets an error, and `exceeded` is set for the layer.
fn cut_off(body: Body, most: usize, exceeded: Arc<AtomicBool>) -> Body {
    let mut left = most;
    let pieces = body.into_data_stream().and_then(move |piece| {
        let rest = left.checked_sub(piece.len());
        left = rest.unwrap_or(0);
        exceeded.fetch_or(rest.is_none(), Ordering::Relaxed);
        std::future::ready(rest.map(|_| piece).ok_or_else(|| axum::Error::new("the body is too large")))
    });
    Body::from_stream(pieces)
}

/// Headers that decide who asks and from where. A second one could be read by one part and the first by another.
const ONLY_ONE: [HeaderName; 4] = [AUTHORIZATION, HOST, ORIGIN, HeaderName::from_static("sec-fetch-site")];

/// Refuses a request that has one of these headers more than once.
pub async fn one_of_each(request: Request, next: Next) -> Response {
    match ONLY_ONE.iter().find(|name| request.headers().get_all(*name).iter().nth(1).is_some()) {
        None => next.run(request).await,
        Some(name) => {
            let sentence = format!("The request has more than one header `{name}`. Send it once.\n");
            (StatusCode::BAD_REQUEST, sentence).into_response()
        }
    }
}

fn too_large(most: usize) -> Response {
    (StatusCode::PAYLOAD_TOO_LARGE, format!("The request is too large: at most {} MiB are allowed.\n", most >> 20))
        .into_response()
}

fn too_slow(within: Duration) -> Response {
    let text = format!("The request did not arrive within {} seconds.\n", within.as_secs());
    // The rest of it would be taken for the next request.
    (StatusCode::REQUEST_TIMEOUT, [(CONNECTION, "close")], text).into_response()
}

fn panicked(panic: Box<dyn std::any::Any + Send + 'static>) -> Response {
    Refusal(control::panicked(&*panic)).into_response()
}

async fn add_headers(State(headers): State<&'static [(&'static str, &'static str)]>, mut answer: Response) -> Response {
    for (name, value) in headers {
        answer.headers_mut().entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Bytes;
    use axum::routing::post;
    use futures::StreamExt;
    use http_body_util::BodyExt;
    use std::convert::Infallible;
    use tokio::sync::mpsc::unbounded_channel;
    use tokio_stream::wrappers::UnboundedReceiverStream;
    use tower::ServiceExt;

    const UPLOADS: Group = Group { body: BodyLimit::Streamed(4 << 20), ..USUAL };

    async fn length(body: Bytes) -> String {
        body.len().to_string()
    }

    async fn send(router: Router, request: Request) -> (StatusCode, String) {
        let (head, body) = router.oneshot(request).await.unwrap().into_parts();
        (head.status, String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap())
    }

    /// A body of `count` MiB that comes in pieces and does not say its size.
    fn pieces(count: usize) -> Body {
        Body::from_stream(futures::stream::iter((0..count).map(|_| Ok::<_, Infallible>(vec![b'x'; 1 << 20]))))
    }

    #[tokio::test]
    async fn each_group_limits_bodies_to_its_own_size() {
        let uploads = UPLOADS.around(Router::new().route("/upload", post(length)));
        let router = USUAL.around(Router::new().route("/form", post(length))).merge(uploads);
        for body in [|count| pieces(count), |count| Body::from(vec![b'x'; count << 20])] {
            for (path, count, expected) in [
                ("/form", 2, (StatusCode::OK, (2 << 20).to_string())),
                (
                    "/form",
                    3,
                    (StatusCode::PAYLOAD_TOO_LARGE, "The request is too large: at most 2 MiB are allowed.\n".to_owned()),
                ),
                ("/upload", 3, (StatusCode::OK, (3 << 20).to_string())),
                (
                    "/upload",
                    5,
                    (StatusCode::PAYLOAD_TOO_LARGE, "The request is too large: at most 4 MiB are allowed.\n".to_owned()),
                ),
            ] {
                assert_eq!(
                    send(router.clone(), Request::post(path).body(body(count)).unwrap()).await,
                    expected,
                    "{path} {count}"
                );
            }
        }
    }

    #[tokio::test]
    async fn a_streamed_body_is_read_before_all_of_it_has_arrived() {
        let (arrived, mut arrivals) = unbounded_channel();
        let receive = move |body: Body| async move {
            let mut pieces = body.into_data_stream();
            while let Some(piece) = pieces.next().await {
                arrived.send(piece.unwrap().len()).unwrap();
            }
        };
        let (sender, rest) = unbounded_channel::<Result<Vec<u8>, Infallible>>();
        let request = Request::post("/upload").body(Body::from_stream(UnboundedReceiverStream::new(rest))).unwrap();
        let answer = tokio::spawn(send(UPLOADS.around(Router::new().route("/upload", post(receive))), request));
        for _ in 0..3 {
            sender.send(Ok(vec![b'x'; 1 << 20])).unwrap();
            assert_eq!(arrivals.recv().await, Some(1 << 20));
        }
        drop(sender);
        assert_eq!(answer.await.unwrap().0, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_body_that_does_not_arrive_is_not_waited_for() {
        let group = Group { body_within: Duration::from_millis(100), ..USUAL };
        let router = group.around(Router::new().route("/form", post(length)));
        let half = futures::stream::iter([Ok::<_, Infallible>("half")]).chain(futures::stream::pending());
        let (status, text) = send(router, Request::post("/form").body(Body::from_stream(half)).unwrap()).await;
        assert_eq!((status, text.as_str()), (StatusCode::REQUEST_TIMEOUT, "The request did not arrive within 0 seconds.\n"));
    }

    #[tokio::test]
    async fn a_group_may_accept_other_sites_and_omit_headers() {
        let open = Group { same_site: false, headers: &[], ..USUAL };
        let router = open.around(Router::new().route("/open", post(length)));
        let router = router.merge(USUAL.around(Router::new().route("/form", post(length))));
        for (path, status, framed) in [("/open", StatusCode::OK, true), ("/form", StatusCode::FORBIDDEN, false)] {
            let request = Request::post(path).header("sec-fetch-site", "cross-site").body(Body::empty()).unwrap();
            let answer = router.clone().oneshot(request).await.unwrap();
            assert_eq!((answer.status(), !answer.headers().contains_key("x-frame-options")), (status, framed), "{path}");
        }
    }
}
