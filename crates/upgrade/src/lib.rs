//! A rolling upgrade of a real cluster under traffic, and what its clients saw of it.
//!
//! The one idea: do what a Deployment of the chart does, one gateway after another, to a cluster as it is deployed (a real
//! haproxy with the repository's file in front, a real Redis behind), while pairs of clients send numbered signals and two
//! browsers are in a call; then ask them, and not the gateways, whether they noticed.
//!
//! ```text
//! 100 pairs of clients ─► their doors ─┐            ┌─► gateways of the one build ───┐
//!                                      ├─► haproxy ─┤   … replaced one by one by …   ├─► Redis
//! two browsers in a call ──────────────┘            └─► gateways of the other build ─┘
//! ```
//!
//! `cargo xtask upgrade` (`main.rs`) does it with each way of balancing, prints a table and draws what the gateways'
//! metrics said meanwhile; the gateway's tests do it small.

mod browsers;
mod clients;
mod fleet;
mod judge;
mod metrics;
mod moves;
mod plan;
mod plot;
mod run;
mod table;
mod turns;
mod watch;

pub use browsers::{BrowserPrograms, Person};
pub use indicatif::ProgressBar;
pub use judge::complaints;
pub use plan::{Build, DrainTimes, Plan};
pub use plot::draw;
pub use run::{Upgrade, run};
pub use table::table;
