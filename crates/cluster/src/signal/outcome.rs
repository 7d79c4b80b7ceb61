//! What the sender is told of its signals: `delivered` or `undelivered`, once for each receiver.

use smallvec::smallvec;
use switchboard_protocol::client_message::Signal;
use switchboard_protocol::server_message::{Delivered, Reason, Receiver, Undelivered};
use tokio::time::Duration;

use crate::backend::directory::Whom;
use crate::node::Inner;
use crate::observe::{KindClass, Observation};
use crate::sessions::local_session::LocalSession;
use crate::signal::traced::Answered;
use crate::signal::unanswered::answering::Ended;
use crate::signal::unanswered::sought::NotFound;

/// A signal of which its sender is told.
struct Subject {
    id: u64,
    kind: KindClass,
    /// Since it was taken.
    after: Duration,
}

impl Inner {
    /// A receiver has answered, or its answer will not come.
    pub(super) fn tell_outcome(
        &self,
        local: &LocalSession,
        ended: Ended,
        outcome: Result<(), Reason>,
    ) {
        let to = Receiver::Peer(ended.target.peer);
        self.tell_trace(local, ended.answered, &to, outcome);
        if !ended.target.silent {
            let signal = Subject {
                id: ended.id,
                kind: ended.kind,
                after: ended.taken_at.elapsed(),
            };
            self.tell_sender(local, &signal, to, outcome);
        }
    }

    /// A receiver was looked up in vain.
    pub(super) fn tell_not_found(&self, local: &LocalSession, not_found: NotFound, reason: Reason) {
        let reason = match not_found.sought.repeated {
            true => Reason::Unconfirmed,
            false => reason,
        };
        let signal = Subject {
            id: not_found.id,
            kind: not_found.kind,
            after: not_found.taken_at.elapsed(),
        };
        let to = receiver(&not_found.sought.whom);
        self.tell_trace(local, not_found.answered, &to, Err(reason));
        self.tell_sender(local, &signal, to, Err(reason));
    }

    /// A signal is not taken for that receiver. Where its client sent it before (`repeated`), it may have arrived then.
    pub(super) fn tell_not_taken(
        &self,
        local: &LocalSession,
        (signal, repeated): (&Signal<'_>, bool),
        to: Receiver,
        reason: Reason,
    ) {
        let reason = match to {
            Receiver::Peer(_) if repeated => Reason::Unconfirmed,
            Receiver::Peer(_) | Receiver::Nobody(_) => reason,
        };
        let signal = Subject {
            id: signal.id,
            kind: KindClass::of(&signal.kind),
            after: Duration::ZERO,
        };
        self.tell_sender(local, &signal, to, Err(reason));
    }

    fn tell_trace(
        &self,
        local: &LocalSession,
        answered: Option<Box<Answered>>,
        to: &Receiver,
        outcome: Result<(), Reason>,
    ) {
        if let Some(answered) = answered {
            answered.tell(&self.traces, (&local.peer, to), outcome);
        }
    }

    fn tell_sender(
        &self,
        local: &LocalSession,
        &Subject { id, kind, after }: &Subject,
        to: Receiver,
        outcome: Result<(), Reason>,
    ) {
        self.observe.observe(Observation::Answered {
            kind,
            outcome,
            after,
        });
        let to = smallvec![to];
        match outcome {
            Ok(()) => local.tell(Delivered { id, to }),
            Err(reason) => local.tell(Undelivered { id, to, reason }),
        }
    }
}

/// As clients know it: a name that was not found is no peer's.
pub(super) fn receiver(whom: &Whom) -> Receiver {
    match whom {
        Whom::Peer(peer) => Receiver::Peer(*peer),
        Whom::Name(name) => Receiver::Nobody(name.clone()),
    }
}
