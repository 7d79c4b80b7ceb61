//! One connection from hello to goodbye, over anything that carries frames.
//!
//! The one idea: this is all that a connection does between its handshake and its end, and nothing here knows what
//! carries it. A gateway brings WebSockets and HTTP, metrics and tokens; the simulation brings sockets in memory, and so
//! its seeds run the code that serves people.
//!
//! ```text
//! Connection::run ─► greeting: hello, authenticate, attach or resuming, welcome
//!                 ─► serving: frames ─► dialect ─► session ─► carrying_out ─► the node
//!                             the node ─► mailbox ─► wire ─► dialect ─► frames
//!                 ─► departure: what becomes of the session
//! ```
//!
//! | from outside | as | by the gateway | by the simulation |
//! | --- | --- | --- | --- |
//! | what carries frames | [`Transport`] | WebSockets, Engine.IO | sockets in memory |
//! | who a client is | [`Authenticate`] | tokens | a name is enough |
//! | whether there is room for it | [`Seat`] | its registry | always |
//! | STUN and TURN servers | [`IceServers`] | its configuration, a provider | none |
//! | where media goes | [`MediaServers`] | its configuration | none |
//! | who wants to know | [`Observe`] | metrics | nobody |
//!
//! One task owns a connection: its transport, its session and what is queued for it. Others reach it through its
//! [`Mailbox`], which is bounded in bytes.

mod authenticate;
mod authorization;
mod carrying_out;
mod connection;
mod departure;
mod greeting;
mod host;
mod ice;
mod mailbox;
mod media;
mod operations;
mod resuming;
mod run;
mod serving;
#[cfg(test)]
mod tests;
mod transport;
mod wire;

use std::time::Duration;

pub use authenticate::{Authenticate, Identity, Refusal};
pub use connection::{Arrival, Connection};
pub use host::{Coming, Host, Observe, Phase, Seat};
pub use ice::{IceOffer, IceServers};
pub use mailbox::Mailbox;
pub use media::{MediaOf, MediaServers};
pub use transport::{Ended, Gone, Transport};

/// After so long a client may try again what cannot be done now.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);

/// By tokio's clock, which a test or a simulation can stop.
fn now() -> std::time::Instant {
    tokio::time::Instant::now().into_std()
}
