//! The Switchboard node: HTTP, sockets, dialects, authentication, drain and metrics around the sessions and the cluster.
//!
//! The path of a signal reads downwards: [`listener`] → [`http`] → [`upgrade`] (or [`engineio`]) → [`connection`], which
//! starts a `switchboard_connection` over a [`web_socket`] (or over what Engine.IO makes of several) → `switchboard_cluster`
//! ⇢ the other node, and there the same upwards. What a connection does is the same in the simulation, and lies in that crate;
//! only here axum's types are known.
//!
//! How a node hands its sessions over to others is in [`drain`], whether it should get new ones in [`health`].

mod arrivals;
pub mod auth;
mod caller;
mod capacity;
pub mod cli;
pub mod config;
mod connection;
mod crowd;
mod doors;
mod drain;
mod engineio;
mod frame;
mod gateway;
mod handshake;
mod headers;
mod health;
mod http;
mod http_client;
mod http_rates;
mod ice;
mod listener;
pub mod log;
mod media;
mod metrics;
mod open_files;
mod otlp;
mod rate_by;
mod recent;
mod registry;
mod serve;
mod session_places;
mod source;
mod tally;
mod tasks;
mod tls;
mod upgrade;
mod web_socket;

pub use serve::serve;
pub use tasks::NodeFailed;
