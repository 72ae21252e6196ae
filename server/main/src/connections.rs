//! Connections: accepting them, and not letting anybody hold many of them or one of them for nothing
//! (`docs/spec/limits.md`, "Connections").
//!
//! Deliberately absent: what is answered. That is the router's.

use crate::address::Peer;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use hyper_util::rt::{TokioIo, TokioTimer};
use ipnet::IpNet;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::time::{Sleep, sleep};
use tower::ServiceExt;

/// Descriptors that are kept for the database, logs, supervisors and terminals.
const KEPT_DESCRIPTORS: u64 = 256;
/// Tells supervisors how many descriptors were usual before the server asked for more.
const USUAL_DESCRIPTORS: &str = "YARDMASTER_USUAL_DESCRIPTORS";
/// The most descriptors that are asked for: more than any machine's sessions and browsers need.
const MOST_DESCRIPTORS: u64 = 65_536;

/// How long connections may last without getting anywhere, and how many there may be.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Time for the head of a request, and also between two requests. Longer than proxies keep connections, so that they close
    /// them first.
    pub head: Duration,
    /// Time in which the peer must take something of an answer.
    pub stalled: Duration,
    /// Connections of one address, or of one IPv6 network of 64 bits.
    pub per_address: usize,
    /// Connections of all addresses together.
    pub all: usize,
    /// Proxies, each for everybody behind it: their addresses have no limit of their own.
    pub proxies: Vec<IpNet>,
}

impl Limits {
    /// The usual times, with this many connections for one address.
    pub fn new(per_address: usize, proxies: Vec<IpNet>) -> Self {
        let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(MOST_DESCRIPTORS).min(MOST_DESCRIPTORS);
        let all = usize::try_from(descriptors.saturating_sub(KEPT_DESCRIPTORS)).unwrap_or(usize::MAX).max(64);
        Self { head: Duration::from_secs(75), stalled: Duration::from_secs(300), per_address, all, proxies }
    }
}

/// Raises the number of files that this process may have open to what it is allowed to. Call it before any thread starts.
pub fn raise_descriptors() {
    let now = getrlimit(Resource::Nofile);
    let wanted = now.maximum.unwrap_or(MOST_DESCRIPTORS).min(MOST_DESCRIPTORS);
    let Some(usual) = now.current.filter(|current| *current < wanted) else { return };
    if setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: now.maximum }).is_ok() {
        // SAFETY: no other thread runs yet.
        unsafe { std::env::set_var(USUAL_DESCRIPTORS, usual.to_string()) };
    }
}

/// Gives a supervisor, and so its session, the number of open files that was usual before the server raised its own: programs
/// that use `select` fail beyond 1,024. Call it before any thread starts.
pub fn usual_descriptors() {
    let Some(usual) = std::env::var(USUAL_DESCRIPTORS).ok().and_then(|text| text.parse().ok()) else { return };
    let maximum = getrlimit(Resource::Nofile).maximum;
    // It can always be lowered.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(usual), maximum });
    // SAFETY: no other thread runs yet.
    unsafe { std::env::remove_var(USUAL_DESCRIPTORS) };
}

/// A listener, and the other ends of its connections.
pub trait Accept {
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    fn next(&self) -> impl Future<Output = io::Result<(Self::Stream, Peer)>> + Send;
}

impl Accept for TcpListener {
    type Stream = TcpStream;

    async fn next(&self) -> io::Result<(TcpStream, Peer)> {
        let (stream, address) = self.accept().await?;
        // Small pieces of a streamed page are sent at once, without waiting for each other's acknowledgement.
        let _ = stream.set_nodelay(true);
        Ok((stream, address.into()))
    }
}

impl Accept for UnixListener {
    type Stream = UnixStream;

    async fn next(&self) -> io::Result<(UnixStream, Peer)> {
        Ok((self.accept().await?.0, Peer::Socket))
    }
}

