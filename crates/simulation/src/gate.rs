//! The only way out of a node and into it. Shut, the node is frozen; shut for ever, it is dead.
//!
//! A process that is stopped or killed is noticed by nothing but what it no longer says, so it is enough to hold up all
//! that it says and hears: its bus, its directory, its sockets. What its tasks compute meanwhile, nobody learns before
//! the gate opens, and then its clock has moved on without it, as a frozen process finds it.

use parking_lot::Mutex;
use tokio::sync::Notify;

/// A node's gate, or a server's. Those who wait go on in the order they came (a `watch` channel would draw lots).
pub(crate) struct Gate {
    state: Mutex<State>,
    opened: Notify,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Shut,
    /// Shut for ever.
    Gone,
}

impl Gate {
    pub(crate) fn open() -> Self {
        Self {
            state: Mutex::new(State::Open),
            opened: Notify::new(),
        }
    }

    /// Waits while it is shut; for ever if it always will be. Cancel safe.
    pub(crate) async fn pass(&self) {
        while !self.is_open() {
            // Nothing else runs between the look and the wait: all of this is one thread.
            self.opened.notified().await;
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        *self.state.lock() == State::Open
    }

    pub(crate) fn is_gone(&self) -> bool {
        *self.state.lock() == State::Gone
    }

    pub(crate) fn shut(&self) {
        self.turn(State::Shut);
    }

    pub(crate) fn reopen(&self) {
        self.turn(State::Open);
        if self.is_open() {
            self.opened.notify_waiters();
        }
    }

    pub(crate) fn shut_for_ever(&self) {
        self.turn(State::Gone);
    }

    fn turn(&self, to: State) {
        let mut state = self.state.lock();
        if *state != State::Gone {
            *state = to;
        }
    }
}
