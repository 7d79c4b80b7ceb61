//! Rust client of a Switchboard cluster.

pub mod acknowledger;
pub mod connection;
pub mod reconnect;

pub use acknowledger::Acknowledger;
pub use connection::{Closed, ConnectError, Connection, Disconnected, Options};
