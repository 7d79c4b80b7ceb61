//! The repair after a link lost something: compare the revisions of the rooms that both sides share, and queue again what
//! is unanswered by sessions of that node, oldest first.

use switchboard_protocol::{NodeId, RoomId};

use crate::link::Link;
use crate::link::envelope::Revisions;
use crate::node::Inner;
use crate::observe::Observation;
use crate::room::After;

impl Inner {
    /// With every node this one talks to.
    pub(crate) fn resync_all(&self) {
        for link in self.links.all() {
            self.resync(&link);
        }
    }

    /// With one node: everything unanswered there is queued once more.
    pub(crate) fn resync(&self, link: &Link) {
        for local in self.sessions.all_live() {
            local.unanswered.lock().withdraw(link);
        }
        self.compare_notes(link);
    }

    /// The link forgets what it had; everything unanswered is queued in its new generation.
    pub(crate) fn start_link_anew(&self, link: &Link) {
        for local in self.sessions.all_live() {
            local.unanswered.lock().withdraw(link);
        }
        link.reset(self.links.next_generation());
        self.compare_notes(link);
    }

    /// The link was full and has delivered all it had. What came meanwhile is queued now; for receipts that found no place
    /// the other side asks again, for it notices the new generation.
    pub(crate) fn start_drained_link_anew(&self, link: &Link) {
        for local in self.sessions.all_live() {
            local.unanswered.lock().keep_confirmed(link);
        }
        link.reset(self.links.next_generation());
        self.compare_notes(link);
    }

    fn compare_notes(&self, link: &Link) {
        self.observe.observe(Observation::Resync);
        if let Some(said) = self.warnings.resyncs.happened() {
            tracing::info!(node.id = %link.to(), "comparing notes with a node after a loss{said}");
        }
        let rooms = self.rooms.all();
        let shared: Vec<_> = rooms
            .iter()
            .filter_map(|room| room.lock().revision_shared_with(link.to()))
            .collect();
        // Said even where nothing is shared: the other side hears by it that this one has started anew.
        link.tell_revisions(&shared);
        self.tell_former_again(link);
        for local in self.sessions.all_live() {
            let mut unanswered = local.unanswered.lock();
            unanswered.queue((local.peer, local.epoch), link);
        }
    }

    /// Another node says which revisions it has: what is newer there is read again here, what is older there is told back.
    pub(crate) fn compare_revisions(&self, from: &NodeId, theirs: Revisions) {
        let older = theirs.rooms.into_iter().filter_map(|(id, revision)| {
            let newer = self.newer_than(&id, revision, theirs.answer)?;
            Some((id, newer))
        });
        let older: Vec<(RoomId, u64)> = older.collect();
        if !older.is_empty() && !theirs.answer && *from != self.id {
            self.links.to(from).answer_revisions(&older);
        }
    }

    /// The revision that somebody who has `theirs` of a room we share should know of.
    fn newer_than(&self, id: &RoomId, theirs: u64, is_answer: bool) -> Option<u64> {
        let Some(room) = self.rooms.get(id.as_str()) else {
            // They count members here. Where those are not away, they are gone: there was a step that they have missed.
            let is_kept = self
                .sessions
                .all_away()
                .iter()
                .any(|away| away.has_room(id));
            return (!is_kept).then_some(theirs + 1);
        };
        let ours = self.in_room(&room, |room| {
            let ours = match is_answer {
                true => room.suppose(theirs),
                false => room.hint(theirs),
            };
            (ours, After::default())
        })?;
        (ours > theirs).then_some(ours)
    }
}
