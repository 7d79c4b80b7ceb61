//! How a room gets over a missing step: what waits for it, and for how long.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::{After, HELD_BYTES_MAX, Held, READ_AFTER, Room};
use crate::envelope::RosterChange;

impl Room {
    pub(super) fn hold(&mut self, held: Held) -> bool {
        let bytes = held.bytes();
        let fits = self.held_bytes + bytes <= HELD_BYTES_MAX;
        if fits {
            self.held_bytes += bytes;
            self.held.push_back(held);
        }
        fits
    }

    /// Whether somebody may be in the room whom nobody here has heard of.
    pub(super) fn is_behind(&self) -> bool {
        self.roster
            .as_ref()
            .is_none_or(|roster| roster.revision < self.known)
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
        self.held
            .retain(|held| !matches!(held, Held::Step(step) if step.revision <= revision));
        self.note_gap();
        self.release_signals(after);
        self.held_bytes = self.held.iter().map(Held::bytes).sum();
    }

    pub(super) fn next_held_step(&mut self) -> Option<RosterChange> {
        let next = self.roster.as_ref()?.revision + 1;
        let index = self
            .held
            .iter()
            .position(|held| matches!(held, Held::Step(step) if step.revision == next))?;
        match self.held.remove(index) {
            Some(Held::Step(step)) => Some(step),
            _ => None,
        }
    }

    /// Lets go of signals whose sender is known now, and in the order they came; of all once no step is missing: whoever is
    /// unknown then is no member. While a join waits for its step, signals wait for it.
    pub(super) fn release_signals(&mut self, after: &mut After) {
        let all = !self.is_behind();
        if !all && !self.joining.is_empty() {
            return;
        }
        let Some(roster) = &self.roster else { return };
        let (released, kept): (VecDeque<_>, _) = self.held.drain(..).partition(|held| match held {
            Held::Signal(sender, _) => all || roster.member(sender).is_some(),
            Held::Step(_) => false,
        });
        self.held = kept;
        after
            .signals
            .extend(VecDeque::into_iter(released).filter_map(|held| match held {
                Held::Signal(_, bytes) => Some(bytes),
                Held::Step(_) => None,
            }));
    }
}
