//! A proxy on this machine, which connects to a Unix socket.

use crate::Yard;
use server::config::Listen;
use server::connections::Limits;
use server::listen::Listening;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::oneshot;

/// A wrong sign-in as a proxy passes it on: the client made up the first line, the proxy wrote the second.
const REQUEST: &[u8] = b"POST /sign-in HTTP/1.1\r\nHost: yard.example.org\r\nContent-Type: application/x-www-form-urlencoded\r\n\
    X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 203.0.113.9:4711\r\nContent-Length: 28\r\nConnection: close\r\n\r\n\
    login=eve&password=Nobodys-1";

fn usual() -> Limits {
    Limits::new(1_000, Vec::new())
}

/// The address in the record of the newest wrong sign-in.
async fn recorded(yard: &Yard) -> String {
    let trail = yard.trail().await;
    trail.into_iter().find(|row| row.action == "sign-in refused").unwrap().address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_at_the_socket_says_where_a_request_comes_from() {
    let yard = Yard::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("http.sock");
    let listening = Listening::bind(&Listen::Socket(path.clone())).await.unwrap();
    assert_eq!(listening.shown(), format!("unix:{}", path.display()));
    let (end, ended) = oneshot::channel::<()>();
    let served = tokio::spawn(listening.serve(server::router(yard.app.clone()), usual(), async { drop(ended.await) }));

    let mut proxy = UnixStream::connect(&path).await.unwrap();
    proxy.write_all(REQUEST).await.unwrap();
    let mut answer = String::new();
    proxy.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    assert_eq!(recorded(&yard).await, "203.0.113.9");

    end.send(()).unwrap();
    served.await.unwrap();
    assert!(!path.exists(), "nothing is left to take for a server");
}

#[tokio::test(flavor = "multi_thread")]
async fn any_other_peer_has_the_address_that_it_comes_from() {
    let yard = Yard::new().await;
    let listening = Listening::bind(&Listen::Address("127.0.0.1:0".parse().unwrap())).await.unwrap();
    let address = listening.shown().strip_prefix("http://").unwrap().to_owned();
    let served = tokio::spawn(listening.serve(server::router(yard.app.clone()), usual(), std::future::pending()));
    let mut session = TcpStream::connect(address).await.unwrap();
    session.write_all(REQUEST).await.unwrap();
    session.read_to_string(&mut String::new()).await.unwrap();
    assert_eq!(recorded(&yard).await, "127.0.0.1");
    served.abort();
}
