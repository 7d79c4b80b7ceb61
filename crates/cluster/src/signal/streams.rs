//! The signals of one session of this node: those that it sent, and those that are sent to it.

use parking_lot::Mutex;

use crate::signal::held_back::queue::HeldBack;
use crate::signal::inbound::Inbound;
use crate::signal::unanswered::Unanswered;

/// Locks are taken in the order `taking` → room → `unanswered` or `inbound` → link → outbox, never the other way.
pub(crate) struct Streams {
    /// What it sent and what is not answered yet.
    pub(crate) unanswered: Mutex<Unanswered>,
    /// What it was handed.
    pub(crate) inbound: Mutex<Inbound>,
    /// What came before it could be handed on; the node lists the session while there is any.
    pub(super) held_back: Mutex<Option<HeldBack>>,
    /// Held while what was held back has its turn.
    pub(super) taking: Mutex<()>,
}

impl Streams {
    pub(crate) fn new(unanswered: Unanswered, inbound: Inbound) -> Self {
        Self {
            unanswered: Mutex::new(unanswered),
            inbound: Mutex::new(inbound),
            held_back: Mutex::default(),
            taking: Mutex::default(),
        }
    }
}
