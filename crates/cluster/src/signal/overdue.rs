//! What time alone brings: deadlines of unanswered signals, windows of those who are away, rosters that a missing step
//! left behind, signals that came too early, streams to forget.

use std::sync::Arc;

use switchboard_protocol::server_message::Reason;
use switchboard_protocol::{NodeId, RoomId};
use tokio::time::{Duration, Instant, MissedTickBehavior, interval};

use crate::node::Inner;
use crate::observe::Observation;
use crate::sessions::local_session::LocalSession;
use crate::sessions::ways_back::WaysBack;
use crate::signal::unanswered::Placement;
use crate::tasks::Task;

const TICK: Duration = Duration::from_millis(50);
/// Deadlines and forgotten streams are looked after once in so many ticks.
const DEADLINE_TICKS: u64 = 5;
const PRUNE_TICKS: u64 = 200;

impl Inner {
    /// Sweeps until the node stops.
    pub(crate) async fn sweep(self: Arc<Self>) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ways_back = WaysBack::new(self.backend.reach.clone());
        for tick in 1_u64.. {
            tokio::select! {
                biased;
                _ = ticks.tick() => {}
                () = self.tasks.stopped() => return,
            }
            // Asked at each tick: a doubt begins when it is noticed.
            let is_in_doubt = self.doubt.lasts();
            self.read_rosters_behind();
            self.try_all_early();
            self.shed_away();
            if tick % DEADLINE_TICKS == 0 {
                let now = Instant::now();
                self.end_overdue(now);
                let are_open = ways_back.are_open(is_in_doubt, now);
                if are_open {
                    self.expire(now);
                }
                if tick % PRUNE_TICKS == 0 {
                    self.prune_streams(now, are_open);
                    self.gone.prune(now);
                }
            }
        }
    }

    /// Reads the roster of each room that has missed a step for too long.
    fn read_rosters_behind(self: &Arc<Self>) {
        let now = Instant::now();
        for room in self.rooms.take_behind(now) {
            let node = self.clone();
            self.tasks.aside(Task::Roster, async move {
                let id = room.lock().id().clone();
                node.observe.observe(Observation::RosterFetched);
                let roster = node.backend.directory.roster(&id).await;
                if let Ok(snapshot) = roster {
                    let doubtful = node.doubt.lasts();
                    node.in_room(&room, |room| ((), room.install(snapshot, doubtful)));
                }
            });
        }
    }

    /// Answers for signals that nobody answered in time. What was certainly not published must not be later: its link
    /// starts anew without it.
    fn end_overdue(&self, now: Instant) {
        let waiting = std::mem::take(&mut *self.waiting.lock());
        let mut unpublished = Vec::new();
        let still: Vec<_> = waiting
            .into_iter()
            .filter(|local| {
                let ended = || self.end_overdue_of(local, now, &mut unpublished);
                self.tasks.guarded(Task::Sweeper, ended).unwrap_or_else(|| {
                    // Its next signal brings it back here.
                    local.unanswered.lock().watched = false;
                    false
                })
            })
            .collect();
        self.waiting.lock().extend(still);
        unpublished.sort_unstable();
        unpublished.dedup();
        for link in unpublished.iter().filter_map(|node| self.links.known(node)) {
            self.start_link_anew(&link);
        }
    }

    /// True while some of the session's signals are unanswered.
    fn end_overdue_of(
        &self,
        local: &LocalSession,
        now: Instant,
        unpublished: &mut Vec<NodeId>,
    ) -> bool {
        let mut unanswered = local.unanswered.lock();
        let overdue =
            |taken_at| now.saturating_duration_since(taken_at) >= self.settings.delivery_deadline;
        if unanswered.oldest().is_some_and(overdue) {
            let not_found = unanswered.end_sought_where(|_, taken_at, _| overdue(taken_at));
            for not_found in not_found {
                self.tell_not_found(local, not_found, Reason::Unavailable);
            }
            for ended in unanswered.end_where(|_, taken_at, _| overdue(taken_at)) {
                let reason = if self.may_have_arrived(&ended) {
                    Reason::Unconfirmed
                } else {
                    if ended.target.queued.is_some() {
                        unpublished.push(ended.target.node.clone());
                    }
                    Reason::Unavailable
                };
                self.tell_outcome(local, ended, Err(reason));
            }
            self.queue_unbarred(local, &mut unanswered);
        }
        unanswered.watched = unanswered.oldest().is_some();
        unanswered.watched
    }

    /// Whether one of these rooms has a peer elsewhere: it has not heard yet that the peer moved, or it alone has heard that
    /// the peer is back. Signals in that room must not go another way than those in the others.
    fn is_elsewhere(&self, rooms: &[RoomId], moved: &Placement) -> bool {
        let mut known = rooms
            .iter()
            .filter_map(|room| self.rooms.get(room.as_str()));
        known.any(|room| {
            let room = room.lock();
            let member = room.roster().and_then(|roster| roster.member(&moved.peer));
            member.is_some_and(|member| Placement::of(member) != *moved)
        })
    }

    /// Forgets streams whose senders cannot come back and say everything once more. While `ways_are_open` does not hold they
    /// still can, however late it is.
    fn prune_streams(&self, now: Instant, ways_are_open: bool) {
        for local in self.sessions.all_live() {
            let prune = || self.prune_streams_of(&local, now, ways_are_open);
            self.tasks.guarded(Task::Sweeper, prune);
        }
    }

    fn prune_streams_of(&self, local: &LocalSession, now: Instant, ways_are_open: bool) {
        let rooms = local.directory.room_ids();
        let shares_room = |sender: &_| {
            let rooms = rooms
                .iter()
                .filter_map(|room| self.rooms.get(room.as_str()));
            rooms.into_iter().any(|room| {
                room.lock()
                    .roster()
                    .is_some_and(|roster| roster.member(sender).is_some())
            })
        };
        let settings = &self.settings;
        let comes_back_within = settings.heartbeat_timeout + settings.resume_window;
        let idle = settings.delivery_deadline.max(comes_back_within);
        let senders = local.inbound.lock().idle_since(now, idle);
        let forgotten: Vec<_> = senders
            .into_iter()
            .filter(|sender| ways_are_open && !shares_room(sender))
            .collect();
        local.inbound.lock().forget(&forgotten);
        let mut moved = local.unanswered.lock().moved();
        moved.retain(|moved| !self.is_elsewhere(&rooms, moved));
        local.unanswered.lock().forget_moved(&moved);
    }
}
