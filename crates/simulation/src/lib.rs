//! A whole cluster with its clients in one thread, against a clock that jumps from event to event.
//!
//! The one idea: everything that is chance comes from one number, so that a run which goes wrong can be had again. The
//! nodes are the real ones, with their router, links, delivery, leases and repairs, and so are the connections, from
//! `hello` to goodbye (`switchboard_connection`); what lies around them is made here and misbehaves by the seed: Redis, the
//! network to it, sockets, clients, whole processes.
//! What happens is written down, and the invariants judge by that alone.
//!
//! ```text
//! seed ─► scenario ─► world: clients ⇄ sockets ⇄ gateways (real nodes) ⇄ paths ⇄ Redis (in memory) ─► trace ─► invariants
//! ```
//!
//! Run it with `cargo xtask simulate`.

mod client;
mod client_task;
mod fake_bus;
mod fake_directory;
mod fake_leases;
mod fake_redis;
mod foreign_client;
mod gate;
mod gateway;
mod intruder;
mod invariants;
mod mark;
mod panics;
mod path;
mod random;
mod run;
mod scenario;
mod shipped_client;
mod socket;
mod speaks;
#[cfg(feature = "cli")]
pub mod sweep;
mod trace;
mod transport;
mod world;

pub use invariants::Violation;
pub use run::{Outcome, play, run};
pub use trace::Trace;
