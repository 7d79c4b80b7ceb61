//! What was asked and is not answered.

use std::collections::BTreeMap;

use switchboard_protocol::limits::Limits;
use switchboard_protocol::server_message::{Joined, Receiver};
use switchboard_protocol::{PeerId, RoomId};

use super::in_flight::InFlight;
use super::waiting::Waiting;
use super::{Ask, Command, Join, Outcome, QueuedCommand, SetState};

/// By id, and so in the order in which it was asked.
#[derive(Debug, Default)]
pub(super) struct Unanswered {
    all: BTreeMap<u64, Request>,
    signals: usize,
    /// By receiver.
    waiting: Waiting,
}

/// Without an [`Ask`]: the session's own, after a reconnect.
#[derive(Debug)]
pub(super) enum Request {
    Join(Option<Ask>, Join),
    Leave(Option<Ask>, RoomId),
    SetState(Option<Ask>, SetState),
    Signal(InFlight),
}

impl Request {
    /// To be asked again, under another id. Signals are not: they keep theirs.
    pub(super) fn again(self) -> Option<QueuedCommand> {
        let (ask, command) = match self {
            Self::Join(ask, join) => (ask, Command::Join(join)),
            Self::Leave(ask, room) => (ask, Command::Leave(room)),
            Self::SetState(ask, state) => (ask, Command::SetState(state)),
            Self::Signal(_) => return None,
        };
        Some(QueuedCommand { ask, command })
    }
}

impl Unanswered {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Those that are no signals.
    pub(super) fn requests(&self) -> usize {
        self.all.len() - self.signals
    }

    pub(super) fn insert(&mut self, id: u64, request: Request) {
        if let Request::Signal(signal) = &request {
            self.signals += 1;
            self.waiting.begin(signal.signal().to, signal.bytes());
        }
        self.all.insert(id, request);
    }

    /// Whether one more signal of so many bytes may be in flight to that receiver.
    pub(super) fn takes(&self, to: &PeerId, bytes: usize, limits: &Limits) -> bool {
        self.waiting.takes(to, bytes, limits)
    }

    pub(super) fn remove(&mut self, id: u64) -> Option<Request> {
        let request = self.all.remove(&id)?;
        if let Request::Signal(signal) = &request {
            self.signals -= 1;
            let bytes = signal.bytes();
            match signal.missing() {
                Some(missing) => missing.for_each(|peer| self.waiting.end(Some(peer), bytes)),
                None => self.waiting.end(None, bytes),
            }
        }
        Some(request)
    }

    /// The answer to a join.
    pub(super) fn remove_join(&mut self, joined: &Joined) -> Option<(Option<Ask>, Join)> {
        if !matches!(self.all.get(&joined.re), Some(Request::Join(..))) {
            return None;
        }
        match self.remove(joined.re) {
            Some(Request::Join(ask, join)) => Some((ask, join)),
            _ => None,
        }
    }

    /// The answer to a change of state.
    pub(super) fn remove_state(&mut self, id: u64) -> Option<(Option<Ask>, SetState)> {
        if !matches!(self.all.get(&id), Some(Request::SetState(..))) {
            return None;
        }
        match self.remove(id) {
            Some(Request::SetState(ask, state)) => Some((ask, state)),
            _ => None,
        }
    }

    /// The answer to a leave.
    pub(super) fn remove_leave(&mut self, id: u64) -> Option<(Option<Ask>, RoomId)> {
        if !matches!(self.all.get(&id), Some(Request::Leave(..))) {
            return None;
        }
        match self.remove(id) {
            Some(Request::Leave(ask, room)) => Some((ask, room)),
            _ => None,
        }
    }

    /// A signal that is on its way.
    pub(super) fn signal(&mut self, id: u64) -> Option<&mut InFlight> {
        match self.all.get_mut(&id) {
            Some(Request::Signal(signal)) => Some(signal),
            _ => None,
        }
    }

