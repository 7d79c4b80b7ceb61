//! A signal from a session of this node to those it is for, and from other nodes to the sessions of this one.
//!
//! ```text
//! session ─► send ─► unanswered ─► link ─► bus ⇢ other node: receive ─► inbound ─► session
//!    ▲                                 ◄──────────── receipts ◄────────────┘
//!    └── delivered / undelivered
//! ```

mod absent;
pub(crate) mod answer;
pub(crate) mod held_back;
pub(crate) mod inbound;
mod look_up;
mod outcome;
mod overdue;
mod receipts;
mod receive;
mod reroute;
pub(crate) mod seen;
pub(crate) mod send;
pub(crate) mod streams;
pub(crate) mod tombstones;
pub(crate) mod traced;
pub(crate) mod unanswered;

use std::sync::Arc;

use parking_lot::Mutex;
use switchboard_protocol::PeerId;
use switchboard_traces::Traces;

use crate::backend::record::Epoch;
use crate::observe::repeated::Repeated;
use crate::sessions::local_session::LocalSession;
use crate::signal::held_back::queue::HeldBack;
use crate::signal::inbound::Inbound;
use crate::signal::streams::Streams;
use crate::signal::tombstones::Tombstones;
use crate::signal::unanswered::Unanswered;
use crate::signal::unanswered::bounds::{Bounds, InFlightMax};

/// What a node keeps of signals beyond the streams of each session.
pub(crate) struct Signals {
    /// On what is unanswered, for all sessions.
    bounds: Arc<Bounds>,
    traces: Traces,
    /// Sessions with unanswered signals, whose deadlines are watched.
    waiting: Mutex<Vec<Arc<LocalSession>>>,
    /// Sessions for which signals are held back.
    held_back: Mutex<Vec<Arc<LocalSession>>>,
    /// What is remembered of sessions that are not here any more.
    pub(crate) tombstones: Tombstones,
    /// What a fault can repeat, and an operator need not read each time.
    frames_rejected: Repeated,
}

impl Signals {
    pub(crate) fn new(max: InFlightMax, traces: Traces) -> Self {
        Self {
            bounds: Arc::new(Bounds::new(max)),
            traces,
            waiting: Mutex::default(),
            held_back: Mutex::default(),
            tombstones: Tombstones::default(),
            frames_rejected: Repeated::default(),
        }
    }

    /// The streams of a session that comes to this node.
    pub(crate) fn streams(&self, session: (PeerId, Epoch), inbound: Inbound) -> Streams {
        let (bounds, traces) = (self.bounds.clone(), self.traces.clone());
        Streams::new(Unanswered::new(session, bounds, traces), inbound)
    }

    /// Bytes of signals that wait for an answer, over all sessions.
    pub(crate) fn bytes_in_flight(&self) -> usize {
        self.bounds.node_bytes()
    }

    /// From now on the deadlines of a session's signals are watched, while there are any.
    fn watch(&self, local: &Arc<LocalSession>, unanswered: &mut Unanswered) {
        if !unanswered.is_empty() && !std::mem::replace(&mut unanswered.watched, true) {
            self.waiting.lock().push(local.clone());
        }
    }

    /// The sessions whose deadlines are watched. Those that still wait are to be [put back](Self::put_back).
    fn take_waiting(&self) -> Vec<Arc<LocalSession>> {
        std::mem::take(&mut self.waiting.lock())
    }

    fn put_back(&self, waiting: Vec<Arc<LocalSession>>) {
        self.waiting.lock().extend(waiting);
    }

    /// Whether signals are held back for any session.
    fn hold_any_back(&self) -> bool {
        !self.held_back.lock().is_empty()
    }

    /// The sessions for which signals are held back.
    fn held_back_for(&self) -> Vec<Arc<LocalSession>> {
        self.held_back.lock().clone()
    }

    /// Whether the next signal of `sender` to a session has to wait behind others.
    fn holds_back(&self, local: &LocalSession, sender: &PeerId) -> bool {
        let held_back = local.streams.held_back.lock();
        held_back
            .as_ref()
            .is_some_and(|held_back| held_back.holds_back(sender))
    }

    /// Changes what is held back for a session, which is on the list from now on.
    fn hold_back<T>(
        &self,
        local: &Arc<LocalSession>,
        change: impl FnOnce(&mut HeldBack) -> T,
    ) -> T {
        let mut held_back = local.streams.held_back.lock();
        if held_back.is_none() {
            self.held_back.lock().push(local.clone());
        }
        change(held_back.get_or_insert_default())
    }

    /// Takes a session off the list if nothing is held back for it any more.
    fn end_holding_back(&self, local: &Arc<LocalSession>) {
        let mut held_back = local.streams.held_back.lock();
        if held_back.take_if(|held_back| held_back.is_over()).is_some() {
            let mut listed = self.held_back.lock();
            listed.retain(|known| !Arc::ptr_eq(known, local));
        }
    }
}
