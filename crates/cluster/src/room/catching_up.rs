//! How a room gets over a missing step: what waits for it, and for how long.

use switchboard_protocol::PeerId;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::state::{After, READ_AFTER, Room, SenderKnown};
use crate::link::envelope::RosterChange;

/// Steps that may wait in one room for a missing one.
const OUT_OF_ORDER_MAX: usize = 2048;

impl Room {
    pub(super) fn keep_out_of_order(&mut self, step: RosterChange) {
        if self.out_of_order.len() < OUT_OF_ORDER_MAX {
            self.out_of_order.push_back(step);
        }
    }

    /// Whether there may be a member that this node has not heard of.
    pub(crate) fn is_behind(&self) -> bool {
        self.roster
            .as_ref()
            .is_none_or(|roster| roster.revision < self.highest.known.max(self.highest.supposed))
    }

    pub(super) fn note_gap(&mut self) {
        if self.roster.is_none() || !self.is_behind() {
            self.read_at = None;
            self.read_pause = READ_AFTER;
        } else if self.read_at.is_none() {
            self.read_at = Some(Instant::now() + READ_AFTER);
        }
    }

    /// Takes steps that came too early, as long as the next one is there.
    pub(super) fn catch_up(&mut self, after: &mut After) {
        while let Some(step) = self.next_in_order() {
            self.take(step, after);
        }
        let Some(revision) = self.roster.as_ref().map(|roster| roster.revision) else {
            return;
        };
        self.tell_awaiting();
        self.out_of_order.retain(|step| step.revision > revision);
        self.note_gap();
    }

    fn next_in_order(&mut self) -> Option<RosterChange> {
        let next = self.roster.as_ref()?.revision + 1;
        let index = self
            .out_of_order
            .iter()
            .position(|step| step.revision == next)?;
        self.out_of_order.remove(index)
    }

    /// Comes when the roster has that revision.
    pub(crate) fn reaches(&mut self, revision: u64) -> oneshot::Receiver<()> {
        let (reached, when_reached) = oneshot::channel();
        self.awaiting.push((revision, reached));
        self.tell_awaiting();
        when_reached
    }

    pub(super) fn tell_awaiting(&mut self) {
        let revision = self.revision();
        for (_, reached) in self
            .awaiting
            .extract_if(.., |(awaited, _)| *awaited <= revision)
        {
            // The task that waited may have given up.
            let _ = reached.send(());
        }
    }

    /// Another node has this revision of the room; the answer is this node's own.
    pub(crate) fn hint(&mut self, revision: u64) -> Option<u64> {
        self.note_told(revision);
        self.note_gap();
        self.roster.as_ref().map(|roster| roster.revision)
    }

    /// Another node answers to what it was told of this room. It may not have the room, and suppose a revision: no node ever
    /// gave that, and it must not be asserted.
    pub(crate) fn suppose(&mut self, revision: u64) -> Option<u64> {
        self.highest.supposed = self.highest.supposed.max(revision);
        self.note_gap();
        self.roster.as_ref().map(|roster| roster.revision)
    }

    /// The room has, or had, this revision.
    pub(super) fn note_told(&mut self, revision: u64) {
        self.highest.known = self.highest.known.max(revision);
        self.highest.told = self.highest.told.max(revision);
    }

    /// Whether the sender of a signal is a member, in a room that has this revision at the least.
    pub(crate) fn knows(&mut self, sender: &PeerId, revision: u64) -> SenderKnown {
        let roster = self.roster.as_ref();
        if roster.is_some_and(|roster| roster.member(sender).is_some()) {
            return SenderKnown::Yes;
        }
        self.note_told(revision);
        self.note_gap();
        match self.is_behind() {
            true => SenderKnown::Perhaps,
            false => SenderKnown::No,
        }
    }
}
