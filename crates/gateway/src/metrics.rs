//! What a node counts, for Prometheus. The metrics themselves are lines of [`table`].

mod by_label;
mod certificate;
mod cluster;
mod connections;
mod declare;
mod drain;
mod ice_fetch;
mod key_reads;
mod limits;
mod opening;
mod outcomes;
mod shed;
mod spans;
mod table;

#[cfg(test)]
mod tests;

use std::sync::LazyLock;
use std::time::Instant;

use parking_lot::Mutex;
use prometheus::{Registry, TextEncoder};

use self::by_label::CountersBy;
pub(crate) use self::certificate::{CertificateMetrics, CertificateReload};
pub(crate) use self::drain::DrainNow;
use self::drain::LastDrain;
pub(crate) use self::ice_fetch::{IceFetch, IceFetchCounter};
pub(crate) use self::key_reads::{KeyReads, KeyReadsCounter};
use self::limits::LimitCounters;
pub(crate) use self::opening::{OpeningFailure, OpeningFailures};
use self::outcomes::OutcomeCounters;
pub(crate) use self::shed::{Shed, ShedCounters};
pub(crate) use self::spans::{SpanCounters, SpanOutcome};
use self::table::{NodeMetrics, ProcessMetrics};
use switchboard_auth::AuthError;
use switchboard_session::Rule;

/// The metrics of the process, which every node shows beside its own.
pub(crate) static PROCESS: LazyLock<ProcessMetrics> = LazyLock::new(ProcessMetrics::new);

/// The `version` of the release that runs.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The `code` of a connection that ended without one (RFC 6455, 7.4.1).
const CLIENT_GONE: u16 = 1006;
/// The `outcome` of a hello whose token is good, or needs none.
const ACCEPTED: &str = "accepted";
/// The `state` of a session.
const AWAITING_HELLO: &str = "awaiting-hello";
const LIVE: &str = "live";

/// The metrics of one node.
pub(crate) struct Metrics {
    registry: Registry,
    node: NodeMetrics,
    signals: OutcomeCounters,
    limits: LimitCounters,
    lease_renewed_at: Mutex<Option<Instant>>,
    last_drain: LastDrain,
}

/// Values that are read at each scrape.
#[derive(Debug, Default)]
pub(crate) struct Now {
    pub(crate) connections: usize,
    /// Sessions without a connection whose places this node keeps.
    pub(crate) sessions_away: usize,
    pub(crate) away_bytes: usize,
    pub(crate) rooms: usize,
    pub(crate) members: usize,
    pub(crate) outbox_bytes: usize,
    pub(crate) in_flight_bytes: usize,
    pub(crate) revocations: usize,
    pub(crate) backend_up: bool,
    pub(crate) ready: bool,
    pub(crate) drain: DrainNow,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let registry = Registry::new_custom(Some("switchboard".into()), None)
            .expect("a prefix and no labels are valid");
        let node = NodeMetrics::new();
        node.register(&registry);
        PROCESS.register(&registry);
        let build = node.build_info.with_label_values(&[VERSION]);
        build.set(1);
        Self {
            signals: OutcomeCounters::of(&node.signals_total),
            limits: LimitCounters::new(&node.limited_total, Rule::ALL, Rule::as_str),
            registry,
            node,
            lease_renewed_at: Mutex::new(None),
            last_drain: LastDrain::default(),
        }
    }

    /// Everything in Prometheus' text format, gauges as they are now.
    pub(crate) fn text(&self, now: &Now) -> prometheus::Result<String> {
        let node = &self.node;
        node.rooms.set(whole(now.rooms));
        node.members.set(whole(now.members));
        node.connections.set(whole(now.connections));
        node.sessions_away.set(whole(now.sessions_away));
        node.away_bytes.set(whole(now.away_bytes));
        node.outbox_bytes.set(whole(now.outbox_bytes));
        node.in_flight_bytes.set(whole(now.in_flight_bytes));
        node.revocations.set(whole(now.revocations));
        node.backend_up.set(now.backend_up.into());
        node.ready.set(now.ready.into());
        self.last_drain.look(node, &now.drain);
        let renewed_at = *self.lease_renewed_at.lock();
        let lease_age = renewed_at.map_or(0.0, |at| at.elapsed().as_secs_f64());
        node.lease_age_seconds.set(lease_age);
        let mut families = self.registry.gather();
        families.extend(prometheus::gather());
        TextEncoder::new().encode_to_string(&families)
    }

    /// What counts connections that make room for others.
    pub(crate) fn shed_counters(&self) -> ShedCounters {
        ShedCounters::new(&self.node.connections_shed_total, Shed::ALL, Shed::as_str)
    }

    /// For what exports spans.
    pub(crate) fn span_counters(&self) -> SpanCounters {
        SpanCounters::new(
            &self.node.spans_total,
            SpanOutcome::ALL,
            SpanOutcome::as_str,
        )
    }

    /// For what reads the keys of issuers.
    pub(crate) fn key_reads_counter(&self) -> KeyReadsCounter {
        KeyReadsCounter::new(
            &self.node.key_set_reads_total,
            KeyReads::ALL,
            KeyReads::as_str,
        )
    }

    /// For what begins connections.
    pub(crate) fn opening_failures(&self) -> OpeningFailures {
        OpeningFailures::new(
            &self.node.opening_failures_total,
            OpeningFailure::ALL,
            OpeningFailure::as_str,
        )
    }

    /// For what serves the certificate.
    pub(crate) fn certificate(&self) -> CertificateMetrics {
        CertificateMetrics {
            not_after: self.node.tls_certificate_not_after_seconds.clone(),
            refused: self.node.tls_certificate_refused.clone(),
            reloads: CountersBy::new(
                &self.node.tls_certificate_reloads_total,
                CertificateReload::ALL,
                CertificateReload::as_str,
            ),
        }
    }

    /// For what asks a provider for TURN credentials.
    pub(crate) fn ice_fetch_counter(&self) -> IceFetchCounter {
        IceFetchCounter::new(
            &self.node.ice_fetches_total,
            IceFetch::ALL,
            IceFetch::as_str,
        )
    }

    /// The token of a hello was checked.
    pub(crate) fn authenticated(&self, refused: Option<&AuthError>) {
        let outcome = refused.map_or(ACCEPTED, AuthError::outcome);
        self.node.auth_total.with_label_values(&[outcome]).inc();
    }
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
