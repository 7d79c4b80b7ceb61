//! What the cluster does, counted.

use std::time::Instant;

use switchboard_cluster::{Observation, Observe};

use super::{Metrics, PROCESS};

impl Observe for Metrics {
    fn observe(&self, observation: Observation) {
        match observation {
            Observation::Answered {
                kind,
                outcome,
                after,
            } => {
                self.signals.count(kind, outcome);
                self.node.signal_answer_seconds.observe(after.as_secs_f64());
            }
            Observation::HandedOn => self.node.signals_handed_on_total.inc(),
            Observation::Refused => self.node.signals_refused_total.inc(),
            Observation::FramePublished { envelopes } => {
                self.node.link_frame_envelopes.observe(envelopes.into())
            }
            Observation::FrameConfirmed { envelopes, after } => {
                // Once for each envelope, and yet one atomic addition for all of them.
                let confirmed = self.node.link_confirm_seconds.local();
                for _ in 0..envelopes {
                    confirmed.observe(after.as_secs_f64());
                }
            }
            Observation::FrameRepeated => self.node.link_frames_repeated_total.inc(),
            Observation::PublishFailed => self.node.link_publish_failures_total.inc(),
            Observation::FrameRejected => self.node.link_frames_rejected_total.inc(),
            Observation::LinkReset => self.node.link_resets_total.inc(),
            Observation::Resync => self.node.resyncs_total.inc(),
            Observation::BusGap => self.node.bus_gaps_total.inc(),
            Observation::RosterFetched => self.node.roster_reads_total.inc(),
            Observation::AwayEnded(limit) => self
                .node
                .away_ended_total
                .with_label_values(&[limit.as_str()])
                .inc(),
            Observation::MemberLookedUp => self.node.member_look_ups_total.inc(),
            Observation::DirectoryFailed => self.node.directory_failures_total.inc(),
            Observation::LeaseRenewed => *self.lease_renewed_at.lock() = Some(Instant::now()),
            Observation::LeaseFailed => self.node.lease_failures_total.inc(),
            Observation::LeaseLost => self.node.leases_lost_total.inc(),
            Observation::Resume(outcome) => self
                .node
                .resumes_total
                .with_label_values(&[outcome.as_str()])
                .inc(),
            Observation::Restored => self.node.restored_total.inc(),
            Observation::SessionRevoked => self.node.sessions_revoked_total.inc(),
            Observation::NodeReaped => self.node.nodes_reaped_total.inc(),
            Observation::MemberJoined => self.node.member_joins_total.inc(),
            Observation::Panicked(task) => {
                PROCESS.panics_total.with_label_values(&[task.name()]).inc()
            }
            Observation::Unreadable(kind) => self
                .node
                .unreadable_records_total
                .with_label_values(&[kind.as_str()])
                .inc(),
            Observation::MemberLeft(reason) => self
                .node
                .member_leaves_total
                .with_label_values(&[reason.as_str()])
                .inc(),
        }
    }
}
