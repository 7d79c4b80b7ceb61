//! Every metric of a node: its name, its help text and its labels, which are closed sets. Names carry the prefix
//! `switchboard_`, units come last.

mod connections;
mod drain;
mod outcomes;
mod shed;

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use prometheus::core::Collector;
use prometheus::{
    Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};
use switchboard_cluster::{AwayEnd, Observation, Observe, RecordKind, ResumeOutcome};
use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{CloseCode, ErrorCode};

pub(crate) use self::drain::{DrainCounters, DrainCounts, DrainOutcome};
use self::outcomes::OutcomeCounters;
pub(crate) use self::shed::{Shed, ShedCounters};
use crate::auth::AuthError;
use crate::config::DialectName;
use crate::drain::Progress;
use crate::tasks::Task;

/// Of the process: it logs before it is a node.
pub(crate) static LOG_LINES_DROPPED: LazyLock<IntCounter> = LazyLock::new(|| {
    let (name, help) = (
        "log_lines_dropped_total",
        "Lines of the log that standard error did not take",
    );
    IntCounter::new(name, help).expect("the metric's name is valid")
});

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
    lease_renewed_at: Mutex<Option<Instant>>,
    connections: IntGauge,
    connections_total: IntCounter,
    sessions: IntGaugeVec,
    rooms: IntGauge,
    members: IntGauge,
    member_joins_total: IntCounter,
    member_leaves_total: IntCounterVec,
    signals_total: OutcomeCounters,
    signals_handed_on_total: IntCounter,
    signals_refused_total: IntCounter,
    signal_answer_seconds: Histogram,
    in_flight_bytes: IntGauge,
    outbox_bytes: IntGauge,
    errors_total: IntCounterVec,
    closes_total: IntCounterVec,
    auth_total: IntCounterVec,
    link_frame_envelopes: Histogram,
    link_confirm_seconds: Histogram,
    link_frames_repeated_total: IntCounter,
    link_publish_failures_total: IntCounter,
    link_frames_rejected_total: IntCounter,
    link_resets_total: IntCounter,
    resyncs_total: IntCounter,
    bus_gaps_total: IntCounter,
    roster_reads_total: IntCounter,
    member_look_ups_total: IntCounter,
    directory_failures_total: IntCounter,
    unreadable_records_total: IntCounterVec,
    backend_up: IntGauge,
    ready: IntGauge,
    lease_age_seconds: Gauge,
    lease_failures_total: IntCounter,
    leases_lost_total: IntCounter,
    nodes_reaped_total: IntCounter,
    resumes_total: IntCounterVec,
    restored_total: IntCounter,
    sessions_away: IntGauge,
    away_bytes: IntGauge,
    away_ended_total: IntCounterVec,
    drain_share: Gauge,
    drain_remaining: IntGauge,
    drain_overdue_seconds: Gauge,
    drain_counters: DrainCounters,
    shed_counters: ShedCounters,
}

/// Of the process, too: a library's own tasks panic outside of any node.
pub(crate) static PANICS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let opts = Opts::new("panics_total", "Panics, by what they were in");
    let panics =
        IntCounterVec::new(opts, &["task"]).expect("the metric's name and label are valid");
    let of_cluster = switchboard_cluster::Task::ALL.map(switchboard_cluster::Task::name);
    for task in of_cluster.into_iter().chain(Task::ALL.map(Task::name)) {
        panics.with_label_values(&[task]);
    }
    panics
});

