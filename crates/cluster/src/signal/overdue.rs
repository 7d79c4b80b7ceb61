//! Deadlines of unanswered signals, and streams to forget.

use switchboard_protocol::server_message::Reason;
use switchboard_protocol::{NodeId, PeerId, RoomId};
use tokio::time::Instant;

use crate::node::Inner;
use crate::room::Room;
use crate::sessions::local_session::LocalSession;
use crate::signal::unanswered::target::Placement;
use crate::signal::unanswered::target::Target;
use crate::tasks::Task;

impl Inner {
    /// Answers the signals that no receiver answered in time. What was certainly not published must not be later: its link
    /// starts a new generation without it.
    pub(crate) fn end_overdue(&self, now: Instant) {
        let mut waiting = self.signals.take_waiting();
        let mut unpublished = Vec::new();
        waiting.retain(|local| {
            let ended = || self.end_overdue_of(local, now, &mut unpublished);
            self.tasks.guarded(Task::Sweeper, ended).unwrap_or_else(|| {
                // Its next signal brings it back here.
                local.streams.unanswered.lock().watched = false;
                false
            })
        });
        self.signals.put_back(waiting);
        unpublished.sort_unstable();
        unpublished.dedup();
        let links = unpublished.iter().filter_map(|node| self.links.known(node));
        for link in links {
            self.restart_link(&link);
        }
    }

    /// True while some of the session's signals are unanswered.
    fn end_overdue_of(
        &self,
        local: &LocalSession,
        now: Instant,
        unpublished: &mut Vec<NodeId>,
    ) -> bool {
        let mut unanswered = local.streams.unanswered.lock();
        let deadline = self.settings.delivery_deadline;
        let overdue = |taken_at| now.saturating_duration_since(taken_at) >= deadline;
        if unanswered.oldest().is_some_and(overdue) {
            let not_found = unanswered.end_sought_where(|_, taken_at, _| overdue(taken_at));
            for not_found in not_found {
                self.tell_not_found(local, not_found, Reason::Unavailable);
            }
            for ended in unanswered.end_where(|_, taken_at, _| overdue(taken_at)) {
                let reason = if self.may_have_arrived(&ended.receiver) {
                    Reason::Unconfirmed
                } else {
                    if ended.receiver.is_queued() {
                        unpublished.push(ended.receiver.node.clone());
                    }
                    Reason::Unavailable
                };
                self.tell_outcome(local, ended, Err(reason));
            }
            unanswered.queue_unbarred(&self.links);
        }
        unanswered.watched = unanswered.oldest().is_some();
        unanswered.watched
    }

    /// Whether a signal that no receiver answered may have been published.
    fn may_have_arrived(&self, target: &Target) -> bool {
        let link = self.links.known(&target.node);
        target.may_have_arrived(link.as_deref())
    }

    /// Forgets streams whose senders cannot come back and send everything once more. While `ways_are_open` does not hold,
    /// they still can, however late it is.
    pub(crate) fn prune_streams(&self, now: Instant, ways_are_open: bool) {
        for local in self.sessions.all_live() {
            let prune = || self.prune_streams_of(&local, now, ways_are_open);
            self.tasks.guarded(Task::Sweeper, prune);
        }
        self.signals.tombstones.prune(now);
    }

    fn prune_streams_of(&self, local: &LocalSession, now: Instant, ways_are_open: bool) {
        let rooms = local.directory.room_ids();
        let settings = &self.settings;
        let comes_back_within = settings.heartbeat_timeout + settings.resume_window;
        let idle = settings.delivery_deadline.max(comes_back_within);
        let mut senders = local.streams.inbound.lock().idle_since(now, idle);
        senders.retain(|sender| ways_are_open && !self.is_in_any(&rooms, sender));
        local.streams.inbound.lock().forget(&senders);
        let mut moved = local.streams.unanswered.lock().moved();
        moved.retain(|moved| !self.is_elsewhere(&rooms, moved));
        local.streams.unanswered.lock().forget_moved(&moved);
    }

    fn is_in_any(&self, rooms: &[RoomId], peer: &PeerId) -> bool {
        self.any_room(rooms, |room| {
            let mut roster = room.roster().into_iter();
            roster.any(|roster| roster.member(peer).is_some())
        })
    }

    /// Whether one of these rooms has a peer elsewhere: it has not heard yet that the peer moved, or it alone has heard that
    /// the peer is back. Signals in that room must not go another way than those in the others.
    fn is_elsewhere(&self, rooms: &[RoomId], moved: &Placement) -> bool {
        self.any_room(rooms, |room| {
            let member = room.roster().and_then(|roster| roster.member(&moved.peer));
            member.is_some_and(|member| Placement::of(member) != *moved)
        })
    }

    fn any_room(&self, rooms: &[RoomId], is_it: impl Fn(&Room) -> bool) -> bool {
        let mut known = rooms
            .iter()
            .filter_map(|room| self.rooms.get(room.as_str()));
        known.any(|room| is_it(&room.lock()))
    }
}
