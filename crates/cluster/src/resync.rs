//! The repair after a link lost something: queue again what is unanswered by sessions of that node, oldest first, and
//! compare the revisions of the rooms that both share.

use switchboard_protocol::{NodeId, RoomId};

use crate::envelope::{Envelope, Revisions};
use crate::link::{Link, Urgency};
use crate::node::Inner;
use crate::observe::Observation;
use crate::room::After;

/// Revisions in one envelope.
const REVISIONS_MAX: usize = 500;

impl Inner {
    /// With every node this one talks to.
    pub(crate) fn resync_all(&self) {
        for link in self.links() {
            self.resync(&link);
        }
    }

    /// With one node.
    pub(crate) fn resync(&self, link: &Link) {
        self.observe.observe(Observation::Resync);
        tracing::info!(node.id = %link.to(), "comparing notes with a node after a loss");
        for local in &self.locals {
            local
                .unanswered
                .lock()
                .queue((local.peer, local.epoch), link);
        }
        let shared: Vec<_> = self
            .rooms
            .all()
            .iter()
            .filter_map(|room| room.lock().revision_shared_with(link.to()))
            .collect();
        for rooms in shared.chunks(REVISIONS_MAX) {
            send_revisions(link, rooms.to_vec());
        }
    }

    /// Another node says which revisions it has: what is newer there is read again here, what is older there is told back.
    pub(crate) fn compare_revisions(&self, from: &NodeId, theirs: Revisions) {
        let newer = theirs.rooms.into_iter().filter_map(|(id, revision)| {
            let room = self.rooms.get(id.as_str())?;
            let ours = self.in_room(&room, |room| (room.hint(revision), After::default()))?;
            (ours > revision).then_some((id, ours))
        });
        let newer: Vec<(RoomId, u64)> = newer.collect();
        if !newer.is_empty() {
            send_revisions(&self.link(from), newer);
        }
    }
}

fn send_revisions(link: &Link, rooms: Vec<(RoomId, u64)>) {
    let _ = link.enqueue(&Envelope::Revisions(Revisions { rooms }), Urgency::Now);
}