/// What is counted only when somebody asks.
pub(crate) struct Now {
    pub(crate) connections: usize,
    /// Sessions without a connection whose places it keeps.
    pub(crate) sessions_away: usize,
    pub(crate) away_bytes: usize,
    pub(crate) rooms: usize,
    pub(crate) members: usize,
    pub(crate) outbox_bytes: usize,
    pub(crate) in_flight_bytes: usize,
    pub(crate) backend_up: bool,
    pub(crate) ready: bool,
    pub(crate) drain: Progress,
    /// Since everybody was told to go who is part of the drain under way.
    pub(crate) drain_overdue: Duration,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let registry = Registry::new_custom(Some("switchboard".into()), None)
            .expect("a prefix and no labels are valid");
        let build = registered(
            &registry,
            IntGaugeVec::new(
                Opts::new("build_info", "Always 1; the label says which release runs"),
                &["version"],
            ),
        );
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        registered(&registry, Ok(LOG_LINES_DROPPED.clone()));
        registered(&registry, Ok(PANICS.clone()));
        Self {
            connections: registered(
                &registry,
                IntGauge::new("connections", "Connections of clients, greeted or not"),
            ),
            connections_total: registered(
                &registry,
                IntCounter::new("connections_total", "Connections that came since the start"),
            ),
            sessions: sessions(&registry),
            rooms: registered(
                &registry,
                IntGauge::new("rooms", "Rooms with members on this node"),
            ),
            members: registered(
                &registry,
                IntGauge::new("members", "Members of rooms on this node"),
            ),
            member_joins_total: registered(
                &registry,
                IntCounter::new(
                    "member_joins_total",
                    "Members that joined a room through this node",
                ),
            ),
            member_leaves_total: labelled(
                &registry,
                (
                    "member_leaves_total",
                    "Members that left a room, by reason, as told by this node",
                ),
                "reason",
                LeaveReason::ALL.map(LeaveReason::as_str),
            ),
            signals_total: OutcomeCounters::new(
                &registry,
                "signals_total",
                "Signals of this node's sessions, by kind and by how each ended for one receiver",
            ),
            signals_handed_on_total: registered(
                &registry,
                IntCounter::new(
                    "signals_handed_on_total",
                    "Signals put into the outbox of a session of this node",
                ),
            ),
            signals_refused_total: registered(
                &registry,
                IntCounter::new(
                    "signals_refused_total",
                    "Signals that came again, or for a session that is not here",
                ),
            ),
            signal_answer_seconds: histogram(
                &registry,
                "signal_answer_seconds",
                "Time from taking a signal to its answer by one receiver",
                &[
                    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
                    10.0, 30.0, 60.0,
                ],
            ),
            in_flight_bytes: registered(
                &registry,
                IntGauge::new(
                    "in_flight_bytes",
                    "Payload and overhead of signals that wait for an answer",
                ),
            ),
            outbox_bytes: registered(
                &registry,
                IntGauge::new("outbox_bytes", "What waits to be written to clients"),
            ),
            errors_total: labelled(
                &registry,
                ("errors_total", "Requests refused, by error code"),
                "code",
                ErrorCode::ALL.iter().map(|code| code.as_str()),
            ),
            closes_total: labelled(
                &registry,
                (
                    "closes_total",
                    "Connections that ended, by close code; 1006: the client was gone",
                ),
                "code",
                close_codes(),
            ),
            auth_total: labelled(
                &registry,
                ("auth_total", "Hellos, by what became of their token"),
                "outcome",
                AuthError::OUTCOMES.into_iter().chain([ACCEPTED]),
            ),
            link_frame_envelopes: histogram(
                &registry,
                "link_frame_envelopes",
                "Envelopes in a frame to another node",
                &[
                    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0,
                ],
            ),
            link_confirm_seconds: histogram(
                &registry,
                "link_confirm_seconds",
                "Time from queuing an envelope to another node's confirmation that it has it",
                &[
                    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
                    30.0, 60.0,
                ],
            ),
            link_frames_repeated_total: registered(
                &registry,
                IntCounter::new(
                    "link_frames_repeated_total",
                    "Frames sent once more because nobody confirmed them in time",
                ),
            ),
            link_publish_failures_total: registered(
                &registry,
                IntCounter::new(
                    "link_publish_failures_total",
                    "Frames that the bus did not take or did not answer",
                ),
            ),
            link_frames_rejected_total: registered(
                &registry,
                IntCounter::new(
                    "link_frames_rejected_total",
                    "Frames that came and were not authentic or not readable",
                ),
            ),
            link_resets_total: registered(
                &registry,
                IntCounter::new(
                    "link_resets_total",
                    "Links that forgot what they had and started anew",
                ),
            ),
            resyncs_total: registered(
                &registry,
                IntCounter::new(
                    "resyncs_total",
                    "Repairs with one node: unanswered signals queued again, revisions compared",
                ),
            ),
            bus_gaps_total: registered(
                &registry,
                IntCounter::new(
                    "bus_gaps_total",
                    "Times at which the bus may have lost frames",
                ),
            ),
            roster_reads_total: registered(
                &registry,
                IntCounter::new(
                    "roster_reads_total",
                    "Rosters read again because a step was missed",
                ),
            ),
            member_look_ups_total: registered(
                &registry,
                IntCounter::new(
                    "member_look_ups_total",
                    "Members looked up in the directory before a sender is told that they are not there",
                ),
            ),
            directory_failures_total: registered(
                &registry,
                IntCounter::new(
                    "directory_failures_total",
                    "Calls to the directory that failed",
                ),
            ),
            unreadable_records_total: labelled(
                &registry,
                (
                    "unreadable_records_total",
                    "What Redis holds or another node says, skipped because it cannot be read, by kind",
                ),
                "kind",
                RecordKind::ALL.map(RecordKind::as_str),
            ),
            backend_up: registered(
                &registry,
                IntGauge::new(
                    "backend_up",
                    "1 while Redis answers, or while the node is embedded",
                ),
            ),
            ready: registered(
                &registry,
                IntGauge::new("ready", "1 while the node should get new connections"),
            ),
            lease_age_seconds: registered(
                &registry,
                Gauge::new(
                    "lease_age_seconds",
                    "Time since this node last raised its lease",
                ),
            ),
            lease_failures_total: registered(
                &registry,
                IntCounter::new(
                    "lease_failures_total",
                    "Times at which the lease could not be raised or read",
                ),
            ),
            resumes_total: labelled(
                &registry,
                (
                    "resumes_total",
                    "Sessions that clients asked to resume here, by outcome",
                ),
                "outcome",
                ResumeOutcome::ALL.map(ResumeOutcome::as_str),
            ),
            restored_total: registered(
                &registry,
                IntCounter::new(
                    "restored_total",
                    "Sessions and members written to the directory again that it had lost (assert)",
                ),
            ),
            away_bytes: registered(
                &registry,
                IntGauge::new(
                    "away_bytes",
                    "About what the sessions without a connection that this node keeps take in Redis",
                ),
            ),
            away_ended_total: labelled(
                &registry,
                (
                    "away_ended_total",
                    "Sessions without a connection that ended before their window did, by the limit that was reached",
                ),
                "limit",
                AwayEnd::ALL.map(AwayEnd::as_str),
            ),
            sessions_away: registered(
                &registry,
                IntGauge::new(
                    "sessions_away",
                    "Sessions without a connection whose places this node keeps",
                ),
            ),
            leases_lost_total: registered(
                &registry,
                IntCounter::new(
                    "leases_lost_total",
                    "Times at which this node was taken for dead, or its lease was forgotten",
                ),
            ),
            nodes_reaped_total: registered(
                &registry,
                IntCounter::new(
                    "nodes_reaped_total",
                    "Dead nodes that this node cleaned up after",
                ),
            ),
            drain_share: registered(
                &registry,
                Gauge::new(
                    "drain_share",
                    "Part of the sessions that is being moved to other nodes; 1: all, the node stops; 0: none",
                ),
            ),
            drain_remaining: registered(
                &registry,
                IntGauge::new(
                    "drain_remaining",
                    "Connections whose end the drain under way still waits for",
                ),
            ),
            drain_overdue_seconds: registered(
                &registry,
                Gauge::new(
                    "drain_overdue_seconds",
                    "Time since the window of the drain under way ended; 0 before, and where there is none",
                ),
            ),
            drain_counters: DrainCounters::new(&registry),
            shed_counters: ShedCounters::new(&registry),
            lease_renewed_at: Mutex::new(None),
            registry,
        }
    }

    /// Everything in Prometheus' text format, gauges as they are now.
    pub(crate) fn text(&self, now: &Now) -> prometheus::Result<String> {
        self.rooms.set(whole(now.rooms));
        self.members.set(whole(now.members));
        self.connections.set(whole(now.connections));
        self.sessions_away.set(whole(now.sessions_away));
        self.away_bytes.set(whole(now.away_bytes));
        self.outbox_bytes.set(whole(now.outbox_bytes));
        self.in_flight_bytes.set(whole(now.in_flight_bytes));
        self.backend_up.set(now.backend_up.into());
        self.ready.set(now.ready.into());
        let share = now.drain.share.map_or(1.0, f64::from);
        self.drain_share
            .set(if now.drain.draining { share } else { 0.0 });
        self.drain_remaining
            .set(i64::try_from(now.drain.remaining).unwrap_or(i64::MAX));
        self.drain_overdue_seconds
            .set(now.drain_overdue.as_secs_f64());
        let renewed_at = *self.lease_renewed_at.lock();
        let lease_age = renewed_at.map_or(0.0, |at| at.elapsed().as_secs_f64());
        self.lease_age_seconds.set(lease_age);
        let mut families = self.registry.gather();
        families.extend(prometheus::gather());
        TextEncoder::new().encode_to_string(&families)
    }

    /// What drains count.
    pub(crate) fn drain_counters(&self) -> DrainCounters {
        self.drain_counters.clone()
    }

    /// What counts connections that make room for others.
    pub(crate) fn shed_counters(&self) -> ShedCounters {
        self.shed_counters.clone()
    }

    /// A hello was judged.
    pub(crate) fn authenticated(&self, refused: Option<&AuthError>) {
        let outcome = refused.map_or(ACCEPTED, AuthError::outcome);
        self.auth_total.with_label_values(&[outcome]).inc();
    }
}

