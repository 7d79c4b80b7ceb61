//! Short notices to one other node that any part of a node may have to send. A link that is full loses them: it starts a
//! new generation when it is drained, and revisions are compared then.

use switchboard_protocol::{PeerId, RoomId};

use crate::backend::record::Epoch;
use crate::backend::revocation::Revocation;
use crate::link::envelope::{Envelope, Moved, Revisions, RevokedSessions};
use crate::link::{Link, Urgency};

/// Revisions in one envelope.
const REVISIONS_MAX: usize = 500;
/// Sessions in one envelope.
const REVOKED_MAX: usize = 1000;

impl Link {
    /// Tells the other node which revisions this one has; an empty list is sent as well.
    pub(crate) fn tell_revisions(&self, revisions: &[(RoomId, u64)]) {
        self.send_revisions(revisions, false);
    }

    /// Answers the other node's revisions. No node answers an answer.
    pub(crate) fn answer_revisions(&self, revisions: &[(RoomId, u64)]) {
        self.send_revisions(revisions, true);
    }

    /// Tells the other node that a session which it had is at this node now, under that epoch.
    pub(crate) fn tell_moved(&self, peer: PeerId, epoch: Epoch) {
        let moved = Envelope::Moved(Moved { peer, epoch });
        let _ = self.enqueue(&moved, Urgency::Now);
    }

    /// Tells the other node what was revoked, and which of its sessions may have to end for it. It is in the log, too.
    pub(crate) fn tell_revoked(&self, sessions: &[PeerId], entry: &Revocation) {
        for sessions in sessions.chunks(REVOKED_MAX) {
            let revoked = Envelope::Revoked(RevokedSessions {
                entry: entry.clone(),
                sessions: sessions.to_vec(),
            });
            let _ = self.enqueue(&revoked, Urgency::Now);
        }
    }

    fn send_revisions(&self, revisions: &[(RoomId, u64)], answer: bool) {
        let (first, more) = revisions.split_at(revisions.len().min(REVISIONS_MAX));
        for rooms in [first].into_iter().chain(more.chunks(REVISIONS_MAX)) {
            let rooms = rooms.to_vec();
            let revisions = Envelope::Revisions(Revisions { rooms, answer });
            let _ = self.enqueue(&revisions, Urgency::Now);
        }
    }
}
