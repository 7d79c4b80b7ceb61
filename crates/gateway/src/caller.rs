//! Who opens a connection, as the head of the request says: the same for every way in.

use std::net::Ipv4Addr;
use std::sync::{Arc, Weak};

use axum::http::HeaderMap;
use axum::http::request::Parts;
use parking_lot::Mutex;
use smallvec::SmallVec;

use crate::auth::bearer;
use crate::doors::Visit;
use crate::gateway::Gateway;
use crate::http::origin::{OriginRefusal, RequestHead};
use crate::source::Source;

/// Whoever opens a connection.
pub(crate) struct Caller {
    /// A token that came with the request.
    pub(crate) token: Option<String>,
    /// Whom the connection is counted for.
    pub(crate) source: Source,
    /// What it comes over.
    pub(crate) carriers: Carriers,
    /// Why it may not connect, if so.
    pub(crate) refused: Option<OriginRefusal>,
}

impl Caller {
    pub(crate) fn of(gateway: &Gateway, parts: &Parts) -> Self {
        let checked = allows(gateway, parts, |asked| {
            gateway.origins.check_handshake(asked)
        });
        Self {
            token: bearer(&parts.headers).map(str::to_owned),
            source: source(parts),
            carriers: Carriers::of(parts),
            refused: checked.err(),
        }
    }
}

/// The TCP connections that carry one session: when it has said hello, they are not cut off for others. Clones are one.
///
/// An Engine.IO session begins on one and goes on over another; whoever lets that happen says so by [`Carriers::join`].
#[derive(Clone, Default)]
pub(crate) struct Carriers(Arc<Mutex<Carrying>>);

#[derive(Default)]
struct Carrying {
    is_greeted: bool,
    visits: SmallVec<[Weak<Visit>; 1]>,
}

impl Carriers {
    fn of(parts: &Parts) -> Self {
        let carriers = Self::default();
        carriers.join(parts);
        carriers
    }

    /// The connection of this request carries the session from now on, or will once it is upgraded.
    pub(crate) fn join(&self, parts: &Parts) {
        let Some(visit) = visit(parts) else { return };
        let mut carrying = self.0.lock();
        if carrying.is_greeted {
            visit.greeted();
            return;
        }
        let joining = Arc::downgrade(visit);
        let mut others = std::mem::take(&mut carrying.visits);
        others.retain(|other| other.strong_count() > 0 && !other.ptr_eq(&joining));
        others.push(joining);
        carrying.visits = others;
    }

    /// The session has said hello.
    pub(crate) fn greeted(&self) {
        let mut carrying = self.0.lock();
        carrying.is_greeted = true;
        for visit in std::mem::take(&mut carrying.visits) {
            if let Some(visit) = visit.upgrade() {
                visit.greeted();
            }
        }
    }
}

/// Asks the rule for origins about a request.
pub(crate) fn allows<T>(
    gateway: &Gateway,
    parts: &Parts,
    rule: impl FnOnce(RequestHead<'_>) -> T,
) -> T {
    let schemes = visit(parts).map(|visit| {
        let (peer, speaks_tls) = (visit.peer(), visit.speaks_tls());
        let nothing = HeaderMap::new();
        let said = match visit.may_forward() {
            true => &parts.headers,
            false => &nothing,
        };
        gateway.proxies.schemes(peer, speaks_tls, said)
    });
    rule(RequestHead {
        headers: &parts.headers,
        uri: &parts.uri,
        schemes: &schemes.unwrap_or_default(),
    })
}

/// The address that a request is counted for.
pub(crate) fn source(parts: &Parts) -> Source {
    let nowhere = || Source::of(Ipv4Addr::UNSPECIFIED.into());
    visit(parts).map_or_else(nowhere, |visit| visit.source())
}

/// The TCP connection that a request came over: the listener notes it with every one.
pub(crate) fn visit(parts: &Parts) -> Option<&Arc<Visit>> {
    parts.extensions.get()
}