impl Observe for Metrics {
    fn observe(&self, observation: Observation) {
        match observation {
            Observation::Answered {
                kind,
                outcome,
                after,
            } => {
                self.signals_total.count(kind, outcome);
                self.signal_answer_seconds.observe(after.as_secs_f64());
            }
            Observation::HandedOn => self.signals_handed_on_total.inc(),
            Observation::Refused => self.signals_refused_total.inc(),
            Observation::FramePublished { envelopes } => {
                self.link_frame_envelopes.observe(envelopes.into())
            }
            Observation::FrameConfirmed { envelopes, after } => {
                // Once for each envelope, and yet one atomic addition for all of them.
                let confirmed = self.link_confirm_seconds.local();
                for _ in 0..envelopes {
                    confirmed.observe(after.as_secs_f64());
                }
            }
            Observation::FrameRepeated => self.link_frames_repeated_total.inc(),
            Observation::PublishFailed => self.link_publish_failures_total.inc(),
            Observation::FrameRejected => self.link_frames_rejected_total.inc(),
            Observation::LinkReset => self.link_resets_total.inc(),
            Observation::Resync => self.resyncs_total.inc(),
            Observation::BusGap => self.bus_gaps_total.inc(),
            Observation::RosterFetched => self.roster_reads_total.inc(),
            Observation::AwayEnded(limit) => self
                .away_ended_total
                .with_label_values(&[limit.as_str()])
                .inc(),
            Observation::MemberLookedUp => self.member_look_ups_total.inc(),
            Observation::DirectoryFailed => self.directory_failures_total.inc(),
            Observation::LeaseRenewed { .. } => {
                *self.lease_renewed_at.lock() = Some(Instant::now())
            }
            Observation::LeaseFailed => self.lease_failures_total.inc(),
            Observation::LeaseLost => self.leases_lost_total.inc(),
            Observation::Resume(outcome) => self
                .resumes_total
                .with_label_values(&[outcome.as_str()])
                .inc(),
            Observation::Restored => self.restored_total.inc(),
            Observation::NodeReaped => self.nodes_reaped_total.inc(),
            Observation::MemberJoined => self.member_joins_total.inc(),
            Observation::Panicked(task) => PANICS.with_label_values(&[task.name()]).inc(),
            Observation::Unreadable(kind) => self
                .unreadable_records_total
                .with_label_values(&[kind.as_str()])
                .inc(),
            Observation::MemberLeft(reason) => self
                .member_leaves_total
                .with_label_values(&[reason.as_str()])
                .inc(),
        }
    }
}

