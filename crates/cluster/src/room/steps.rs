//! Steps of the roster, and the roster as a whole where it is read again.

use crate::backend::record::RosterSnapshot;
use crate::link::envelope::{Change, RosterChange};
use crate::room::roster::Roster;
use crate::room::state::{After, Room};

impl Room {
    /// A step of the roster came.
    pub(crate) fn step(&mut self, step: RosterChange) -> After {
        let mut after = After::default();
        match &self.roster {
            Some(roster) if step.revision <= roster.revision => {}
            Some(roster) if step.revision == roster.revision + 1 => {
                self.take(step, &mut after);
                self.catch_up(&mut after);
            }
            _ => {
                self.note_told(step.revision);
                // One that finds no place is read from the directory with the others.
                self.keep_out_of_order(step);
                self.note_gap();
            }
        }
        after
    }

    /// The roster was read again. While it is `doubtful` whether every node has written what it knows, a roster that lacks a
    /// member which no node told as leaving is not taken for the whole: it is read again.
    pub(crate) fn install(&mut self, mut snapshot: RosterSnapshot, doubtful: bool) -> After {
        let mut after = After::default();
        let Some(known) = &self.roster else {
            return after;
        };
        // The directory knows best: what was said to exist beyond this does not, unless it waits here.
        let joining = self.arrivals.joining.iter().map(|joining| joining.revision);
        let waiting = joining.chain(self.out_of_order.iter().map(|step| step.revision));
        self.highest.known = waiting.fold(snapshot.revision, u64::max);
        self.highest.supposed = 0;
        let is_partial = doubtful && self.lacks_a_member(known, &snapshot);
        if snapshot.revision > known.revision && !is_partial {
            if !doubtful {
                self.arrivals
                    .joining
                    .retain(|joining| !joining.is_over(&snapshot));
            }
            let unreadable = std::mem::take(&mut snapshot.unreadable);
            let mut fresh = Roster::new(snapshot);
            fresh.fill_in(&unreadable, known);
            let stale = self.roster.replace(fresh).expect("it was just there");
            self.tell_difference(&stale, &mut after);
            self.complete_joins(&mut after);
        }
        self.catch_up(&mut after);
        after
    }

    /// What is known of it may be wrong: whatever is read next counts.
    pub(crate) fn distrust(&mut self) {
        self.note_told(self.revision());
        if let Some(roster) = &mut self.roster {
            roster.revision = 0;
            self.note_gap();
        }
    }

    pub(super) fn lacks_a_member(&self, known: &Roster, snapshot: &RosterSnapshot) -> bool {
        known.members().any(|member| {
            !snapshot.lists(&member.peer) && self.leave_reason_to_come(&member.peer).is_none()
        })
    }

    pub(super) fn take(&mut self, step: RosterChange, after: &mut After) {
        let Some(roster) = &mut self.roster else {
            return;
        };
        let before = roster.member(step.change.peer()).cloned();
        let known = before.as_ref().map(|member| member.flags);
        roster.apply(step.revision, &step.change);
        // A step about a record of another version does not say all that the roster knows of the member.
        let now = roster.member(step.change.peer()).cloned();
        let revision = step.revision;
        match step.change {
            Change::Joined { member, ready } => {
                let member = now.unwrap_or(member);
                match before {
                    Some(before) => self.tell_moved(&before, member, revision, after),
                    None => self.tell_joined(member, revision, after),
                }
                self.complete_joins(after);
                if ready {
                    self.tell_ready_to_locals(revision);
                }
            }
            Change::Moved { member } => {
                let member = now.unwrap_or(member);
                match before {
                    Some(before) => self.tell_moved(&before, member, revision, after),
                    // It was let in by a directory that had gone back in time, under a revision that was taken here.
                    None => self.tell_joined(member, revision, after),
                }
                self.complete_joins(after);
            }
            Change::Updated { peer, profile } if known.is_some_and(|flags| !flags.hidden) => {
                self.tell_state(peer, profile.state, revision);
            }
            Change::Left { peer, reason } if known.is_some() => {
                let visible = known.is_some_and(|flags| !flags.hidden);
                self.tell_left(peer, reason, revision, visible, after);
            }
            Change::Updated { .. } | Change::Left { .. } => {}
        }
    }
}
