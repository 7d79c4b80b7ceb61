//! What a session says on its connection, as far as the limits let it.

use std::time::Instant;

use switchboard_protocol::PeerId;

use super::allowance::Wait;
use super::in_flight::InFlight;
use super::unanswered::Request;
use super::{Command, ConnectionId, QueuedCommand, Say, Session};

/// Requests that are no signals, without an answer: a gateway refuses more than 64 that wait.
const REQUESTS_MAX: usize = 48;

impl Session {
    /// Repeats first, then commands, in their order.
    pub(super) fn say_what_waits(&mut self, now: Instant) {
        let Some(connection) = self.serving() else {
            return;
        };
        let waits = self.say_repeats(connection, now);
        let waits = waits.and_then(|()| self.say_queued(connection, now));
        if self
            .current
            .as_ref()
            .is_some_and(|current| current.unproven)
        {
            self.say(connection, Say::Ping);
        }
        if let Some(current) = &mut self.current {
            current.rate_limited_until = match waits {
                Err(Wait::Until(at)) => Some(at),
                Ok(()) | Err(Wait::Answer) => None,
            };
        }
    }

    fn say_repeats(&mut self, connection: ConnectionId, now: Instant) -> Result<(), Wait> {
        while let Some(&(id, to)) = self.repeats.front() {
            if let Some(message) = self.repeat(id, to, now)? {
                self.say(connection, message);
            }
            self.repeats.pop_front();
        }
        Ok(())
    }

    /// A signal again, unless it was answered meanwhile.
    fn repeat(&mut self, id: u64, to: Option<PeerId>, now: Instant) -> Result<Option<Say>, Wait> {
        let Some(in_flight) = self.unanswered.signal(id).filter(|s| s.wants_repeat(to)) else {
            return Ok(None);
        };
        if let Some(current) = &mut self.current {
            current.allowance.check(in_flight.bytes(), now)?;
            current.allowance.take(in_flight.bytes(), now);
        }
        in_flight.repeated(to);
        let signal = in_flight.signal().clone();
        Ok(Some(Say::Signal { id, to, signal }))
    }

    /// In their order; only signals to one receiver go past those that wait for the answers of another.
    fn say_queued(&mut self, connection: ConnectionId, now: Instant) -> Result<(), Wait> {
        let mut slow: Vec<PeerId> = Vec::new();
        let mut at = 0;
        self.queue_awaits_slow = false;
        while let Some(queued) = self.queue.get(at) {
            if let Some(to) = self.waits_for_answers_of(&queued.command, &slow) {
                if !slow.contains(&to) {
                    slow.push(to);
                }
                at += 1;
                continue;
            }
            let goes_past =
                matches!(&queued.command, Command::Signal(signal) if signal.to.is_some());
            if !slow.is_empty() && !goes_past {
                return Err(Wait::Answer);
            }
            self.may_go(&queued.command, now)?;
            if let Some(queued) = self.queue.remove(at) {
                self.carry_out(queued, connection, now);
            }
        }
        self.queue_awaits_slow = !slow.is_empty();
        match self.queue_awaits_slow {
            false => Ok(()),
            true => Err(Wait::Answer),
        }
    }

    /// Whose: as much as may be is in flight to it, or a signal before this one waits for that.
    fn waits_for_answers_of(&self, command: &Command, slow: &[PeerId]) -> Option<PeerId> {
        let (Command::Signal(signal), Some(current)) = (command, &self.current) else {
            return None;
        };
        let to = signal.to?;
        let bytes = signal.payload.bytes.len();
        let limits = current.allowance.limits();
        (slow.contains(&to) || !self.unanswered.takes(&to, bytes, limits)).then_some(to)
    }

    fn may_go(&self, command: &Command, now: Instant) -> Result<(), Wait> {
        match command {
            // A gateway does not let a signal wait for a join; the application thinks that we are in.
            Command::Signal(signal) if self.unanswered.is_entering(&signal.room) => {
                Err(Wait::Answer)
            }
            Command::Signal(signal) => match &self.current {
                Some(current) => {
                    let bytes = signal.payload.bytes.len();
                    current.allowance.check(bytes, now)
                }
                None => Err(Wait::Answer),
            },
            _ if self.unanswered.requests() >= REQUESTS_MAX => Err(Wait::Answer),
            _ => Ok(()),
        }
    }

    fn carry_out(&mut self, queued: QueuedCommand, connection: ConnectionId, now: Instant) {
        self.last_id += 1;
        let (id, ask) = (self.last_id, queued.ask);
        let (request, message) = match queued.command {
            Command::Join(join) => {
                let request = Request::Join(ask, join.clone());
                (request, Say::Join { id, join })
            }
            Command::Leave(room) => {
                // From now on it is not wanted, whatever becomes of this connection.
                self.rooms.remove(&room);
                let request = Request::Leave(ask, room.clone());
                (request, Say::Leave { id, room })
            }
            Command::SetState(state) => {
                let request = Request::SetState(ask, state.clone());
                (request, Say::State { id, state })
            }
            Command::Signal(signal) => {
                let Some(ask) = ask else {
                    return;
                };
                if let Some(current) = &mut self.current {
                    current.allowance.take(signal.payload.bytes.len(), now);
                }
                let request = Request::Signal(InFlight::new(ask, signal.clone()));
                let to = signal.to;
                (request, Say::Signal { id, to, signal })
            }
        };
        self.unanswered.insert(id, request);
        self.say(connection, message);
    }
}
