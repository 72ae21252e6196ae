//! The cost of requests: documents, exports, and requests that never come to their end.

use crate::{Yard, caller};
use axum::Router;
use axum::http::{Method, StatusCode};
use axum::routing::get;
use serde_json::{Value, json};
use server::connections::{Limits, serve};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Root fields `a0`, `a1` and so on, that all ask for this.
fn times(count: usize, field: &str) -> String {
    let fields: Vec<String> = (0..count).map(|n| format!("a{n}: {field}")).collect();
    format!("{{ {} }}", fields.join(" "))
}

impl Yard {
    /// The first error of a document, and how many requests are left in the window.
    async fn document(&self, cookie: &str, document: &str) -> (StatusCode, Option<String>, i64) {
        let body = json!({ "query": document }).to_string();
        let answer = self.call(Method::POST, "/func/admin/gql", cookie, &body).await;
        let json: Value = serde_json::from_str(&answer.text).unwrap();
        let error = json["errors"][0]["message"].as_str().or(json["msg"].as_str()).map(str::to_owned);
        (answer.status, error, answer.headers["x-ratelimit-remaining"].to_str().unwrap().parse().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_costs_what_it_may_read_and_not_how_long_it_is() {
    let yard = Yard::new().await;
    let root = yard.client("root@example.org").await;
    let page = "user_list(limit: 100, offset: 0, filter: \"full_name ilike \\\"%z%\\\"\") { total_count }";
    let allowed = [times(10, page), times(1, "users { email }"), times(40, "user { email username }")];
    for document in allowed {
        let (_, error, _) = yard.document(&root, &document).await;
        assert_eq!(error, None, "{document}");
    }
    let refused = [
        times(11, page),
        times(2, "users { email }"),
        times(2, "groups { id }"),
        times(900, "user { email username full_name }"),
    ];
    for document in refused {
        let (_, error, _) = yard.document(&root, &document).await;
        let error = error.unwrap_or_default();
        assert!(error.contains("too complex") || error.contains("too many fields"), "{document}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_counts_once_for_each_of_its_root_fields() {
    let yard = Yard::new().await;
    let user = yard.client("user@example.org").await;
    let (_, _, before) = yard.document(&user, "{ user { email } }").await;
    yard.document(&user, &times(7, "user { email }")).await;
    yard.document(&user, "{ ...all } fragment all on Query { a: user { email } b: user { email } }").await;
    let (_, _, after) = yard.document(&user, "{ user { email } }").await;
    assert_eq!(before - after, 7 + 2 + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_its_connection_before_it_answers_and_a_person_has_one() {
    let yard = Yard::new().await;
    let root = caller(&yard.control, "root@example.org").await;
    let admin = caller(&yard.control, "admin@example.org").await;
    let cookies = [yard.cookie_of("root@example.org").await, yard.cookie_of("monitor@example.org").await];
    let [roots, monitors] = cookies.each_ref();
    let status = async |cookie: &str| yard.get("/export/users.csv", cookie).await.status;
    let first = yard.control.export_turn(&root).unwrap();
    assert_eq!(status(roots).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(status(monitors).await, StatusCode::OK);
    let second = yard.control.export_turn(&admin).unwrap();
    assert_eq!(status(monitors).await, StatusCode::SERVICE_UNAVAILABLE);
    drop((first, second));
    for cookie in [roots, roots, monitors] {
        assert_eq!(status(cookie).await, StatusCode::OK);
    }
}

/// A server that only says hello, and its address.
async fn hello(limits: Limits) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", get(|| async { "hello" }));
    tokio::spawn(serve(listener, router, limits, std::future::pending()));
    address
}

/// Everything that the server sends until it closes the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A connection may also be reset.
    let read = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut bytes)).await;
    drop(read.expect("the server closes it"));
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn half_a_request_and_an_idle_connection_are_closed() {
    let limits = Limits { head: Duration::from_millis(200), ..Limits::new(10, Vec::new()) };
    let address = hello(limits).await;
    for sent in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: x\r\n"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        assert!(!rest(&mut stream).await.contains("hello"), "{sent:?}");
    }
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(rest(&mut stream).await.ends_with("hello"), "answered, and closed when nothing more comes");
}

#[tokio::test]
async fn one_address_has_a_number_of_connections() {
    let address = hello(Limits::new(2, Vec::new())).await;
    let request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut byte = [0];
        stream.read_exact(&mut byte).await.unwrap();
        held.push(stream);
    }
    let mut third = TcpStream::connect(address).await.unwrap();
    assert_eq!(rest(&mut third).await, "");
    drop(held);
    // A place is free once the server has noticed.
    loop {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut byte = [0];
        if stream.write_all(request).await.is_ok() && stream.read_exact(&mut byte).await.is_ok() {
            break;
        }
    }
}
