//! What this node knows is written to the directory again where that lost it: the second of the two repairs.
//!
//! One cycle runs always, session by session, slowly. A doubt about the directory's memory (a new connection, a call that
//! found its bucket forgotten) only restarts it at full speed. A forgotten bucket takes no joins and shows no rosters until
//! it is filled: it is opened a lease and a half after asserting began, for whoever lives has written what is his by then,
//! and whoever does not was taken over by those who know him from their rosters.

mod former;
mod orphans;
mod unverified;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{NodeId, PeerId, RoomId};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Duration, Instant, sleep, sleep_until};

pub(crate) use self::former::Former;
pub(crate) use self::unverified::Unverified;
use crate::backend::bucket::{BUCKETS, Bucket};
use crate::backend::directory::{
    AssertMember, AssertOutcome, AssertPeerOutcome, DirectoryError, TakeOver, TakeOverOutcome,
};
use crate::backend::leases::LeaseError;
use crate::backend::record::PeerRecord;
use crate::node::{Inner, Status};
use crate::observe::Observation;
use crate::sessions::away::Away;
use crate::sessions::local_session::LocalSession;
use crate::tasks::Task;

/// A slow cycle takes this long, or longer where there are many sessions.
const CYCLE: Duration = Duration::from_secs(30);
/// The pause between two sessions of a slow cycle, at least.
const PACE_MIN: Duration = Duration::from_millis(20);
/// Sessions that are asserted at the same time, at full speed.
const AT_ONCE: usize = 64;
/// Between two tries while the directory fails, and between two looks while buckets are filled.
const RETRY: Duration = Duration::from_millis(250);
/// Leases that a node which has just started waits for others to fill the directory and open its rooms. They count theirs
/// from when they reach it again, and take a lease more for the members of nodes that do not come back.
const NEWCOMER_WAITS: u32 = 2;
/// Whoever is noted for this node and unknown here for so long was lost track of: coming and going take less.
const GHOST_AFTER: Duration = Duration::from_secs(10);

/// A session that this node answers for.
enum Held {
    Live(Arc<LocalSession>),
    Away(Arc<Away>),
}

/// The directory may have lost something, or does not answer.
struct Doubt;

impl<E: Into<AssertError>> From<E> for Doubt {
    fn from(_: E) -> Self {
        Self
    }
}

