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

    /// With one node: everything unanswered there is queued again.
    pub(crate) fn resync(&self, link: &Link) {
        for local in self.sessions.all_live() {
            local.streams.unanswered.lock().withdraw(link);
        }
        self.compare_notes(link);
    }

    /// The link forgets what it had and starts a new generation, on which everything unanswered is queued.
    pub(crate) fn restart_link(&self, link: &Link) {
        for local in self.sessions.all_live() {
            local.streams.unanswered.lock().withdraw(link);
        }
        link.reset(self.links.next_generation());
        self.compare_notes(link);
    }

    /// The link was full and has delivered all it had: it starts a new generation. What came meanwhile is queued now; the
    /// other side notices the new generation and asks again for the receipts that found no place.
    pub(crate) fn restart_drained_link(&self, link: &Link) {
        for local in self.sessions.all_live() {
            local.streams.unanswered.lock().keep_confirmed(link);
        }
        link.reset(self.links.next_generation());
        self.compare_notes(link);
    }

    fn compare_notes(&self, link: &Link) {
        self.observe.observe(Observation::Resync);
        if let Some(said) = self.repairs.warnings.resyncs.happened() {
            tracing::info!(node.id = %link.to(), "resync with a node: a link or the subscription lost something{said}");
        }
        let rooms = self.rooms.all();
        let shared: Vec<_> = rooms
            .iter()
            .filter_map(|room| room.lock().revision_shared_with(link.to()))
            .collect();
        // Sent even where no room is shared: by that the other side notices the new generation.
        link.tell_revisions(&shared);
        self.tell_former_again(link);
        for local in self.sessions.all_live() {
            local.streams.unanswered.lock().queue(link);
        }
    }

    /// Another node tells which revisions it has: what is newer there is read again here, what is older there is told back.
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

    /// This node's revision of a room, if it is newer than `theirs`, which another node has.
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
