//! What every connection of a node shares.

use std::sync::Arc;
use std::time::Instant;

use switchboard_cluster::Node;
use switchboard_connection::Host;
use switchboard_protocol::limits::Limits;
use switchboard_session::Rules;
use tokio_util::task::TaskTracker;

use crate::arrivals::Arrivals;
use crate::auth::Authenticator;
use crate::config::Config;
use crate::drain::Drains;
use crate::health::Readiness;
use crate::http::origin::Origins;
use crate::http_rates::HttpRates;
use crate::ice::Ice;
use crate::metrics::Metrics;
use crate::otlp::Export;
use crate::registry::Registry;
use crate::source::Proxies;

/// One gateway.
pub(crate) struct Gateway {
    pub(crate) config: Config,
    pub(crate) node: Node,
    /// What its connections share.
    pub(crate) host: Arc<Host>,
    pub(crate) origins: Origins,
    pub(crate) proxies: Arc<Proxies>,
    pub(crate) authenticator: Arc<Authenticator>,
    pub(crate) arrivals: Arc<Arrivals>,
    pub(crate) http_rates: HttpRates,
    pub(crate) ice: Arc<Ice>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) metrics: Arc<Metrics>,
    /// Of spans.
    pub(crate) export: Export,
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) drains: Drains,
    /// Sessions, and what they leave behind.
    pub(crate) tasks: TaskTracker,
    pub(crate) started: Instant,
}

/// What the configuration says about sessions.
pub(crate) fn rules(config: &Config) -> Rules {
    let limits = &config.limits;
    Rules {
        hello_timeout: config.session.hello_timeout,
        heartbeat: config.session.heartbeat,
        heartbeat_timeout: config.session.heartbeat_timeout,
        resume_window: config.session.resume_window,
        limits: Limits {
            in_flight: limits.in_flight,
            in_flight_bytes: limits.in_flight_bytes as u64,
            max_message_bytes: limits.max_message_bytes as u64,
            signals_per_second: limits.signals_per_second,
            burst: limits.burst,
        },
        requests_per_second: limits.requests_per_second,
        bytes_per_second: limits.bytes_per_second,
        outbox_bytes_max: limits.outbox_bytes,
        fan_out_bytes_per_second: limits.fan_out_bytes_per_second,
        room_capacity: config.room.capacity,
        room_capacity_max: config.room.capacity_max,
        outlives_token: config.auth.max_session(),
        rooms_max: config.room.max_per_session as usize,
    }
}
