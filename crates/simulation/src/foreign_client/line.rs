//! One connection of a client of another dialect.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use switchboard_dialects::Frame;
use switchboard_protocol::PeerId;
use tokio::time::{Duration, Instant};

use super::wording::Wording;
use crate::socket::End;
use crate::trace::ConnectionNo;
use crate::world::Dialled;

/// A room that could not be entered is asked for again after this.
const ENTER_AGAIN: Duration = Duration::from_millis(700);

/// One connection, and what is known over it.
pub(super) struct Line {
    pub(super) no: ConnectionNo,
    pub(super) socket: Arc<End>,
    /// As the gateway calls this client's session.
    pub(super) peer: PeerId,
    pub(super) wording: Box<dyn Wording>,
    pub(super) heard_at: Instant,
    pub(super) enter_at: Option<Instant>,
    pub(super) is_welcomed: bool,
    pub(super) is_in: bool,
    pub(super) peers: BTreeSet<PeerId>,
    pub(super) names: Vec<String>,
    pub(super) last_id: u64,
    /// Signals whose sender wants to know what became of them.
    pub(super) asked: BTreeMap<u64, PeerId>,
}

impl Line {
    pub(super) fn new(dialled: Dialled, wording: Box<dyn Wording>) -> Self {
        Self {
            no: dialled.connection,
            socket: Arc::new(dialled.socket),
            peer: dialled.peer,
            wording,
            heard_at: Instant::now(),
            enter_at: None,
            is_welcomed: false,
            is_in: false,
            peers: BTreeSet::new(),
            names: Vec::new(),
            last_id: 0,
            asked: BTreeMap::new(),
        }
    }

    pub(super) fn enter(&mut self) {
        self.enter_at = None;
        let enter = self.wording.enter();
        self.write(enter);
    }

    pub(super) fn enter_again(&mut self) {
        self.enter_at = Some(Instant::now() + ENTER_AGAIN);
    }

    pub(super) fn write(&self, frames: impl IntoIterator<Item = Frame>) {
        for frame in frames {
            self.socket.send(frame);
        }
    }
}
