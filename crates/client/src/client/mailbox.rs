//! Between the client's task and the application: events one way, receipts the other.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use switchboard_protocol::ClientMessage;
use tokio::sync::Notify;

use super::Event;
use crate::Acknowledger;

/// Events that wait for the application: beyond this, nothing more is read from the socket.
const EVENT_BYTES_MAX: usize = 1 << 20;

#[derive(Default)]
pub(super) struct Mailbox {
    state: Mutex<State>,
    /// There is an event, or the end.
    filled: Notify,
    /// There is room, or a receipt is due.
    taken: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    acknowledger: Acknowledger,
    /// Counts sessions: a signal to an earlier peer of this client is not acknowledged by the present one.
    session: u32,
    over: bool,
    abandoned: bool,
}

struct Waiting {
    event: Event,
    session: u32,
    /// A member left the last room shared with it.
    stranger: bool,
}

impl State {
    fn is_full(&self) -> bool {
        self.bytes >= EVENT_BYTES_MAX
    }

    fn push(&mut self, event: Event, stranger: bool) {
        if self.abandoned {
            return;
        }
        self.bytes += event.bytes();
        self.waiting.push_back(Waiting {
            event,
            session: self.session,
            stranger,
        });
    }

    /// The oldest event; notes a signal as handled and passes over repeats.
    fn take(&mut self) -> Option<Event> {
        loop {
            let waiting = self.waiting.pop_front()?;
            self.bytes -= waiting.event.bytes();
            if waiting.session == self.session {
                match &waiting.event {
                    Event::Signal(signal) if !self.acknowledger.handled(signal.from, signal.id) => {
                        continue;
                    }
                    Event::MemberLeft(left) if waiting.stranger => {
                        self.acknowledger.forget(&left.peer);
                    }
                    _ => {}
                }
            }
            return Some(waiting.event);
        }
    }
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no code panics while it holds the lock")
    }

    /// A new session begins, with streams of its own.
    pub(super) fn begin_session(&self) {
        let mut state = self.lock();
        state.session += 1;
        state.acknowledger = Acknowledger::default();
    }

    pub(super) fn push(&self, event: Event) {
        self.push_from(event, false);
    }

    /// `stranger`: with this event, its peer left the last room shared with it.
    pub(super) fn push_from(&self, event: Event, stranger: bool) {
        let mut state = self.lock();
        let is_state = |event: &Event| matches!(event, Event::Connection(_));
        // The only events that come while nothing is read; of those only the newest counts.
        if state.is_full()
            && is_state(&event)
            && state
                .waiting
                .back()
                .is_some_and(|last| is_state(&last.event))
        {
            let last = state.waiting.pop_back().expect("it was just seen");
            state.bytes -= last.event.bytes();
        }
        state.push(event, stranger);
        drop(state);
        self.filled.notify_one();
    }

    /// Whether the application is behind.
    pub(super) fn is_full(&self) -> bool {
        self.lock().is_full()
    }

    /// The receipts that became due since the last call.
    pub(super) fn take_receipts(&self, mut each: impl FnMut(ClientMessage<'static>)) {
        self.lock().acknowledger.take_receipts().for_each(&mut each);
    }

    /// Until the application takes something; once at least after it did. Cancel safe.
    pub(super) async fn taken(&self) {
        self.taken.notified().await;
    }

    /// Nothing more follows.
    pub(super) fn end(&self) {
        self.lock().over = true;
        self.filled.notify_one();
    }
}

/// The events of a client. Dropped, they are not collected any more, and signals not acknowledged.
pub struct Events(pub(super) Arc<Mailbox>);

impl Events {
    /// The next event; `None` once the client is over. Cancel safe.
    ///
    /// A signal counts as received with this. An application that does not come back for more holds up its own
    /// connection, and in the end (4413) loses it: after 1 MiB of events nothing more is read.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.try_next() {
                return Some(event);
            }
            if self.0.lock().over {
                // What came between the two looks.
                return self.try_next();
            }
            self.0.filled.notified().await;
        }
    }

    /// The next event, if there is one already.
    pub fn try_next(&mut self) -> Option<Event> {
        let mut state = self.0.lock();
        let waiting = state.waiting.len();
        let event = state.take();
        let took_any = state.waiting.len() < waiting;
        drop(state);
        if took_any {
            self.0.taken.notify_one();
        }
        event
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.abandoned = true;
        state.waiting.clear();
        state.bytes = 0;
        drop(state);
        self.0.taken.notify_one();
    }
}
