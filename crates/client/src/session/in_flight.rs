//! A signal on its way.

use switchboard_protocol::PeerId;
use switchboard_protocol::server_message::{Reason, Receiver};

use super::{Ask, Outcome, Outcomes, RequestError, Signal};

/// Kept until every receiver is answered for, to be sent again after a resume.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) ask: Ask,
    signal: Signal,
    /// Unknown until the gateway has said whom a broadcast goes to.
    missing: Option<Vec<Missing>>,
    outcomes: Outcomes,
    /// Whether one message for all receivers is in flight on the present connection.
    whole: bool,
    /// Whether it was sent on an earlier connection, too: then it may have arrived, whatever is said of it now.
    repeated: bool,
}

#[derive(Debug)]
struct Missing {
    peer: PeerId,
    /// Whether a message for this receiver alone is in flight on the present connection.
    sent: bool,
}

impl Missing {
    fn new(peer: PeerId) -> Self {
        Self { peer, sent: false }
    }
}

impl InFlight {
    /// One that is sent for the first time.
    pub(super) fn new(ask: Ask, signal: Signal) -> Self {
        Self {
            ask,
            missing: signal.to.map(|to| vec![Missing::new(to)]),
            signal,
            outcomes: Outcomes::default(),
            whole: true,
            repeated: false,
        }
    }

    pub(super) fn signal(&self) -> &Signal {
        &self.signal
    }

    /// Of its payload: what each message of it counts for.
    pub(super) fn bytes(&self) -> usize {
        self.signal.payload.bytes.len()
    }

    pub(super) fn in_flight_whole(&self) -> bool {
        self.whole
    }

    /// Those that have not answered, each alone; `None`: it is not known yet whom it goes to.
    pub(super) fn missing(&self) -> Option<impl Iterator<Item = PeerId>> {
        let missing = self.missing.as_ref()?;
        Some(missing.iter().map(|missing| missing.peer))
    }

    /// Messages in flight on the present connection.
    pub(super) fn parts(&self) -> usize {
        let missing = self.missing.iter().flatten();
        usize::from(self.whole) + missing.filter(|missing| missing.sent).count()
    }

    /// Whom to send it to again: `None` is a broadcast as it was.
    pub(super) fn repeats(&mut self) -> Vec<Option<PeerId>> {
        self.whole = false;
        self.repeated = true;
        match &mut self.missing {
            None => vec![None],
            Some(missing) => missing
                .iter_mut()
                .map(|missing| {
                    missing.sent = false;
                    Some(missing.peer)
                })
                .collect(),
        }
    }

    /// Whether it is still to be sent again to that receiver, or as it was.
    pub(super) fn wants_repeat(&self, to: Option<PeerId>) -> bool {
        match (&self.missing, to) {
            (None, None) => !self.whole,
            (Some(missing), Some(to)) => missing.iter().any(|m| m.peer == to && !m.sent),
            _ => false,
        }
    }

    /// It was sent again.
    pub(super) fn repeated(&mut self, to: Option<PeerId>) {
        match to {
            None => self.whole = true,
            Some(to) => {
                let mut missing = self.missing.iter_mut().flatten();
                if let Some(missing) = missing.find(|missing| missing.peer == to) {
                    missing.sent = true;
                }
            }
        }
    }

    /// The first word on a broadcast counts; there is no other on one connection, and after a resume only where none
    /// came before: then it is true.
    pub(super) fn receivers(&mut self, to: &[PeerId]) -> bool {
        let is_first = self.missing.is_none();
        if is_first {
            self.missing = Some(to.iter().copied().map(Missing::new).collect());
        }
        is_first
    }

    /// Whose answer this is, and whether it ended a message that was in flight for this receiver alone.
    pub(super) fn outcome(
        &mut self,
        receiver: Receiver,
        outcome: Outcome,
    ) -> Option<(PeerId, bool)> {
        // `done` comes first of all.
        let missing = self.missing.as_mut()?;
        let at = missing
            .iter()
            .position(|missing| receiver == Receiver::Peer(missing.peer))?;
        let ended = missing.swap_remove(at);
        self.outcomes.each.push((receiver, outcome));
        Some((ended.peer, ended.sent))
    }

    pub(super) fn is_answered(&self) -> bool {
        self.missing.as_ref().is_some_and(Vec::is_empty)
    }

    /// Every receiver is answered for.
    pub(super) fn result(self) -> Result<Outcomes, RequestError> {
        Ok(self.outcomes)
    }

    /// It is refused. One that was sent before may have arrived then.
    pub(super) fn refused(self, error: RequestError) -> Result<Outcomes, RequestError> {
        if self.repeated {
            self.lost()
        } else {
            Err(error)
        }
    }

    /// Nothing more will be heard of it: it may have arrived where it is not answered for.
    pub(super) fn lost(mut self) -> Result<Outcomes, RequestError> {
        let missing = self.missing.take().ok_or(RequestError::Unconfirmed)?;
        let unconfirmed = Outcome::Undelivered(Reason::Unconfirmed);
        let rest = missing
            .into_iter()
            .map(|missing| (Receiver::Peer(missing.peer), unconfirmed));
        self.outcomes.each.extend(rest);
        Ok(self.outcomes)
    }
}
