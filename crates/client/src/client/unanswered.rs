//! What was asked on this connection and is not answered.

use std::collections::BTreeMap;

use switchboard_protocol::PeerId;
use switchboard_protocol::server_message::{Joined, Reason, Receiver};

use super::answer::Reply;
use super::command::{Join, SetState};
use super::{Outcome, Outcomes, RequestError};

/// By id, and so in the order in which it was asked.
#[derive(Default)]
pub(super) struct Unanswered(BTreeMap<u64, Request>);

pub(super) enum Request {
    /// Without a reply: the client's own, after a reconnect.
    Join(Join, Option<Reply<Joined>>),
    Leave(Reply<()>),
    SetState(SetState, Reply<()>),
    Signal(InFlight),
}

/// A signal on its way.
pub(super) struct InFlight {
    /// Those not answered for; unknown until the gateway has said whom a broadcast goes to.
    missing: Option<Vec<Receiver>>,
    outcomes: Outcomes,
    /// Of its payload.
    pub(super) bytes: usize,
    reply: Reply<Outcomes>,
}

impl Unanswered {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn insert(&mut self, id: u64, request: Request) {
        self.0.insert(id, request);
    }

    pub(super) fn remove(&mut self, id: u64) -> Option<Request> {
        self.0.remove(&id)
    }

    /// Everything, as at the end of a connection.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Request> + use<> {
        std::mem::take(&mut self.0).into_values()
    }

    /// The gateway said whom a broadcast goes to. The signal, if this was its last answer.
    pub(super) fn receivers(&mut self, id: u64, to: Vec<PeerId>) -> Option<InFlight> {
        self.signal(id, |signal| {
            signal.missing = Some(to.into_iter().map(Receiver::Peer).collect());
        })
    }

    /// What became of a signal at some of its receivers. The signal, if this was its last answer.
    pub(super) fn outcome(
        &mut self,
        id: u64,
        to: impl IntoIterator<Item = Receiver>,
        outcome: Outcome,
    ) -> Option<InFlight> {
        self.signal(id, |signal| {
            for receiver in to {
                signal.outcome(receiver, outcome);
            }
        })
    }

    fn signal(&mut self, id: u64, change: impl FnOnce(&mut InFlight)) -> Option<InFlight> {
        let Some(Request::Signal(signal)) = self.0.get_mut(&id) else {
            return None;
        };
        change(signal);
        if signal
            .missing
            .as_ref()
            .is_none_or(|missing| !missing.is_empty())
        {
            return None;
        }
        match self.0.remove(&id) {
            Some(Request::Signal(signal)) => Some(signal),
            _ => None,
        }
    }
}

impl InFlight {
    pub(super) fn new(to: Option<PeerId>, bytes: usize, reply: Reply<Outcomes>) -> Self {
        Self {
            missing: to.map(|to| vec![Receiver::Peer(to)]),
            outcomes: Outcomes::default(),
            bytes,
            reply,
        }
    }

    fn outcome(&mut self, receiver: Receiver, outcome: Outcome) {
        // `done` comes first of all.
        let Some(missing) = &mut self.missing else {
            return;
        };
        if let Some(at) = missing.iter().position(|to| *to == receiver) {
            missing.swap_remove(at);
            self.outcomes.each.push((receiver, outcome));
        }
    }

    /// Every receiver is answered for.
    pub(super) fn answer(self) {
        let _ = self.reply.send(Ok(self.outcomes));
    }

    pub(super) fn refuse(self, error: RequestError) {
        let _ = self.reply.send(Err(error));
    }

    /// Nothing more will be heard of it: it may have arrived where it is not answered for.
    pub(super) fn lose(mut self) {
        let Some(missing) = self.missing.take() else {
            return self.refuse(RequestError::Unconfirmed);
        };
        let unconfirmed = Outcome::Undelivered(Reason::Unconfirmed);
        let rest = missing.into_iter().map(|to| (to, unconfirmed));
        self.outcomes.each.extend(rest);
        self.answer();
    }
}
