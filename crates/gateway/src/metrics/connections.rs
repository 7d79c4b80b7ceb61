//! What connections do, counted.

use switchboard_connection::{Observe, Phase};
use switchboard_protocol::{CloseCode, ServerMessage};
use switchboard_session::Rule;

use super::limits::warn_of_address;
use super::{AWAITING_HELLO, CLIENT_GONE, LIVE, Metrics};
use crate::tasks::Task;

impl Observe for Metrics {
    fn opened(&self) {
        self.node.connections_total.inc();
    }

    fn entered(&self, dialect: &'static str, phase: Phase) {
        self.sessions_in(dialect, phase).inc();
    }

    fn left(&self, dialect: &'static str, phase: Phase) {
        self.sessions_in(dialect, phase).dec();
    }

    fn answered(&self, message: &ServerMessage) {
        if let ServerMessage::Error(error) = message {
            self.node
                .errors_total
                .with_label_values(&[error.code.as_str()])
                .inc();
        }
    }

    fn limited(&self, rule: Rule) {
        self.limits.count(rule, 1);
        warn_of_address(rule);
    }

    fn closed(&self, code: Option<CloseCode>) {
        let code = code.map_or(CLIENT_GONE, CloseCode::number).to_string();
        self.node.closes_total.with_label_values(&[&code]).inc();
    }

    fn panicked(&self) {
        Task::Session.count_panic();
    }
}

impl Metrics {
    fn sessions_in(&self, dialect: &str, phase: Phase) -> prometheus::IntGauge {
        let state = match phase {
            Phase::AwaitingHello => AWAITING_HELLO,
            Phase::Live => LIVE,
        };
        self.node.sessions.with_label_values(&[dialect, state])
    }
}
