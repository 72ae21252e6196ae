//! The address that a request comes from: the peer's, unless the peer is a proxy that is known to name another one.

use crate::config::{Listen, Settings};
use anyhow::{Result, bail};
use axum::http::HeaderMap;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The address of a request at the Unix socket whose proxy names none. It is no address, so that no rule for addresses allows it.
const SOCKET: &str = "unix";

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    Address(IpAddr),
    /// A proxy on this machine, which may open the Unix socket.
    Socket,
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        Self::Address(address.ip().to_canonical())
    }
}

/// The address that a request came from: the one that a trusted proxy names, or else the peer's (`docs/spec/people.md`, "Where a
/// request comes from").
pub fn client_address(headers: &HeaderMap, peer: Peer, proxies: &[IpNet]) -> String {
    let trusted = match peer {
        Peer::Address(address) => proxies.iter().any(|network| network.contains(&address)),
        Peer::Socket => true,
    };
    // The proxy wrote the last entry of the last line; anybody can make up those before it.
    let last = headers.get_all("x-forwarded-for").iter().next_back().filter(|_| trusted);
    let named = last.and_then(|line| line.to_str().ok()?.rsplit(',').next()).and_then(named_address);
    match (named, peer) {
        (Some(address), _) | (None, Peer::Address(address)) => address.to_string(),
        (None, Peer::Socket) => SOCKET.to_owned(),
    }
}

/// Reads an address as proxies write it: also with a port, and IPv6 in brackets.
fn named_address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

/// Refuses to trust an address of this machine: sessions use its network, and could then say that they come from anywhere. A
/// proxy on this machine is told from them by the file of a Unix socket.
pub fn refuse_proxies_on_this_machine(settings: &Settings) -> Result<()> {
    if matches!(settings.listen, Listen::Socket(_)) {
        return Ok(());
    }
    let own = own_addresses();
    let is_here = |network: &&IpNet| network.addr().is_loopback() || own.iter().any(|address| network.contains(address));
    if let Some(network) = settings.trust_proxy.iter().find(is_here) {
        bail!(
            "`trust-proxy` includes this machine ({network}), whose network its sessions use: they could claim any address. Let the \
             proxy connect to a Unix socket instead, such as `listen` = unix:/run/yardmaster/http.sock, or name only proxies on \
             other machines"
        )
    }
    Ok(())
}

/// The addresses of this machine, as the kernel lists them; those of loopback in any case.
fn own_addresses() -> Vec<IpAddr> {
    let mut own = vec![IpAddr::from([127, 0, 0, 1]), Ipv6Addr::LOCALHOST.into()];
    // A line with an address (`|-- 10.0.0.5`) comes before the line that says what it is (`/32 host LOCAL`).
    let routes = std::fs::read_to_string("/proc/net/fib_trie").unwrap_or_default();
    let mut last: Option<IpAddr> = None;
    for line in routes.lines() {
        if let Some((_, address)) = line.split_once("|-- ") {
            last = address.trim().parse().ok();
        } else if line.trim_end().ends_with("host LOCAL") {
            own.extend(last);
        }
    }
    let interfaces = std::fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    let digits = interfaces.lines().filter_map(|line| u128::from_str_radix(line.split(' ').next()?, 16).ok());
    own.extend(digits.map(|bits| IpAddr::from(Ipv6Addr::from_bits(bits))));
    own
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Given;

    fn from(lines: &[&str], peer: &str, trusted: &str) -> String {
        let headers = lines.iter().map(|line| (axum::http::HeaderName::from_static("x-forwarded-for"), line.parse().unwrap()));
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, value);
        }
        let peer = if peer == SOCKET { Peer::Socket } else { SocketAddr::new(peer.parse().unwrap(), 9).into() };
        let settings = Given { trust_proxy: Some(trusted.into()), ..Given::default() }.check().unwrap();
        client_address(&map, peer, &settings.trust_proxy)
    }

    #[test]
    fn only_a_named_proxy_names_another_address() {
        let line = &["6.6.6.6, 10.1.2.3"];
        assert_eq!(from(line, "127.0.0.1", "yes"), "10.1.2.3");
        assert_eq!(from(line, "127.0.0.1", "no"), "127.0.0.1");
        assert_eq!(from(line, "10.9.9.9", "yes"), "10.9.9.9");
        assert_eq!(from(line, "10.9.9.9", "10.8.0.1, 10.9.0.0/16"), "10.1.2.3");
        assert_eq!(from(line, "::ffff:10.9.9.9", "10.9.9.9"), "10.1.2.3");
        assert_eq!(from(line, "127.0.0.1", "10.9.0.0/16"), "127.0.0.1");
    }

    #[test]
    fn the_last_entry_of_the_last_line_counts() {
        assert_eq!(from(&["6.6.6.6", "203.0.113.9"], "127.0.0.1", "yes"), "203.0.113.9");
        assert_eq!(from(&["203.0.113.9", "6.6.6.6, 203.0.113.8"], "127.0.0.1", "yes"), "203.0.113.8");
    }

    #[test]
    fn an_address_is_read_with_a_port_or_brackets_and_nothing_else_is_one() {
        for (written, read) in [
            ("203.0.113.9:5678", "203.0.113.9"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:DB8:0::1", "2001:db8::1"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
        ] {
            assert_eq!(from(&[written], "127.0.0.1", "yes"), read);
        }
        for rubbish in ["unknown", "", "6.6.6.6,", "203.0.113.9 x", "_hidden"] {
            assert_eq!(from(&[rubbish], "127.0.0.1", "yes"), "127.0.0.1", "{rubbish}");
        }
    }

    #[test]
    fn the_proxy_at_the_socket_is_trusted_and_without_its_word_there_is_no_address() {
        assert_eq!(from(&["6.6.6.6", "203.0.113.9"], SOCKET, "no"), "203.0.113.9");
        assert_eq!(from(&[], SOCKET, "no"), SOCKET);
        assert!(!types::rules::may_come_from(&["0.0.0.0/0".into(), "::/0".into()], SOCKET));
    }

    #[test]
    fn a_proxy_among_the_sessions_is_refused_unless_it_comes_by_a_socket() {
        let check = |listen: &str, trusted: &str| {
            let given = Given { listen: Some(listen.into()), trust_proxy: Some(trusted.into()), ..Given::default() };
            refuse_proxies_on_this_machine(&given.check().unwrap()).map_err(|error| error.to_string())
        };
        for here in ["yes", "127.0.0.2", "203.0.113.9, ::1", "0.0.0.0/0"] {
            let said = check("127.0.0.1:8080", here).unwrap_err();
            assert!(said.contains("Unix socket"), "{here}: {said}");
        }
        assert_eq!(check("127.0.0.1:8080", "no"), Ok(()));
        assert_eq!(check("127.0.0.1:8080", "203.0.113.9, 198.51.100.0/24"), Ok(()));
        assert_eq!(check("unix:/run/yardmaster/http.sock", "yes"), Ok(()));
    }
}
