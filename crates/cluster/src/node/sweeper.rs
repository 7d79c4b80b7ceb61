//! What time alone brings: rosters that a missing step left behind, signals that came too early, windows of sessions
//! without a connection, deadlines of unanswered signals, streams to forget.

use std::sync::Arc;

use tokio::time::{Duration, Instant, MissedTickBehavior, interval};

use crate::node::Inner;
use crate::observe::Observation;
use crate::sessions::ways_back::WaysBack;
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
            let is_in_doubt = self.repairs.doubt.lasts();
            self.read_rosters_behind();
            self.try_all_held_back();
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
                    let doubtful = node.repairs.doubt.lasts();
                    node.in_room(&room, |room| ((), room.install(snapshot, doubtful)));
                }
            });
        }
    }
}
