//! Between the client's task and the application: events one way, what was handled the other.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use switchboard_protocol::PeerId;
use tokio::sync::Notify;

use crate::session::{Event, Input};

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
    /// Each with the peer that this client was when it was told.
    waiting: VecDeque<(PeerId, Event)>,
    bytes: usize,
    /// The last signal taken, for each peer that this client was and each sender.
    handled: HashMap<(PeerId, PeerId), u64>,
    over: bool,
    abandoned: bool,
}

impl State {
    fn is_full(&self) -> bool {
        self.bytes >= EVENT_BYTES_MAX
    }

    /// The oldest event; notes a signal as handled.
    fn take(&mut self) -> Option<Event> {
        let (me, event) = self.waiting.pop_front()?;
        self.bytes -= event.bytes();
        if let Event::Signal(signal) = &event {
            self.handled.insert((me, signal.from), signal.id);
        }
        Some(event)
    }
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no code panics while it holds the lock")
    }

    /// `me`: the peer that this client is.
    pub(super) fn push(&self, event: Event, me: PeerId) {
        let mut state = self.lock();
        if state.abandoned {
            return;
        }
        let is_state = |event: &Event| matches!(event, Event::Connection(_));
        // The only events that come while nothing is read; of those only the newest counts.
        if state.is_full() && is_state(&event) {
            while let Some((_, last)) = state.waiting.back()
                && is_state(last)
            {
                state.bytes -= last.bytes();
                state.waiting.pop_back();
            }
        }
        state.bytes += event.bytes();
        state.waiting.push_back((me, event));
        drop(state);
        self.filled.notify_one();
    }

    /// Whether the application is behind.
    pub(super) fn is_full(&self) -> bool {
        self.lock().is_full()
    }

    /// What the application has handled since the last call.
    pub(super) fn take_handled(&self) -> impl Iterator<Item = Input> + use<> {
        let handled = std::mem::take(&mut self.lock().handled);
        let input = |((me, from), id)| Input::Handled { me, from, id };
        handled.into_iter().map(input)
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
        let event = self.0.lock().take()?;
        self.0.taken.notify_one();
        Some(event)
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
