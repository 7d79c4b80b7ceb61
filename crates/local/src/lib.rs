//! A whole cluster on the loopback address: gateways behind haproxy, a Redis, Prometheus.
//!
//! The one idea: what is deployed is what runs here. haproxy and Prometheus read the repository's own files (`deploy/`,
//! `helm/switchboard/files/rules.yml`), with addresses of this machine put in; each program is a process of its own that
//! logs into a file of its own and ends with the process that started it.
//!
//! ```text
//!                        ┌─► gateway, its ops port ◄─┐
//! browser ─► haproxy ────┼─► gateway, its ops port ◄─┼── Prometheus
//!                        └─► gateway, its ops port ◄─┘
//!                               all ─► Redis
//! ```
//!
//! `cargo xtask cluster` (`main.rs`) lets people use it; `cargo xtask upgrade` replaces its gateways under traffic.

mod gateway;
mod haproxy;
mod metrics;
mod nginx;
mod ports;
mod program;
mod prometheus;
mod redis;
mod repository;

pub use gateway::{Gateway, GatewayPlan};
pub use haproxy::{Balance, Haproxy, HaproxyPlan, Slot};
pub use metrics::sum_of;
pub use nginx::Nginx;
pub use ports::free_port;
pub use program::{Program, keep_terminal_signals_from_programs};
pub use prometheus::Prometheus;
pub use redis::Redis;
