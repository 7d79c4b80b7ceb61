//! Steady traffic through a cluster, and an account of what became of every signal.
//!
//! The one idea: pairs of clients send each other numbered signals all the time, whatever happens to the cluster
//! meanwhile. At the end each sender has been told what became of each of its signals, and each receiver knows what it got:
//! the two accounts must agree. And all must be listed, to one another and to whoever comes, as they entered.
//!
//! ```text
//! client ─► its own door ─┐
//!                         ├─► whatever leads to the gateways
//! client ─► its own door ─┘
//! ```
//!
//! `crates/chaos` breaks the cluster meanwhile, `crates/upgrade` replaces its gateways.

mod account;
mod caller;
mod door;
mod look;
mod traffic;

pub use account::Account;
pub use door::{Door, Upstream};
pub use traffic::Traffic;
