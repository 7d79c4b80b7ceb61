//! How a room gets over a missing step: what waits for it, and for how long.

use tokio::time::Instant;

use super::{After, HELD_MAX, READ_AFTER, Room};
use crate::link::envelope::RosterChange;

impl Room {
    pub(super) fn hold(&mut self, step: RosterChange) {
        if self.held.len() < HELD_MAX {
            self.held.push_back(step);
        }
    }

    /// Whether somebody may be in the room whom nobody here has heard of.
    pub(crate) fn is_behind(&self) -> bool {
        self.roster
            .as_ref()
            .is_none_or(|roster| roster.revision < self.known.max(self.supposed))
    }

    pub(super) fn note_gap(&mut self) {
        if self.roster.is_none() || !self.is_behind() {
            self.read_at = None;
            self.read_pause = READ_AFTER;
        } else if self.read_at.is_none() {
            self.read_at = Some(Instant::now() + READ_AFTER);
        }
    }

    /// Takes held steps as long as the next one is there.
    pub(super) fn catch_up(&mut self, after: &mut After) {
        while let Some(step) = self.next_held_step() {
            self.take(step, after);
        }
        let Some(revision) = self.roster.as_ref().map(|roster| roster.revision) else {
            return;
        };
        self.tell_awaiting();
        self.held.retain(|step| step.revision > revision);
        self.note_gap();
    }

    fn next_held_step(&mut self) -> Option<RosterChange> {
        let next = self.roster.as_ref()?.revision + 1;
        let index = self.held.iter().position(|step| step.revision == next)?;
        self.held.remove(index)
    }
}