/// Answers the requests of all connections until `end`, then finishes those in flight.
pub async fn serve(listener: impl Accept, router: Router, limits: Limits, end: impl Future<Output = ()>) {
    let (head, stalled) = (limits.head, limits.stalled);
    let places = Places { limits, taken: Arc::default() };
    let ending = watch::Sender::new(());
    let mut end = pin!(end);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.next() => match accepted {
                Ok(accepted) => accepted,
                Err(error) if broken(&error) => continue,
                Err(error) => {
                    tracing::error!(%error, "no connection can be accepted");
                    sleep(Duration::from_secs(1)).await;
                    continue;
                }
            },
            () = &mut end => break,
        };
        // Closed at once: an answer would need a descriptor and a task, too.
        let Some(place) = places.take(peer) else { continue };
        let stream = Held { stream, stalled: None, patience: stalled, _place: place };
        let router = router.clone();
        let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let mut request: Request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo::<Peer>(peer));
            router.clone().oneshot(request)
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut ending = ending.subscribe();
        tokio::spawn(async move {
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = &mut connection => ended,
                _ = ending.changed() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(?peer, %error, "a connection ended early");
            }
        });
    }
    drop(listener);
    ending.send_replace(());
    ending.closed().await;
}

/// Whether only this one connection failed, before it was accepted.
fn broken(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// The connections that there are, by address. Holds no more addresses than connections.
#[derive(Clone)]
struct Places {
    limits: Limits,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    by_address: HashMap<IpAddr, usize>,
    all: usize,
}

/// A connection's place among those of its address.
struct Place {
    /// `None` for a proxy.
    address: Option<IpAddr>,
    taken: Arc<Mutex<Taken>>,
}

impl Places {
    fn take(&self, peer: Peer) -> Option<Place> {
        let address = match peer {
            Peer::Address(ip) if !self.limits.proxies.iter().any(|proxy| proxy.contains(&ip)) => Some(network(ip)),
            Peer::Address(_) | Peer::Socket => None,
        };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let theirs = address.and_then(|address| taken.by_address.get(&address).copied()).unwrap_or(0);
        if taken.all >= self.limits.all || theirs >= self.limits.per_address {
            return None;
        }
        taken.all += 1;
        if let Some(address) = address {
            taken.by_address.insert(address, theirs + 1);
        }
        Some(Place { address, taken: self.taken.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        let Some(address) = self.address else { return };
        match taken.by_address.get_mut(&address) {
            Some(theirs) if *theirs > 1 => *theirs -= 1,
            _ => drop(taken.by_address.remove(&address)),
        }
    }
}

/// The address that connections are counted by: one machine has a whole IPv6 network of 64 bits, and this one all of loopback.
fn network(ip: IpAddr) -> IpAddr {
    match ip {
        ip if ip.is_loopback() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) >> 64 << 64).into()),
        ip => ip,
    }
}

/// A connection that keeps its place, also once it has become a terminal, and that fails when its peer takes nothing for long.
struct Held<S> {
    stream: S,
    stalled: Option<Pin<Box<Sleep>>>,
    patience: Duration,
    _place: Place,
}

impl<S> Held<S> {
    /// Passes on the result of a write, unless the peer has taken nothing for too long.
    fn patiently<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Held<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Held<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.patiently(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.patiently(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.patiently(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_number_of_places_and_an_ipv6_network_counts_as_one() {
        let limits = Limits { all: 5, ..Limits::new(2, vec!["127.0.0.0/8".parse().unwrap()]) };
        let places = Places { limits, taken: Arc::default() };
        let take = |ip: &str| places.take(std::net::SocketAddr::new(ip.parse().unwrap(), 1).into());
        let one = take("10.0.0.1").unwrap();
        let _two = take("::ffff:10.0.0.1").unwrap();
        assert!(take("10.0.0.1").is_none());
        let _first = take("2001:db8::1").unwrap();
        let _second = take("2001:db8::2").unwrap();
        assert!(take("2001:db8::3").is_none());
        drop(one);
        let _again = take("10.0.0.1").unwrap();
        let _proxy = take("127.0.0.1").unwrap();
        assert_eq!(network("127.3.2.1".parse().unwrap()), network("::1".parse().unwrap()), "sessions can choose among them");
        assert!(take("10.0.0.2").is_none(), "all together");
        drop((_first, _second, _again, _two, _proxy));
        assert!(places.taken.lock().unwrap().by_address.is_empty());
    }
}
