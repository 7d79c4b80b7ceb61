//! A counter by kind and outcome of a signal, looked up without hashing: it is on the path of a signal.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};
use switchboard_cluster::KindClass;
use switchboard_protocol::server_message::Reason;

const KINDS: [(KindClass, &str); 4] = [
    (KindClass::Offer, "offer"),
    (KindClass::Answer, "answer"),
    (KindClass::Candidate, "candidate"),
    (KindClass::Other, "other"),
];

const OUTCOMES: [(Result<(), Reason>, &str); 7] = [
    (Ok(()), "delivered"),
    (Err(Reason::NoSuchPeer), "no-such-peer"),
    (Err(Reason::Left), "left"),
    (Err(Reason::Expired), "expired"),
    (Err(Reason::Overloaded), "overloaded"),
    (Err(Reason::Unavailable), "unavailable"),
    (Err(Reason::Unconfirmed), "unconfirmed"),
];

pub(super) struct OutcomeCounters(Vec<IntCounter>);

impl OutcomeCounters {
    pub(super) fn new(registry: &Registry, name: &str, help: &str) -> Self {
        let counters = super::registered(
            registry,
            IntCounterVec::new(Opts::new(name, help), &["kind", "outcome"]),
        );
        let all = KINDS
            .iter()
            .flat_map(|(_, kind)| OUTCOMES.iter().map(move |(_, outcome)| [*kind, *outcome]));
        Self(
            all.map(|labels| counters.with_label_values(&labels))
                .collect(),
        )
    }

    pub(super) fn count(&self, kind: KindClass, outcome: Result<(), Reason>) {
        let kind = KINDS.iter().position(|(known, _)| *known == kind);
        let outcome = OUTCOMES.iter().position(|(known, _)| *known == outcome);
        if let (Some(kind), Some(outcome)) = (kind, outcome) {
            self.0[kind * OUTCOMES.len() + outcome].inc();
        }
    }
}
