//! What the sender is told of its signals: `delivered` or `undelivered`, once for each receiver.

use smallvec::smallvec;
use switchboard_protocol::client_message::Signal;
use switchboard_protocol::server_message::{Delivered, Reason, Receiver, Undelivered};
use tokio::time::Duration;

use crate::backend::directory::PeerOrName;
use crate::node::Inner;
use crate::observe::{KindClass, Observation};
use crate::sessions::local_session::LocalSession;
use crate::signal::unanswered::ended::Ended;
use crate::signal::unanswered::sought::Sought;
use crate::signal::unanswered::target::Target;

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
        ended: Ended<Target>,
        outcome: Result<(), Reason>,
    ) {
        let (to, silent) = (Receiver::Peer(ended.receiver.peer), ended.receiver.silent);
        let signal = self.note_end(local, ended, &to, outcome);
        if !silent {
            self.tell_sender(local, &signal, to, outcome);
        }
    }

    /// A receiver was looked up in vain.
    pub(super) fn tell_not_found(
        &self,
        local: &LocalSession,
        ended: Ended<Sought>,
        reason: Reason,
    ) {
        let reason = match ended.receiver.repeated {
            true => Reason::Unconfirmed,
            false => reason,
        };
        let to = receiver(&ended.receiver.wanted);
        let signal = self.note_end(local, ended, &to, Err(reason));
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

    /// What ended is written into its trace, if it has one.
    fn note_end<R>(
        &self,
        local: &LocalSession,
        ended: Ended<R>,
        to: &Receiver,
        outcome: Result<(), Reason>,
    ) -> Subject {
        if let Some(answered) = ended.answered {
            answered.tell(&self.settings.traces, (&local.peer, to), outcome);
        }
        Subject {
            id: ended.id,
            kind: ended.kind,
            after: ended.taken_at.elapsed(),
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
pub(super) fn receiver(wanted: &PeerOrName) -> Receiver {
    match wanted {
        PeerOrName::Peer(peer) => Receiver::Peer(*peer),
        PeerOrName::Name(name) => Receiver::Nobody(name.clone()),
    }
}
