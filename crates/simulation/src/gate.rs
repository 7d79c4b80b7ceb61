//! The only way out of a node and into it. Shut, the node is frozen; shut for ever, it is dead.
//!
//! A process that is stopped or killed is noticed by nothing but what it no longer says, so it is enough to hold up all
//! that it says and hears: its bus, its directory, its sockets. What its tasks compute meanwhile, nobody learns before
//! the gate opens, and then its clock has moved on without it, as a frozen process finds it.

use tokio::sync::watch;

/// A node's gate.
pub(crate) struct Gate(watch::Sender<State>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Shut,
    /// Shut for ever.
    Gone,
}

impl Gate {
    pub(crate) fn open() -> Self {
        Self(watch::Sender::new(State::Open))
    }

    /// Waits while the node is frozen; for ever if it is dead. Cancel safe.
    pub(crate) async fn pass(&self) {
        if !self.is_open() {
            // The sender is `self`: it outlives the wait.
            let _ = self.0.subscribe().wait_for(|state| *state == State::Open).await;
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        *self.0.borrow() == State::Open
    }

    pub(crate) fn is_gone(&self) -> bool {
        *self.0.borrow() == State::Gone
    }

    pub(crate) fn freeze(&self) {
        self.turn(State::Shut);
    }

    pub(crate) fn thaw(&self) {
        self.turn(State::Open);
    }

    pub(crate) fn kill(&self) {
        self.turn(State::Gone);
    }

    fn turn(&self, to: State) {
        self.0.send_if_modified(|state| {
            let turns = *state != State::Gone && *state != to;
            if turns {
                *state = to;
            }
            turns
        });
    }
}
