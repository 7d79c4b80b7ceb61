//! The Switchboard node: HTTP, sockets, dialects, authentication, drain and metrics around the sessions and the cluster.
//!
//! The path of a signal reads downwards: [`listener`] → [`http`] → [`upgrade`] (or [`engineio`]) → [`connection`] →
//! [`dialect`] → [`session_task`] (which pumps `switchboard_session`) → `switchboard_cluster` ⇢ the other node → [`mailbox`] → [`session_task`] → [`wire`].
//!
//! How a node hands its sessions over to others is in [`drain`], whether it should get new ones in [`health`].

pub mod auth;
mod caller;
mod capacity;
pub mod cli;
pub mod config;
mod connection;
mod crowd;
mod dialect;
mod doors;
mod drain;
mod engineio;
#[doc(hidden)]
pub mod fuzzing;
mod gateway;
mod handshake;
mod health;
mod http;
mod http_client;
mod listener;
pub mod log;
mod mailbox;
mod metrics;
mod open_files;
mod operations;
mod registry;
mod serve;
mod session_task;
mod source;
mod tasks;
mod upgrade;
mod wire;

pub use serve::serve;
pub use tasks::NodeFailed;
