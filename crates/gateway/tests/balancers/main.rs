//! Gateways behind real balancers, with the repository's own files: one drains while sockets are open, another one is added,
//! and `switchboard drain --share` evens the spread out. Clients talk all the time.
//!
//! ```text
//! cargo test -p switchboard-gateway --test balancers -- --nocapture --test-threads 1
//! ```
//!
//! prints what is in `docs/figures.md`.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed case")]

mod haproxy;
mod newcomers;
mod nginx;
mod stage;
