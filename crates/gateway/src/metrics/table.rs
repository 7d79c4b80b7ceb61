//! Every metric of a node: its help text, its name without the prefix `switchboard_`, and its labels, which are closed
//! sets. Units come last in a name.

use switchboard_cluster::{AwayEnd, RecordKind, ResumeOutcome};
use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{CloseCode, ErrorCode};

use super::certificate::CertificateReload;
use super::declare::metrics;
use super::drain::{CLOSED, LEFT, MOVED};
use super::ice_fetch::IceFetch;
use super::key_reads::KeyReads;
use super::opening::OpeningFailure;
use super::outcomes::{KINDS, outcome_word, outcomes};
use super::shed::Shed;
use super::spans::SpanOutcome;
use super::{ACCEPTED, AWAITING_HELLO, CLIENT_GONE, LIVE, VERSION};
use crate::config::DialectName;
use crate::tasks::Task;
use switchboard_auth::AuthError;
use switchboard_session::Rule;

metrics! {
    /// The metrics of one node.
    pub(crate) struct NodeMetrics {
        /// Always 1; the label says which release runs
        build_info: IntGaugeVec { version: [VERSION] },
        /// Connections of clients, greeted or not
        connections: IntGauge,
        /// Connections that came since the start
        connections_total: IntCounter,
        /// Sessions by dialect and state
        sessions: IntGaugeVec {
            dialect: DialectName::ALL.map(DialectName::as_str),
            state: [AWAITING_HELLO, LIVE]
        },
        /// Rooms with members on this node
        rooms: IntGauge,
        /// Members of rooms on this node
        members: IntGauge,
        /// Members that joined a room through this node
        member_joins_total: IntCounter,
        /// Members that left a room, by reason, as told by this node
        member_leaves_total: IntCounterVec { reason: LeaveReason::ALL.map(LeaveReason::as_str) },
        /// Signals of this node's sessions, by kind and by how each ended for one receiver
        signals_total: IntCounterVec {
            kind: KINDS.map(|(_, kind)| kind),
            outcome: outcomes().map(outcome_word)
        },
        /// Signals put into the outbox of a session of this node
        signals_handed_on_total: IntCounter,
        /// Signals that came again, or for a session that is not here
        signals_refused_total: IntCounter,
        /// Time from taking a signal to its answer by one receiver
        signal_answer_seconds: Histogram [
            0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0
        ],
        /// Payload and overhead of signals that wait for an answer
        in_flight_bytes: IntGauge,
        /// What waits to be written to clients
        outbox_bytes: IntGauge,
        /// Requests refused, by error code
        errors_total: IntCounterVec { code: ErrorCode::ALL.map(ErrorCode::as_str) },
        /// Requests and connections refused because of a limit, by the limit
        limited_total: IntCounterVec { rule: Rule::ALL.map(Rule::as_str) },
        /// Connections that ended, by close code; 1006: the client was gone
        closes_total: IntCounterVec { code: close_codes() },
        /// Tokens of hellos, refreshes and questions for ICE servers, by what became of them
        auth_total: IntCounterVec { outcome: AuthError::OUTCOMES.into_iter().chain([ACCEPTED]) },
        /// Times at which an issuer was asked for its keys, by what came back
        key_set_reads_total: IntCounterVec { outcome: KeyReads::ALL.map(KeyReads::as_str) },
        /// Times at which a provider was asked for TURN credentials, by what came back
        ice_fetches_total: IntCounterVec { outcome: IceFetch::ALL.map(IceFetch::as_str) },
        /// Envelopes in a frame to another node
        link_frame_envelopes: Histogram [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0],
        /// Time from queuing an envelope to another node's confirmation that it has it
        link_confirm_seconds: Histogram [
            0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0
        ],
        /// Frames sent once more because nobody confirmed them in time
        link_frames_repeated_total: IntCounter,
        /// Frames that the bus did not take or did not answer
        link_publish_failures_total: IntCounter,
        /// Frames that came and were not authentic or not readable
        link_frames_rejected_total: IntCounter,
        /// Links that forgot what they had and started anew
        link_resets_total: IntCounter,
        /// Repairs with one node: unanswered signals queued again, revisions compared
        resyncs_total: IntCounter,
        /// Times at which the bus may have lost frames
        bus_gaps_total: IntCounter,
        /// Rosters read again because a step was missed
        roster_reads_total: IntCounter,
        /// Members looked up in the directory before a sender is told that they are not there
        member_look_ups_total: IntCounter,
        /// Calls to the directory that failed
        directory_failures_total: IntCounter,
        /// What Redis holds or another node says, skipped because it cannot be read, by kind
        unreadable_records_total: IntCounterVec { kind: RecordKind::ALL.map(RecordKind::as_str) },
        /// 1 while Redis answers, or while the node is embedded
        backend_up: IntGauge,
        /// 1 while the node should get new connections
        ready: IntGauge,
        /// Time since this node last raised its lease
        lease_age_seconds: Gauge,
        /// Times at which the lease could not be raised or read
        lease_failures_total: IntCounter,
        /// Times at which this node was taken for dead, or its lease was forgotten
        leases_lost_total: IntCounter,
        /// Dead nodes that this node cleaned up after
        nodes_reaped_total: IntCounter,
        /// Sessions that clients asked to resume here, by outcome
        resumes_total: IntCounterVec { outcome: ResumeOutcome::ALL.map(ResumeOutcome::as_str) },
        /// Sessions and members written to the directory again that it had lost (assert)
        restored_total: IntCounter,
        /// Sessions without a connection whose places this node keeps
        sessions_away: IntGauge,
        /// About what the sessions without a connection that this node keeps take in Redis
        away_bytes: IntGauge,
        /// Sessions without a connection that ended before their window did, by the limit that was reached
        away_ended_total: IntCounterVec { limit: AwayEnd::ALL.map(AwayEnd::as_str) },
        /// Revocations in force, as this node knows them
        revocations: IntGauge,
        /// Sessions of this node that ended because they, their token or their user were revoked
        sessions_revoked_total: IntCounter,
        /// Part of the sessions that is being moved to other nodes; 1: all, the node stops; 0: none
        drain_share: Gauge,
        /// Connections whose end the drain under way still waits for
        drain_remaining: IntGauge,
        /// Time since the window of the drain under way ended; 0 before, and where there is none
        drain_overdue_seconds: Gauge,
        /// Sessions that were told to resume at another node
        drain_told_total: IntCounter,
        /// Connections that ended in a drain: moved to another node, closed by this one, or left by themselves
        drain_ended_total: IntCounterVec { outcome: [MOVED, CLOSED, LEFT] },
        /// Connections without a session that were closed to make room for others, by what there was too little of
        connections_shed_total: IntCounterVec { reason: Shed::ALL.map(Shed::as_str) },
        /// Connections that ended before their first request because of PROXY protocol or TLS, by what was wrong
        opening_failures_total: IntCounterVec { reason: OpeningFailure::ALL.map(OpeningFailure::as_str) },
        /// When the certificate that new connections get ends, Unix time; 0: no TLS here
        tls_certificate_not_after_seconds: Gauge,
        /// Whether the files of the certificate hold what cannot be used, so that the one before is served; 0 also without TLS here
        tls_certificate_refused: IntGauge,
        /// Certificates and keys that had changed when they were read again, by whether new connections get them
        tls_certificate_reloads_total: IntCounterVec {
            outcome: CertificateReload::ALL.map(CertificateReload::as_str)
        },
        /// Spans that ended, by whether the OTLP receiver took them
        spans_total: IntCounterVec { outcome: SpanOutcome::ALL.map(SpanOutcome::as_str) },
    }
}

metrics! {
    /// The metrics of the process: it logs before it is a node, and tasks of a library panic outside of any node.
    pub(crate) struct ProcessMetrics {
        /// Lines of the log that standard error did not take
        log_lines_dropped_total: IntCounter,
        /// Panics, by what they were in
        panics_total: IntCounterVec { task: tasks() },
    }
}

fn close_codes() -> impl Iterator<Item = u16> {
    CloseCode::ALL
        .map(CloseCode::number)
        .into_iter()
        .chain([CLIENT_GONE])
}

fn tasks() -> impl Iterator<Item = &'static str> {
    let of_cluster = switchboard_cluster::Task::ALL.map(switchboard_cluster::Task::name);
    of_cluster.into_iter().chain(Task::ALL.map(Task::name))
}