/// Why a cycle was broken off.
#[derive(Debug, thiserror::Error)]
enum AssertError {
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    #[error(transparent)]
    Leases(#[from] LeaseError),
    #[error("a task ended early: {0}")]
    Task(#[from] JoinError),
}

/// What one cycle leaves for the next.
struct Memory {
    doubts: watch::Receiver<u64>,
    /// Since when everything was asserted without a doubt in between, while buckets are closed.
    filling_since: Option<Instant>,
    /// The directory may have gone back in time since everything was last asserted.
    lift: bool,
    /// Noted for this node and unknown here, since then.
    ghosts: BTreeMap<PeerId, Instant>,
    /// Not in the table of nodes, since then.
    absent: BTreeMap<NodeId, Instant>,
}

impl Inner {
    /// Asserts until the node stops.
    pub(crate) async fn assert_always(self: Arc<Self>) {
        let mut memory = Memory {
            doubts: self.backend.doubts.clone(),
            filling_since: None,
            lift: false,
            ghosts: BTreeMap::new(),
            absent: BTreeMap::new(),
        };
        let stop = self.stop.clone();
        let cycles = async {
            loop {
                self.cycle_at_full_speed(&mut memory).await;
                while self.cycle_slowly(&mut memory).await.is_ok() {}
            }
        };
        stop.run_until_cancelled(cycles).await;
    }

    /// As often as it takes until all was asserted and every bucket is open.
    async fn cycle_at_full_speed(self: &Arc<Self>, memory: &mut Memory) {
        let mut outside = self.outside.subscribe();
        loop {
            // An error means that this node is gone.
            let _ = outside.wait_for(|outside| !outside).await;
            if memory.doubts.has_changed().unwrap_or(false) {
                memory.filling_since = None;
                memory.lift = true;
            }
            match self.assert_all_and_open(memory).await {
                Ok(true) => return self.serve(),
                Ok(false) => {}
                Err(error) => {
                    memory.filling_since = None;
                    tracing::debug!(%error, "the directory could not be asserted to; again soon");
                }
            }
            sleep(RETRY).await;
        }
    }

    /// One after another, until all had their turn.
    async fn cycle_slowly(self: &Arc<Self>, memory: &mut Memory) -> Result<(), Doubt> {
        let sessions = self.held();
        let count = u32::try_from(sessions.len()).unwrap_or(u32::MAX).max(1);
        let pace = (CYCLE / count).max(PACE_MIN);
        let end = Instant::now() + pace * count;
        let mut doubts = memory.doubts.clone();
        let cycle = async {
            for (session, turn) in sessions.into_iter().zip(1..) {
                self.assert_or_skip(session, false).await?;
                sleep_until(end - pace * (count - turn)).await;
            }
            sleep_until(end).await;
            self.agree_on_key().await?;
            self.expel_ghosts(&mut memory.ghosts).await?;
            self.adopt_orphans(&mut memory.absent).await?;
            self.verify_places().await?;
            // Where nobody joins, nobody else notices.
            let closed = self.backend.directory.closed_buckets().await;
            match closed?.is_empty() {
                true => {
                    self.former.prune();
                    Ok(())
                }
                false => Err(Doubt),
            }
        };
        tokio::select! {
            biased;
            _ = doubts.changed() => Err(Doubt),
            () = self.doubt.must_assert() => Err(Doubt),
            done = cycle => done,
        }
    }

    /// True once every bucket is open.
    async fn assert_all_and_open(
        self: &Arc<Self>,
        memory: &mut Memory,
    ) -> Result<bool, AssertError> {
        self.look_back(memory).await?;
        self.agree_on_key().await?;
        let closed = self.backend.directory.closed_buckets().await?;
        let now = Instant::now();
        // Another node may have closed them, while this one has no doubt of its own: a part of the directory may have gone
        // back in time without a word.
        memory.lift |= !closed.is_empty() && memory.filling_since.is_none();
        let since = *memory.filling_since.get_or_insert(now);
        self.assert_all(memory.lift).await?;
        self.assert_former(&closed, memory.lift).await?;
        memory.lift = false;
        self.expel_ghosts(&mut memory.ghosts).await?;
        let all_present = self.adopt_orphans(&mut memory.absent).await?;
        if closed.is_empty() {
            memory.filling_since = None;
            let still = self.backend.directory.closed_buckets().await;
            return Ok(still?.is_empty());
        }
        self.say_why_it_waits(closed.len());
        let is_filled = now.saturating_duration_since(since) >= self.time_to_fill().await?;
        let undoubted = !memory.doubts.has_changed().unwrap_or(false);
        if is_filled && all_present && undoubted {
            self.open(closed).await?;
            memory.filling_since = None;
            // What was forgotten meanwhile was opened all the same.
            self.look_back(memory).await?;
        }
        // Also where they are open now: what waited for that is done by one more cycle.
        Ok(false)
    }

    /// Closes the rooms of a directory that went back in time. Until it has looked, this node lets nobody in: what others
    /// have written since is unknown there.
    async fn look_back(&self, memory: &mut Memory) -> Result<(), AssertError> {
        let doubts = *memory.doubts.borrow_and_update();
        self.renew().await?;
        if self.doubt.went_back() {
            if let Some(said) = self.warnings.went_back.happened() {
                tracing::warn!(
                    "the directory went back in time; its rooms are closed while it is filled{said}"
                );
            }
            self.backend.directory.close_buckets().await?;
            memory.filling_since = None;
            memory.lift = true;
        }
        self.doubt.looked(doubts);
        Ok(())
    }

    /// How long after this node began to assert everybody has written what is his. Others may notice later than this one, and
    /// take over the members of nodes that are no more a lease after that, where this node may know nobody in those rooms. A
    /// node that has just started has nothing to write, and those who have may not have reached the directory yet when it
    /// did: they open the rooms.
    async fn time_to_fill(&self) -> Result<Duration, LeaseError> {
        let lease = self.settings.lease;
        let others = self.backend.leases.read().await?;
        if others.iter().all(|other| other.node == self.id) {
            return Ok(lease);
        }
        Ok(match *self.status.borrow() {
            Status::Starting(_) => lease * NEWCOMER_WAITS,
            _ => lease + lease / 2,
        })
    }

    async fn open(&self, closed: Vec<Bucket>) -> Result<(), DirectoryError> {
        tracing::info!(
            buckets = closed.len(),
            "the directory is filled (again); rooms are open"
        );
        for bucket in closed {
            self.backend.directory.open_bucket(bucket).await?;
        }
        Ok(())
    }

    fn say_why_it_waits(&self, closed: usize) {
        let words = format!(
            "{closed} of {BUCKETS} parts of the directory are empty or were emptied; they open {} ms or more after that was \
             seen, once every node has written what it knows",
            self.settings.lease.as_millis()
        );
        self.status.send_if_modified(|status| {
            let starting = matches!(status, Status::Starting(_));
            if starting {
                *status = Status::Starting(words);
            }
            starting
        });
    }

    /// A node that has just started serves once the directory is complete.
    fn serve(&self) {
        let started = self.status.send_if_modified(|status| {
            let is_in = !*self.outside.borrow();
            let starting = is_in && matches!(status, Status::Starting(_));
            if starting {
                *status = Status::Serving;
            }
            starting
        });
        if started {
            tracing::info!(node.id = %self.id, "this node serves");
        }
    }

    /// Everybody whom this node answers for, by peer id.
    fn held(&self) -> Vec<Held> {
        let live = self.locals.iter().map(|local| Held::Live(local.clone()));
        let away = self.away.iter().map(|away| Held::Away(away.clone()));
        let mut held: Vec<_> = live.chain(away).collect();
        held.sort_unstable_by_key(|held| match held {
            Held::Live(local) => local.peer,
            Held::Away(away) => away.peer,
        });
        held
    }

    /// `lift`: above the revisions that are known. A directory that went back in time gives revisions anew, to other
    /// contents: only what is above both is the same for everybody, and everybody reads it.
    async fn assert_all(self: &Arc<Self>, lift: bool) -> Result<(), AssertError> {
        let mut under_way = JoinSet::new();
        for session in self.held() {
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
        session: Held,
        lift: bool,
    ) -> Result<(), DirectoryError> {
        let asserted = self.guarded_in(Task::Assertion, self.assert_held(session, lift));
        asserted.await.unwrap_or(Ok(()))
    }

    async fn assert_held(
        self: &Arc<Self>,
        session: Held,
        lift: bool,
    ) -> Result<(), DirectoryError> {
        let (peer, asserted) = match session {
            Held::Live(local) => (local.peer, self.assert_live_or_away(&local, lift).await),
            Held::Away(away) => (away.peer, self.assert_away(&away, lift).await),
        };
        match asserted {
            // Trying again does not help, and the others must not wait for it.
            Err(error @ DirectoryError::Corrupt(_)) => {
                if let Some(said) = self.warnings.not_asserted.happened() {
                    tracing::error!(session.id = %peer, %error, "a session could not be asserted{said}");
                }
                Ok(())
            }
            asserted => asserted,
        }
    }

    /// Where its connection is lost while its turn is waited for, it is away, and was not on the list of this cycle as such.
    async fn assert_live_or_away(
        self: &Arc<Self>,
        local: &Arc<LocalSession>,
        lift: bool,
    ) -> Result<(), DirectoryError> {
        let turn = local.turn.lock().await;
        if !local.has_ended() {
            return self.assert_live(local, lift).await;
        }
        drop(turn);
        let away = self.away.get(&local.peer).map(|away| away.clone());
        match away {
            Some(away) => self.assert_away(&away, lift).await,
            None => Ok(()),
        }
    }

    async fn assert_live(
        self: &Arc<Self>,
        local: &Arc<LocalSession>,
        lift: bool,
    ) -> Result<(), DirectoryError> {
        let record = PeerRecord {
            peer: local.peer,
            node: self.id.clone(),
            epoch: local.epoch,
            proven: local.proven.load(Ordering::Relaxed),
            user: local.user.clone(),
            rooms: local.room_ids(),
        };
        match self.assert_record(&record).await? {
            Some((node, epoch)) if epoch > local.epoch => {
                self.let_go(&local.peer, epoch, &node);
                return Ok(());
            }
            Some((node, _)) if self.has_its_places() => self.reclaim(local, &node).await?,
            _ => {}
        }
        if self.has_its_places() {
            self.leave_what_was_left(&record).await?;
            self.leave_what_is_undone(local).await?;
        }
        for room in local.kept_rooms() {
            self.assert_own_place(local, &room, lift).await?;
        }
        Ok(())
    }

    /// Not while another node cleans up after this one, and keeps its sessions as away: what was taken from there now, that
    /// one would write again, or, having heard that it is here, no longer answer for.
    fn has_its_places(&self) -> bool {
        *self.status.borrow() == Status::Serving
    }

    /// A directory that went back in time may list the session in rooms that it has left since. The others have a revision
    /// for that already. The one that it gives now may follow on what they do not have: it is read, and told as no step.
    async fn leave_what_was_left(&self, held: &PeerRecord) -> Result<(), DirectoryError> {
        let listed = self.backend.directory.peer(&held.peer).await;
        let Some(listed) = listed? else {
            return Ok(());
        };
        for room in listed
            .rooms
            .iter()
            .filter(|room| !held.rooms.contains(room))
        {
            once_filled(self.leave_again(room, held).await)?;
        }
        Ok(())
    }

    async fn leave_again(&self, room: &RoomId, held: &PeerRecord) -> Result<(), DirectoryError> {
        let directory = &self.backend.directory;
        let left = directory.leave(room, &held.peer, held.epoch).await?;
        self.hint(&left.nodes, room, left.revision);
        let intended = directory.intend(&held.peer, held.epoch, room, false);
        intended.await.map(drop)
    }

    /// A client that was told that a join did not succeed, or that has left, need not say so again: nobody else would
    /// take what is left of the session out of the room.
    async fn leave_what_is_undone(&self, local: &Arc<LocalSession>) -> Result<(), DirectoryError> {
        for room in local.undone() {
            once_filled(self.leave(local, &room, LeaveReason::Left).await)?;
        }
        Ok(())
    }

    async fn assert_away(
        self: &Arc<Self>,
        away: &Arc<Away>,
        lift: bool,
    ) -> Result<(), DirectoryError> {
        let _turn = away.turn.lock().await;
        if !self.keeps(away) {
            return Ok(());
        }
        let record = PeerRecord {
            peer: away.peer,
            node: self.id.clone(),
            epoch: away.epoch,
            proven: away.proven,
            user: away.user.clone(),
            rooms: away.rooms(),
        };
        if self.assert_record(&record).await?.is_some() {
            self.stop_keeping(away).await;
            return Ok(());
        }
        let directory = &self.backend.directory;
        let noted = directory.note_away(&away.peer, away.epoch, &self.id);
        noted.await?;
        for mut place in away.places() {
            // It may have left the room while the others were written.
            if away.has_place(&place.room) {
                place.lift = lift;
                place.own =
                    lift && place.member.epoch == away.epoch && place.member.unread.is_none();
                self.assert_kept_place(&place).await?;
            }
        }
        Ok(())
    }

    /// The owner and his epoch, if it is another node.
    async fn assert_record(
        &self,
        record: &PeerRecord,
    ) -> Result<Option<(NodeId, u64)>, DirectoryError> {
        let directory = &self.backend.directory;
        directory.enlist(&self.id, &record.peer).await?;
        match directory.assert_peer(record).await? {
            AssertPeerOutcome::Elsewhere { node, epoch } => return Ok(Some((node, epoch))),
            AssertPeerOutcome::Restored => self.observe.observe(Observation::Restored),
            AssertPeerOutcome::Known => {}
        }
        let admitted = directory.admit(&record.user, &record.peer, &self.id, u32::MAX);
        admitted.await?;
        Ok(None)
    }

    /// A live member of a room as this node's roster has it. Where that has it as somebody else's, or as away, under this
    /// very epoch, or, read from a directory that had gone back in time, under a former one, its place is taken back. That
    /// waits until the room is open; its revision cannot, nor can, where the directory may have lost what was written last,
    /// what the session told of itself.
    async fn assert_own_place(
        &self,
        local: &LocalSession,
        room: &RoomId,
        lift: bool,
    ) -> Result<(), DirectoryError> {
        let known = self.place_of(local, room);
        let Some(mut place) = known.filter(|place| place.member.epoch <= local.epoch) else {
            return Ok(());
        };
        place.lift = lift;
        let member = &mut place.member;
        let is_current = member.epoch == local.epoch;
        let is_right = is_current && member.node == self.id && !member.flags.away;
        let is_own = is_current && self.has_its_places() && member.unread.is_none();
        if let (true, Some(profile)) = (lift && is_own, local.profile(room)) {
            (member.node, member.flags.away) = (self.id.clone(), false);
            member.profile = profile;
            place.own = true;
        }
        if is_right || (is_current && lift) {
            self.assert_place(&place).await?;
        }
        if is_right || !self.has_its_places() {
            return Ok(());
        }
        once_filled(self.retake(local, room).await)
    }

    /// Where a session is, as far as this node knows: by its rosters, or, of a room that it resumed and has not entered
    /// again, as it was there before.
    pub(crate) fn places_to_keep(&self, local: &LocalSession) -> Vec<AssertMember> {
        let inherited = local.inherited.get();
        let before = |room: &RoomId| {
            let mut places = inherited.into_iter().flatten();
            places.find(|place| place.room == *room).cloned()
        };
        let rooms = local.kept_rooms();
        let places = rooms
            .iter()
            .filter_map(|room| match self.knows_roster(room) {
                true => self.place_of(local, room),
                false => before(room),
            });
        let mut places: Vec<_> = places.collect();
        places.retain(|place| place.member.epoch <= local.epoch);
        for place in &mut places {
            place.member.epoch = local.epoch;
        }
        places
    }

    /// The same of a session that is about to resume here.
    pub(crate) fn places_known_here(&self, peer: &PeerId) -> Vec<AssertMember> {
        if let Some(local) = self.local(peer) {
            return self.places_to_keep(&local);
        }
        let away = self.away.get(peer);
        away.map_or_else(Vec::new, |away| away.places())
    }

    fn knows_roster(&self, room: &RoomId) -> bool {
        let known = self.rooms.get(room.as_str());
        known.is_some_and(|room| room.lock().roster().is_some())
    }

    fn place_of(&self, local: &LocalSession, room: &RoomId) -> Option<AssertMember> {
        let known = self.rooms.get(room.as_str())?;
        known.lock().place_of(&local.peer)
    }

    /// False: the directory had it, or has a newer one. Where the revision was lifted, the answer does not tell whether
    /// anything was missing.
    async fn assert_place(&self, place: &AssertMember) -> Result<bool, DirectoryError> {
        let asserted = self.backend.directory.assert_member(place).await;
        let (revision, nodes) = match asserted? {
            AssertOutcome::Known { revision } => {
                self.hint(&[], &place.room, revision);
                return Ok(false);
            }
            AssertOutcome::Restored {
                revision,
                nodes,
                behind,
            } => {
                if behind || !place.lift {
                    self.observe.observe(Observation::Restored);
                }
                (revision, nodes)
            }
            AssertOutcome::Stale { .. } => return Ok(false),
        };
        self.hint(&nodes, &place.room, revision);
        Ok(true)
    }

    /// Another node took this one for dead and keeps the session's places, while its client was here all the time.
    async fn reclaim(
        self: &Arc<Self>,
        local: &Arc<LocalSession>,
        keeper: &NodeId,
    ) -> Result<(), DirectoryError> {
        let directory = &self.backend.directory;
        let handed = directory.hand_over(&local.peer, local.epoch, keeper, &self.id);
        if !handed.await? {
            return Ok(());
        }
        self.links.to(keeper).tell_moved(local.peer, local.epoch);
        for room in local.kept_rooms() {
            once_filled(self.retake(local, &room).await)?;
        }
        Ok(())
    }

    /// Whoever kept this session while this node was taken for dead is dead itself, and its client was here all the time:
    /// it is not away. False: it has no connection of that epoch here.
    pub(crate) async fn retake_if_connected(
        &self,
        record: &PeerRecord,
    ) -> Result<bool, DirectoryError> {
        let Some(local) = self
            .local(&record.peer)
            .filter(|local| local.epoch == record.epoch)
        else {
            return Ok(false);
        };
        let _turn = local.turn.lock().await;
        if local.has_ended() {
            return Ok(false);
        }
        for room in local.kept_rooms() {
            once_filled(self.retake(&local, &room).await)?;
        }
        Ok(true)
    }

    async fn retake(&self, local: &LocalSession, room: &RoomId) -> Result<(), DirectoryError> {
        let wish = TakeOver {
            room: room.clone(),
            peer: local.peer,
            epoch: local.epoch,
            node: self.id.clone(),
            away: false,
            whole: false,
        };
        let outcome = self.backend.directory.take_over(&wish).await;
        if let TakeOverOutcome::Moved { changed, place } = outcome? {
            self.tell_taken(room, &place, changed);
            self.hint(&[], room, place.revision);
        }
        Ok(())
    }
}

/// A room that is being filled takes no step but assertions: any other is for the cycle after it has opened.
fn once_filled(done: Result<(), DirectoryError>) -> Result<(), DirectoryError> {
    match done {
        Err(DirectoryError::Forgotten) => Ok(()),
        done => done,
    }
}
