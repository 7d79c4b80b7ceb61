//! Signals that come before a session can be handed them are held back, in the order they came. A stream is one over all
//! rooms that its two ends share: where one signal waits, those behind it from the same sender do as well, whatever their
//! room.
//!
//! A signal comes too early while its room does not know the sender yet, or has not reached the step with which the
//! session comes in. Others send to a resumed session as soon as they hear of it in one of its rooms, when it may not be in
//! the others yet: until it is, everything waits.

pub(crate) mod queue;

use std::sync::Arc;

use switchboard_protocol::PeerId;

use crate::node::Inner;
use crate::room::Room;
use crate::sessions::local_session::LocalSession;
use crate::tasks::Task;

impl Inner {
    /// From now on, everything that comes for a session waits.
    pub(crate) fn hold_all_back(&self, local: &Arc<LocalSession>) {
        self.signals
            .hold_back(local, |held_back| held_back.resuming = true);
    }

    /// The session is in all its rooms, or will not be: what waits for it has its turn.
    pub(crate) fn stop_holding_all_back(&self, local: &Arc<LocalSession>) {
        if let Some(held_back) = local.streams.held_back.lock().as_mut() {
            held_back.resuming = false;
        }
        self.try_held_back(local);
    }

    /// Hands on what need not wait any longer, before anything that comes now.
    pub(crate) fn try_held_back(&self, local: &Arc<LocalSession>) {
        let streams = &local.streams;
        let _taking = streams.taking.lock();
        let mut waiting = Vec::new();
        let next = |waiting: &[PeerId]| streams.held_back.lock().as_ref()?.first_not_of(waiting);
        while let Some(held) = next(&waiting) {
            // It is in its place until it was handed on, so that nothing overtakes it.
            let tried = || self.receive_held_back(&held.from, &held.as_envelope());
            if self.tasks.guarded(Task::Reader, tried) == Some(false) {
                waiting.push(held.sender);
            } else if let Some(held_back) = streams.held_back.lock().as_mut() {
                held_back.drop_first_of(&held.sender);
            }
        }
        self.signals.end_holding_back(local);
    }

    /// A room that changes tries for its own sessions. This is for those that are left: they are not let in, have left, or
    /// have ended.
    pub(crate) fn try_all_held_back(&self) {
        for local in self.signals.held_back_for() {
            self.try_held_back(&local);
        }
    }

    /// The sessions of a room that has changed, if there are any for which signals are held back.
    pub(crate) fn held_back_in(&self, room: &Room) -> Vec<Arc<LocalSession>> {
        match self.signals.hold_any_back() {
            true => room.locals().to_vec(),
            false => Vec::new(),
        }
    }
}
