//! Real gateways and a real Redis under steady traffic, broken on purpose, and an account of what became of every signal.
//!
//! The one idea: pairs of clients, each pair spread over two nodes, send each other numbered signals all the time. Then
//! one [`Fault`] happens, and the traffic goes on until every stream flows again. At the end each sender has been told
//! what became of each of its signals, and each receiver knows what it got: the two accounts must agree.
//!
//! ```text
//! client ─► its own door ─┐                            ┌─► gateway ─┐
//!                         ├─► balancer: ready ones only ┤            ├─► Redis
//! client ─► its own door ─┘                            └─► gateway ─┘
//! ```
//!
//! `cargo xtask chaos` prints one row for each fault; the gateway's tests run every fault small.

mod account;
mod balancer;
mod caller;
mod fault;
mod inflict;
mod run;
mod stage;
mod table;

pub use account::Account;
pub use fault::Fault;
pub use run::{Plan, run};
pub use table::table;
