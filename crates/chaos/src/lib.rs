//! Real gateways and a real Redis under steady traffic, broken on purpose, and an account of every signal.
//!
//! The one idea: the pairs of `crates/traffic`, each spread over two nodes, talk all the time. Then one [`Fault`]
//! happens, and the traffic goes on until every stream flows again. At the end what senders were told and what
//! receivers got must agree.
//!
//! ```text
//! client ─► its own door ─┐                            ┌─► gateway ─┐
//!                         ├─► balancer: ready ones only ┤            ├─► Redis
//! client ─► its own door ─┘                            └─► gateway ─┘
//! ```
//!
//! `cargo xtask chaos` prints one row for each fault; the gateway's tests run every fault small.

mod balancer;
mod complaints;
mod fault;
mod inflict;
mod run;
mod stage;
mod table;

pub use complaints::complaints;
pub use fault::Fault;
pub use run::{Plan, run};
pub use table::table;