fn sessions(registry: &Registry) -> IntGaugeVec {
    let opts = Opts::new("sessions", "Sessions by dialect and state");
    let sessions = registered(registry, IntGaugeVec::new(opts, &["dialect", "state"]));
    for dialect in DialectName::ALL.map(DialectName::as_str) {
        for state in [AWAITING_HELLO, LIVE] {
            sessions.with_label_values(&[dialect, state]);
        }
    }
    sessions
}

fn close_codes() -> impl Iterator<Item = String> {
    let codes = CloseCode::ALL.map(CloseCode::number).into_iter();
    codes.chain([CLIENT_GONE]).map(|code| code.to_string())
}

fn histogram(registry: &Registry, name: &str, help: &str, buckets: &[f64]) -> Histogram {
    registered(
        registry,
        Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())),
    )
}

/// Every series begins at 0: an alert on its growth misses the first one otherwise.
fn labelled(
    registry: &Registry,
    (name, help): (&str, &str),
    label: &str,
    values: impl IntoIterator<Item: AsRef<str>>,
) -> IntCounterVec {
    let opts = Opts::new(name, help);
    let counters = registered(registry, IntCounterVec::new(opts, &[label]));
    for value in values {
        counters.with_label_values(&[value.as_ref()]);
    }
    counters
}

/// Names and labels are constants of this file: an error here shows in the first test that makes a node.
fn registered<M: Collector + Clone + 'static>(
    registry: &Registry,
    metric: prometheus::Result<M>,
) -> M {
    let metric = metric.expect("the metric's name and labels are valid");
    registry
        .register(Box::new(metric.clone()))
        .expect("the metric's name is its own");
    metric
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
