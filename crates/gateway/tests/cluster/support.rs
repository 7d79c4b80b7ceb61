//! Gateways, clients and tokens for the tests.

mod http;
mod many;
mod nodes;
pub(crate) mod otlp;
mod peer;
mod raw;
mod s_client;
mod tls_front;
mod token;

use switchboard_testkit::GatewayProcess;

pub(crate) use http::Http;
pub(crate) use many::{open_polling, open_polling_as};
pub(crate) use nodes::{
    BINARY, Cluster, SHORT_WINDOW, embedded, node, still_well, still_well_at, with_files,
};
pub(crate) use peer::{Peer, Ticket, options};
pub(crate) use raw::{Raw, exchange, exchange_bytes, http, opening, send};
pub(crate) use s_client::SClient;
pub(crate) use tls_front::TlsFront;
pub(crate) use token::{SECRET_SETTING, signed, token};

/// Takes the next message of one kind (that fits) out of what a peer hears.
macro_rules! hear {
    ($peer:expr, $kind:ident) => {
        $crate::support::hear!($peer, $kind, |_| true)
    };
    ($peer:expr, $kind:ident, $fits:expr) => {
        $peer
            .hear(stringify!($kind), |message| match message {
                switchboard_protocol::ServerMessage::$kind(message) => {
                    $crate::support::fits(message, $fits).then(|| message.clone())
                }
                _ => None,
            })
            .await
    };
}
pub(crate) use hear;

/// What the limit of this name has refused.
pub(crate) fn limited(gateway: &GatewayProcess, rule: &str) -> f64 {
    gateway.metric(&format!("switchboard_limited_total{{rule=\"{rule}\"}}"))
}

/// Connections that ended before their first request for this reason.
pub(crate) fn failures(gateway: &GatewayProcess, reason: &str) -> f64 {
    gateway.metric(&format!(
        "switchboard_opening_failures_total{{reason=\"{reason}\"}}"
    ))
}

/// Waits until so many connections have ended before their first request for that reason: each is closed before it is counted.
pub(crate) fn until_failures(gateway: &GatewayProcess, reason: &str, count: usize) {
    gateway.wait_until("rid of them, and has counted them", |gateway| {
        failures(gateway, reason) == count as f64
    });
}

/// Tells the compiler what `check` takes.
pub(crate) fn fits<T>(message: &T, check: impl Fn(&T) -> bool) -> bool {
    check(message)
}
