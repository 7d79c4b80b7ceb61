//! Whom a connection is counted for: the address of its client, as its TCP connection or a trusted proxy tells it.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv6Addr};

use axum::http::{HeaderMap, HeaderName, header};

use crate::config::{Network, ProxyConfig};

/// An IPv4 address, or the first 64 bits of an IPv6 address: whoever has one address of such a network has them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Source(IpAddr);

impl Source {
    pub(crate) fn of(address: IpAddr) -> Self {
        const NETWORK: u128 = u128::MAX << 64;
        Self(match address.to_canonical() {
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & NETWORK).into(),
            v4 => v4,
        })
    }
}

/// The proxies in front of this node, and the header in which they say for whom they ask.
pub(crate) struct Proxies {
    trusted: Vec<Network>,
    header: HeaderName,
}

impl Proxies {
    pub(crate) fn from_config(config: &ProxyConfig) -> Self {
        Self {
            trusted: config.trusted.clone(),
            header: config.header.clone(),
        }
    }

    /// The client of a request that came over a TCP connection from `peer`.
    ///
    /// Each proxy adds the address that it was asked from at the right, so the list is read from there, for as long as the
    /// one who says it is trusted: everything further to the left may be made up. What is no address says nothing, and the
    /// one who said it counts.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trusts(client) {
            return client;
        }
        let said = joined(headers, &self.header);
        let hops: Vec<_> = if self.header == header::FORWARDED {
            let elements = split_unquoted(&said, ',').filter(|element| !element.is_empty());
            elements.map(|element| parameter(element, "for")).collect()
        } else {
            let elements = said.split(',').map(str::trim);
            elements
                .filter(|element| !element.is_empty())
                .map(|element| Some(element.to_owned()))
                .collect()
        };
        for hop in hops.into_iter().rev() {
            let Some(address) = hop.as_deref().and_then(node_address) else {
                break;
            };
            client = address.to_canonical();
            if !self.trusts(client) {
                break;
            }
        }
        client
    }

    /// The schemes over which the client came: what a trusted `peer` says, which may have ended its TLS; where it says none,
    /// that of the connection itself if that speaks TLS. Empty: unknown.
    pub(crate) fn schemes(
        &self,
        peer: IpAddr,
        speaks_tls: bool,
        headers: &HeaderMap,
    ) -> Vec<String> {
        let mut schemes = match self.trusts(peer) {
            true => self.schemes_said(headers),
            false => Vec::new(),
        };
        if schemes.is_empty() && speaks_tls {
            schemes.push("https".into());
        }
        schemes
    }

    fn schemes_said(&self, headers: &HeaderMap) -> Vec<String> {
        if self.header == header::FORWARDED {
            let said = joined(headers, &self.header);
            let elements = split_unquoted(&said, ',');
            return elements
                .filter_map(|element| parameter(element, "proto"))
                .map(|proto| proto.to_ascii_lowercase())
                .collect();
        }
        let said = joined(headers, &HeaderName::from_static("x-forwarded-proto"));
        let schemes = said
            .split(',')
            .map(|scheme| scheme.trim().to_ascii_lowercase());
        schemes.filter(|scheme| !scheme.is_empty()).collect()
    }

    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }
}

/// All lines of a header as one (RFC 9110 section 5.3). What is no text becomes something that is no address.
fn joined(headers: &HeaderMap, name: &HeaderName) -> String {
    let lines = headers.get_all(name).iter();
    let lines: Vec<_> = lines
        .map(|line| String::from_utf8_lossy(line.as_bytes()))
        .collect();
    lines.join(",")
}

/// The parts of a list, trimmed. A separator between quotes separates nothing (RFC 9110 section 5.6.4).
fn split_unquoted(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = text.split(move |c| {
        let was_escaped = std::mem::take(&mut escaped);
        match c {
            '\\' if quoted && !was_escaped => escaped = true,
            '"' if !was_escaped => quoted = !quoted,
            c => return c == separator && !quoted,
        }
        false
    });
    parts.map(str::trim)
}

/// The value of a parameter in an element of `Forwarded` (RFC 7239 section 4), unquoted.
fn parameter(element: &str, name: &str) -> Option<String> {
    split_unquoted(element, ';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim()
            .eq_ignore_ascii_case(name)
            .then(|| unquoted(value.trim()))
    })
}

fn unquoted(text: &str) -> String {
    match text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
    {
        Some(inner) => inner.replace('\\', ""),
        None => text.into(),
    }
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`, each also in quotes.
fn node_address(text: &str) -> Option<IpAddr> {
    let text = unquoted(text);
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (address, rest) = rest.split_once(']')?;
        let is_end = rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
        return is_end.then(|| address.parse().ok().map(IpAddr::V6))?;
    }
    let (address, port) = text.rsplit_once(':')?;
    is_port(port).then(|| address.parse().ok().map(IpAddr::V4))?
}

/// A number, or a name that hides it (RFC 7239 section 6).
fn is_port(text: &str) -> bool {
    text.starts_with('_') || text.parse::<u16>().is_ok()
}
