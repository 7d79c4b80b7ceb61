//! Who opens a connection, as the head of the request says: the same for every way in.

use std::net::{IpAddr, Ipv4Addr};

use axum::http::request::Parts;

use crate::auth::bearer;
use crate::gateway::Gateway;
use crate::http::origin::{Asked, Refused};
use crate::source::Source;

/// Whoever opens a connection.
pub(crate) struct Caller {
    /// A token that came with the request.
    pub(crate) token: Option<String>,
    /// Whom the connection is counted for.
    pub(crate) source: Source,
    /// Why it may not connect, if so.
    pub(crate) refused: Option<Refused>,
}

impl Caller {
    pub(crate) fn of(gateway: &Gateway, parts: &Parts) -> Self {
        let checked = allows(gateway, parts, |asked| {
            gateway.origins.check_handshake(asked)
        });
        Self {
            token: bearer(&parts.headers).map(str::to_owned),
            source: Source::of(gateway.proxies.client(peer(parts), &parts.headers)),
            refused: checked.err(),
        }
    }
}

/// The other end of a request's TCP connection, beside the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Asks the rule for origins about a request.
pub(crate) fn allows<T>(gateway: &Gateway, parts: &Parts, rule: impl FnOnce(Asked<'_>) -> T) -> T {
    let schemes = gateway.proxies.schemes(peer(parts), &parts.headers);
    rule(Asked {
        headers: &parts.headers,
        uri: &parts.uri,
        schemes: &schemes,
    })
}

fn peer(parts: &Parts) -> IpAddr {
    let peer = parts.extensions.get::<Peer>();
    peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.0)
}
