//! How a session ends.

use std::time::{Duration, Instant};

use switchboard_protocol::client_message::Bye;

use super::unanswered::Request;
use super::{ConnectionState, Event, Output, QueuedCommand, Reply, RequestError, Say, Session};
use crate::connection::Disconnected;

/// How long a goodbye may take.
const BYE_WITHIN: Duration = Duration::from_secs(5);

impl Session {
    /// The application wants no more. Without a connection there is nobody to say it to: the others see this session
    /// away until its window ends.
    pub(super) fn bye(&mut self, hold: Option<Duration>, now: Instant) {
        if self.leaving.is_some() {
            return;
        }
        let Some(connection) = self.connection() else {
            return self.end(None);
        };
        self.let_go();
        self.close_attempt();
        let hold_ms = hold.map(|hold| u64::try_from(hold.as_millis()).unwrap_or(u64::MAX));
        self.say(connection, Say::Bye(Bye { hold_ms }));
        self.leaving = Some(now + BYE_WITHIN);
    }

    /// For good. `why` is told to an application that did not ask for it.
    pub(super) fn end(&mut self, why: Option<Disconnected>) {
        self.let_go();
        self.close_attempt();
        if let Some(current) = self.current.take() {
            let connection = current.connection;
            self.out.push(Output::Close { connection });
        }
        if let Some(why) = why {
            self.tell(Event::Connection(ConnectionState::Over(why)));
        }
        self.over = true;
        self.out.push(Output::Over);
    }

    /// Nothing that was asked is carried out any more.
    fn let_go(&mut self) {
        self.repeats.clear();
        for request in self.unanswered.take() {
            match request {
                Request::Signal(signal) => {
                    let ask = Some(signal.ask);
                    self.answer(ask, Reply::Signal(signal.lost()));
                }
                request => {
                    if let Some(QueuedCommand { ask, command }) = request.again() {
                        self.refuse(ask, &command, RequestError::Over);
                    }
                }
            }
        }
        for QueuedCommand { ask, command } in std::mem::take(&mut self.queue) {
            self.refuse(ask, &command, RequestError::Over);
        }
    }
}
