//! What this node knows is written to the directory again where that lost it: the second of the two repairs.
//!
//! One cycle runs always, session by session, slowly. A doubt about the directory's memory (a new connection, a call that
//! found its bucket forgotten) only restarts it at full speed. A forgotten bucket takes no joins and shows no rosters until
//! it is filled: it is opened a lease and a half after asserting began. By then every node that lives has written what it
//! knows, and the members of those that do not were taken over by nodes that know them from their rosters.

use std::collections::BTreeMap;
use std::sync::Arc;

use switchboard_protocol::{NodeId, PeerId};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant, sleep, sleep_until};

use crate::backend::directory::DirectoryError;
use crate::node::Inner;
use crate::repair::failure::AssertError;
use crate::sessions::OwnedSession;
use crate::tasks::Task;

/// A slow cycle takes this long, or longer where there are many sessions.
const CYCLE: Duration = Duration::from_secs(30);
/// The pause between two sessions of a slow cycle, at least.
const PACE_MIN: Duration = Duration::from_millis(20);
/// Sessions that are asserted at the same time, at full speed.
const AT_ONCE: usize = 64;
/// Between two tries while the directory fails, and between two looks while buckets are filled.
const RETRY: Duration = Duration::from_millis(250);

/// The directory may have lost something, or does not answer.
struct Interrupted;

impl<E: Into<AssertError>> From<E> for Interrupted {
    fn from(_: E) -> Self {
        Self
    }
}

/// What one cycle leaves for the next.
pub(super) struct CycleState {
    pub(super) doubts: watch::Receiver<u64>,
    /// Since when everything was asserted without a doubt in between, while buckets are closed.
    pub(super) filling_since: Option<Instant>,
    /// The directory may have gone back in time since everything was last asserted.
    pub(super) lift: bool,
    /// Noted for this node and unknown here, since then.
    ghosts: BTreeMap<PeerId, Instant>,
    /// Not in the table of nodes, since then.
    absent: BTreeMap<NodeId, Instant>,
}

impl Inner {
    /// Asserts until the node stops.
    pub(crate) async fn assert_always(self: Arc<Self>) {
        let mut state = CycleState {
            doubts: self.backend.doubts.clone(),
            filling_since: None,
            lift: false,
            ghosts: BTreeMap::new(),
            absent: BTreeMap::new(),
        };
        let stop = self.tasks.child_stop();
        let cycles = async {
            loop {
                self.cycle_at_full_speed(&mut state).await;
                while self.cycle_slowly(&mut state).await.is_ok() {}
            }
        };
        stop.run_until_cancelled(cycles).await;
    }

    /// As often as it takes until all was asserted and every bucket is open.
    async fn cycle_at_full_speed(self: &Arc<Self>, state: &mut CycleState) {
        loop {
            self.lease.inside().await;
            if state.doubts.has_changed().unwrap_or(false) {
                state.filling_since = None;
                state.lift = true;
            }
            match self.assert_all_and_open(state).await {
                Ok(true) => return self.serve(),
                Ok(false) => {}
                Err(error) => {
                    state.filling_since = None;
                    tracing::debug!(%error, "the directory could not be asserted to; again soon");
                }
            }
            sleep(RETRY).await;
        }
    }

    /// One after another, until all had their turn.
    async fn cycle_slowly(self: &Arc<Self>, state: &mut CycleState) -> Result<(), Interrupted> {
        let sessions = self.sessions.all();
        let count = u32::try_from(sessions.len()).unwrap_or(u32::MAX).max(1);
        let pace = (CYCLE / count).max(PACE_MIN);
        let end = Instant::now() + pace * count;
        let mut doubts = state.doubts.clone();
        let cycle = async {
            for (session, turn) in sessions.into_iter().zip(1..) {
                self.assert_or_skip(session, false).await?;
                sleep_until(end - pace * (count - turn)).await;
            }
            sleep_until(end).await;
            self.lease.key.agree().await?;
            self.expel_ghosts(&mut state.ghosts).await?;
            self.adopt_orphans(&mut state.absent).await?;
            self.verify_places().await?;
            // Where no session joins, nothing else notices.
            let closed = self.backend.directory.closed_buckets().await;
            match closed?.is_empty() {
                true => {
                    self.sessions.former_places().prune();
                    Ok(())
                }
                false => Err(Interrupted),
            }
        };
        tokio::select! {
            biased;
            _ = doubts.changed() => Err(Interrupted),
            () = self.repairs.doubt.must_assert() => Err(Interrupted),
            done = cycle => done,
        }
    }

    /// True once every bucket is open.
    async fn assert_all_and_open(
        self: &Arc<Self>,
        state: &mut CycleState,
    ) -> Result<bool, AssertError> {
        self.look_back(state).await?;
        self.lease.key.agree().await?;
        let closed = self.backend.directory.closed_buckets().await?;
        let now = Instant::now();
        // Another node may have closed them, while this one has no doubt of its own: a part of the directory may have gone
        // back in time without a word.
        state.lift |= !closed.is_empty() && state.filling_since.is_none();
        let since = *state.filling_since.get_or_insert(now);
        self.assert_all(state.lift).await?;
        self.assert_former(&closed, state.lift).await?;
        state.lift = false;
        self.expel_ghosts(&mut state.ghosts).await?;
        let all_present = self.adopt_orphans(&mut state.absent).await?;
        if closed.is_empty() {
            state.filling_since = None;
            let still = self.backend.directory.closed_buckets().await;
            return Ok(still?.is_empty());
        }
        self.say_why_it_waits(closed.len());
        let is_filled = now.saturating_duration_since(since) >= self.time_to_fill().await?;
        let undoubted = !state.doubts.has_changed().unwrap_or(false);
        if is_filled && all_present && undoubted {
            self.open(closed).await?;
            state.filling_since = None;
            // What was forgotten meanwhile was opened all the same.
            self.look_back(state).await?;
        }
        // Also where they are open now: what waited for that is done by one more cycle.
        Ok(false)
    }

    /// `lift`: above the revisions that are known. A directory that went back in time gives revisions again, to other
    /// contents: only what is above both is the same for every node, and every node reads it.
    async fn assert_all(self: &Arc<Self>, lift: bool) -> Result<(), AssertError> {
        let mut under_way = JoinSet::new();
        for session in self.sessions.all() {
            if under_way.len() >= AT_ONCE
                && let Some(done) = under_way.join_next().await
            {
                done??;
            }
            let node = self.clone();
            under_way.spawn(async move { node.assert_or_skip(session, lift).await });
        }
        while let Some(done) = under_way.join_next().await {
            done??;
        }
        Ok(())
    }

    async fn assert_or_skip(
        self: &Arc<Self>,
        session: OwnedSession,
        lift: bool,
    ) -> Result<(), DirectoryError> {
        let asserted = self
            .tasks
            .guarded_in(Task::Assertion, self.assert_owned(session, lift));
        asserted.await.unwrap_or(Ok(()))
    }
}
