//! A trace, told from the sessions' points of view: what the invariants have in common.

mod follow;
mod session;
mod signal;

use std::collections::BTreeMap;

use switchboard_protocol::{PeerId, RoomId};
use tokio::time::Duration;

use self::follow::Follower;
pub(crate) use self::session::Session;
pub(crate) use self::signal::Said;
use crate::trace::Trace;

/// Every session of a run.
#[derive(Debug, Default)]
pub(crate) struct Story {
    pub(crate) sessions: BTreeMap<PeerId, Session>,
    /// When a kernel took a signal: for whom, whose, and its id.
    pub(crate) written: BTreeMap<(PeerId, PeerId, u64), Duration>,
}

impl Story {
    pub(crate) fn of(trace: &Trace) -> Self {
        let mut follower = Follower::default();
        for event in &trace.events {
            follower.take(event);
        }
        let mut story = follower.story;
        for client in &trace.last.clients {
            if let Some(session) = client.peer.and_then(|peer| story.sessions.get_mut(&peer)) {
                session.lives = true;
            }
        }
        story
    }

    /// Whether a peer is in that room from `from` until the end, and has that place in the order.
    pub(crate) fn keeps_place(
        &self,
        peer: &PeerId,
        (room, order): (&RoomId, u64),
        from: Duration,
    ) -> bool {
        let is_it = |session: &Session| {
            let mut stays = session.stays.iter();
            stays.any(|stay| stay.room == *room && stay.order == order && stay.until.is_none())
        };
        self.stayed(peer, room, from).is_some_and(is_it)
    }

    /// The session of a peer, if it was in that room from `from` on without a break, and still is.
    pub(crate) fn stayed(&self, peer: &PeerId, room: &RoomId, from: Duration) -> Option<&Session> {
        let session = self.sessions.get(peer).filter(|session| session.lives)?;
        let mut stays = session.stays.iter();
        let stays =
            stays.any(|stay| stay.room == *room && stay.from <= from && stay.until.is_none());
        stays.then_some(session)
    }
}