    /// Everything that is no signal: the connection on which it was asked is gone.
    pub(super) fn take_requests(&mut self) -> impl Iterator<Item = (u64, Request)> + use<> {
        let all = std::mem::take(&mut self.all).into_iter();
        let (signals, requests): (BTreeMap<_, _>, BTreeMap<_, _>) =
            all.partition(|(_, request)| matches!(request, Request::Signal(_)));
        self.all = signals;
        requests.into_iter()
    }

    /// Every signal: the session that sent it is gone.
    pub(super) fn take_signals(&mut self) -> Vec<InFlight> {
        self.signals = 0;
        self.waiting = Waiting::default();
        let mut signals = Vec::new();
        for (id, request) in std::mem::take(&mut self.all) {
            match request {
                Request::Signal(signal) => signals.push(signal),
                request => drop(self.all.insert(id, request)),
            }
        }
        signals
    }

    /// Everything.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Request> + use<> {
        self.signals = 0;
        self.waiting = Waiting::default();
        std::mem::take(&mut self.all).into_values()
    }

    /// After a resume: every signal that is to be sent again, in order, with each receiver that is missing. Nothing of
    /// them is in flight any more.
    pub(super) fn repeats(&mut self) -> Vec<(u64, Option<PeerId>)> {
        let mut repeats = Vec::new();
        for (id, request) in &mut self.all {
            if let Request::Signal(signal) = request {
                repeats.extend(signal.repeats().into_iter().map(|to| (*id, to)));
            }
        }
        repeats
    }

    /// Whether the session has asked by itself to enter this room again.
    pub(super) fn is_entering(&self, room: &RoomId) -> bool {
        self.requests() > 0
            && self
                .all
                .values()
                .any(|request| matches!(request, Request::Join(None, join) if join.room == *room))
    }

    /// The gateway said whom a broadcast goes to. See [`Self::ended`].
    pub(super) fn receivers(&mut self, id: u64, to: Vec<PeerId>) -> Option<Ended> {
        let signal = self.signal(id)?;
        let (is_first, bytes) = (signal.receivers(&to), signal.bytes());
        if is_first {
            self.waiting.end(None, bytes);
            for peer in to {
                self.waiting.begin(Some(peer), bytes);
            }
        }
        self.ended(id, 0)
    }

    /// What became of a signal at some of its receivers. See [`Self::ended`].
    pub(super) fn outcome(
        &mut self,
        id: u64,
        to: impl IntoIterator<Item = Receiver>,
        outcome: Outcome,
    ) -> Option<Ended> {
        let signal = self.signal(id)?;
        let bytes = signal.bytes();
        let answered: Vec<_> = to
            .into_iter()
            .filter_map(|to| signal.outcome(to, outcome))
            .collect();
        let parts = answered.iter().filter(|(_, alone)| *alone).count();
        for (peer, _) in answered {
            self.waiting.end(Some(peer), bytes);
        }
        self.ended(id, parts)
    }

    /// How much of the signal is not in flight any more, and the signal if that was its last answer.
    fn ended(&mut self, id: u64, parts: usize) -> Option<Ended> {
        let signal = self.signal(id)?;
        let (bytes, whole) = (signal.bytes(), signal.in_flight_whole());
        if !signal.is_answered() {
            let signal = None;
            return Some(Ended {
                bytes,
                parts,
                signal,
            });
        }
        let parts = parts + usize::from(whole);
        let signal = match self.remove(id) {
            Some(Request::Signal(signal)) => Some(signal),
            _ => None,
        };
        Some(Ended {
            bytes,
            parts,
            signal,
        })
    }
}

/// What an answer to a signal ends.
pub(super) struct Ended {
    /// Of one part.
    pub(super) bytes: usize,
    /// Messages that are not in flight any more.
    pub(super) parts: usize,
    /// The signal, if it is answered for every receiver.
    pub(super) signal: Option<InFlight>,
}
