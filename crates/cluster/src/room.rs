//! A room with members on this node: what its roster is, who is told of changes, and in which order.
//!
//! Roster steps come from several nodes and may overtake one another; a session must hear of a member's join before its
//! first signal and of its leaving after its last. So a room takes steps strictly by revision. One from the future waits
//! for those before it, as does, with its receiver, a signal from a member nobody has heard of. When a step stays away, the
//! roster is read again and the difference is told; a partial list is never taken for the whole.

pub(crate) mod allowance;
pub(crate) mod announce;
mod catching_up;
pub(crate) mod change;
mod in_room;
pub(crate) mod join;
pub(crate) mod leave;
mod looking_up;

pub(crate) mod rooms;
pub(crate) mod roster;
mod telling;

use std::collections::VecDeque;
use std::sync::Arc;

use switchboard_protocol::server_message::{Joined, LeaveReason, Ready, RoomSnapshot};
use switchboard_protocol::{Connection, NodeId, PeerId, RoomId};
use tokio::sync::oneshot;
use tokio::time::{Duration, Instant};

use crate::backend::directory::AssertMember;
use crate::backend::record::{MemberRecord, RosterSnapshot};
use crate::link::envelope::{Change, RosterChange};
use crate::room::roster::Roster;
use crate::sessions::local_session::LocalSession;

use self::looking_up::LookUp;

/// A missing step is waited for so long before the roster is read; twice as long before each further try.
const READ_AFTER: Duration = Duration::from_millis(50);
const READ_PAUSE_MAX: Duration = Duration::from_secs(2);
/// A join that the directory carried out reaches this node's roster within this, or is given up.
pub(crate) const JOIN_PATIENCE: Duration = Duration::from_secs(5);
/// Steps that may wait in one room for a missing one.
const HELD_MAX: usize = 2048;

pub(crate) struct Room {
    id: RoomId,
    /// `None` until the first join from this node was answered.
    roster: Option<Roster>,
    /// Sessions of this node that were told `joined`, by peer id.
    locals: Vec<Arc<LocalSession>>,
    /// Those whose joins are under way, before the directory's answer. It may have them in already, and others know.
    opening: Vec<PeerId>,
    /// While there is no roster: held by the one join that reads it. What comes at the same time waits, and needs no more
    /// than its own step then.
    first: Option<Arc<tokio::sync::Mutex<()>>>,
    /// Joins the directory has carried out, waiting for the roster to reach their step.
    joining: Vec<Joining>,
    /// Who waits until the roster has a revision.
    awaiting: Vec<(u64, oneshot::Sender<()>)>,
    held: VecDeque<RosterChange>,
    /// The highest revision that is known to exist.
    known: u64,
    /// The highest revision that anybody told. The directory may have gone back in time since: reading what it has now does
    /// not lower this.
    told: u64,
    /// The revision that somebody supposes, who knows only that the roster here is wrong.
    supposed: u64,
    /// Members that are being looked up.
    look_ups: Vec<LookUp>,
    /// Members that were looked up, each with the revision at which it was there, beyond the roster's.
    sighted: Vec<(u64, MemberRecord)>,
    /// When to read the roster again: a step is missing.
    read_at: Option<Instant>,
    read_pause: Duration,
}

struct Joining {
    local: Arc<LocalSession>,
    entry: Entry,
    revision: u64,
    joined: oneshot::Sender<RoomSnapshot>,
}

impl Joining {
    fn is_in(&self, roster: &Roster) -> bool {
        let member = roster.member(&self.local.peer);
        member.is_some_and(|member| member.epoch >= self.local.epoch)
    }

    /// It was let in, and had to go before the roster here reached that step.
    fn is_over(&self, snapshot: &RosterSnapshot) -> bool {
        self.revision <= snapshot.revision && !snapshot.lists(&self.local.peer)
    }
}

/// How a session of this node comes into a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// It joins, with this message id: it is told `joined`.
    Join(u64),
    /// It was in the room before, over another connection: it is told with its `welcome`.
    Resume,
}

/// Whether a signal that came for this room is from a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SenderKnown {
    /// It is.
    Yes,
    /// It may be: a step is missing.
    Perhaps,
    /// It is not.
    No,
}

/// What follows from a change, before anybody else gets at the room.
#[derive(Default)]
pub(crate) struct After {
    /// Sessions of this node that came in.
    pub(crate) entered: Vec<Arc<LocalSession>>,
    /// Members that came in, or have another name.
    pub(crate) joined: Vec<MemberRecord>,
    /// Members with another epoch, node or connection than before.
    pub(crate) moved: Vec<MemberRecord>,
    /// Members that are gone, and how.
    pub(crate) lost: Vec<(PeerId, LeaveReason)>,
}

impl Room {
    pub(crate) fn new(id: RoomId) -> Self {
        Self {
            id,
            roster: None,
            locals: Vec::new(),
            opening: Vec::new(),
            first: None,
            joining: Vec::new(),
            awaiting: Vec::new(),
            held: VecDeque::new(),
            known: 0,
            told: 0,
            supposed: 0,
            look_ups: Vec::new(),
            sighted: Vec::new(),
            read_at: None,
            read_pause: READ_AFTER,
        }
    }

    pub(crate) fn id(&self) -> &RoomId {
        &self.id
    }

    pub(crate) fn roster(&self) -> Option<&Roster> {
        self.roster.as_ref()
    }

    /// What to assert of a member: also that there was a revision beyond the roster's. The directory may have forgotten it,
    /// and would give it again, to another change than the one that was told or waits here.
    pub(crate) fn place_of(&self, peer: &PeerId) -> Option<AssertMember> {
        let roster = self.roster.as_ref()?;
        Some(AssertMember {
            revision: self.known.max(self.told()),
            ..roster.place(&self.id, roster.member(peer)?)
        })
    }

    /// The highest revision that anybody told of it, in whichever past of the directory.
    pub(crate) fn told(&self) -> u64 {
        self.told.max(self.revision())
    }

    /// Of the roster; 0 before the first join from this node was answered.
    pub(crate) fn revision(&self) -> u64 {
        self.roster.as_ref().map_or(0, |roster| roster.revision)
    }

    pub(crate) fn locals(&self) -> &[Arc<LocalSession>] {
        &self.locals
    }

    pub(crate) fn local(&self, peer: &PeerId) -> Option<&Arc<LocalSession>> {
        self.locals
            .binary_search_by_key(peer, |local| local.peer)
            .ok()
            .map(|index| &self.locals[index])
    }

    /// The room's revision, if `node` has members in it as well.
    pub(crate) fn revision_shared_with(&self, node: &NodeId) -> Option<(RoomId, u64)> {
        let roster = self.roster.as_ref()?;
        roster
            .members()
            .any(|member| member.node == *node)
            .then(|| (self.id.clone(), self.known.max(roster.revision)))
    }

    /// Nobody on this node is in it or about to be.
    pub(crate) fn is_unused(&self) -> bool {
        self.locals.is_empty() && self.joining.is_empty() && self.opening.is_empty()
    }

    /// When the roster should be read again, if a step is missing then still.
    pub(crate) fn read_at(&self) -> Option<Instant> {
        self.read_at
    }

    /// It is being read now; the next time is later.
    pub(crate) fn reading(&mut self) {
        self.read_pause = (self.read_pause * 2).min(READ_PAUSE_MAX);
        self.read_at = Some(Instant::now() + self.read_pause);
    }

    /// A join is about to ask the directory: what arrives from now on must not be lost.
    pub(crate) fn open(&mut self, peer: PeerId) {
        self.opening.push(peer);
    }

    /// The directory did not let it in.
    pub(crate) fn give_up_opening(&mut self, peer: &PeerId) {
        self.end_opening(peer);
        self.forget_held_if_unused();
    }

    fn end_opening(&mut self, peer: &PeerId) {
        if let Some(at) = self.opening.iter().position(|opening| opening == peer) {
            self.opening.swap_remove(at);
        }
        if self.opening.is_empty() {
            self.opening = Vec::new();
        }
    }

    /// Whose turn it is to read the whole room; `None`: its roster is here.
    pub(crate) fn first(&mut self) -> Option<Arc<tokio::sync::Mutex<()>>> {
        match self.roster {
            Some(_) => None,
            None => Some(self.first.get_or_insert_default().clone()),
        }
    }

    /// The directory let `local` in, with that step. It is told when the roster reaches the step, at once if it can be.
    pub(crate) fn admit(
        &mut self,
        local: &Arc<LocalSession>,
        entry: Entry,
        revision: u64,
        snapshot: Option<RosterSnapshot>,
    ) -> (oneshot::Receiver<RoomSnapshot>, After) {
        self.end_opening(&local.peer);
        let (joined, when_joined) = oneshot::channel();
        self.note_told(revision);
        self.joining.push(Joining {
            local: local.clone(),
            entry,
            revision,
            joined,
        });
        let mut after = After::default();
        if self.roster.is_none() {
            self.roster = snapshot.map(Roster::new);
            self.first = None;
        }
        self.complete_joins(&mut after);
        self.catch_up(&mut after);
        (when_joined, after)
    }

    /// `local` is on its way out: it hears nothing of the room any more.
    pub(crate) fn dismiss(&mut self, local: &LocalSession) {
        // Its successor may be on this node as well.
        let is_it = |known: &LocalSession| known.peer == local.peer && known.epoch == local.epoch;
        self.joining.retain(|joining| !is_it(&joining.local));
        self.locals.retain(|known| !is_it(known));
        self.forget_held_if_unused();
    }

    /// A step of the roster came.
    pub(crate) fn step(&mut self, step: RosterChange) -> After {
        let mut after = After::default();
        match &self.roster {
            Some(roster) if step.revision <= roster.revision => {}
            Some(roster) if step.revision == roster.revision + 1 => {
                self.take(step, &mut after);
                self.catch_up(&mut after);
            }
            _ => {
                self.note_told(step.revision);
                // One that finds no place is read from the directory with the others.
                self.hold(step);
                self.note_gap();
            }
        }
        after
    }

    /// Comes when the roster has that revision.
    pub(crate) fn reaches(&mut self, revision: u64) -> oneshot::Receiver<()> {
        let (reached, when_reached) = oneshot::channel();
        self.awaiting.push((revision, reached));
        self.tell_awaiting();
        when_reached
    }

    fn tell_awaiting(&mut self) {
        let revision = self.revision();
        for (_, reached) in self
            .awaiting
            .extract_if(.., |(awaited, _)| *awaited <= revision)
        {
            // Whoever waited may have given up.
            let _ = reached.send(());
        }
    }

    /// Another node has this revision of the room; the answer is this node's own.
    pub(crate) fn hint(&mut self, revision: u64) -> Option<u64> {
        self.note_told(revision);
        self.note_gap();
        self.roster.as_ref().map(|roster| roster.revision)
    }

    /// Another node answers to what it was told of this room. It may not have the room, and suppose a revision: nobody ever
    /// gave that, and it must not be asserted.
    pub(crate) fn suppose(&mut self, revision: u64) -> Option<u64> {
        self.supposed = self.supposed.max(revision);
        self.note_gap();
        self.roster.as_ref().map(|roster| roster.revision)
    }

    /// The room has, or had, this revision.
    pub(super) fn note_told(&mut self, revision: u64) {
        self.known = self.known.max(revision);
        self.told = self.told.max(revision);
    }

    /// Whether the sender of a signal is a member, in a room that has this revision at the least.
    pub(crate) fn knows(&mut self, sender: &PeerId, revision: u64) -> SenderKnown {
        let roster = self.roster.as_ref();
        if roster.is_some_and(|roster| roster.member(sender).is_some()) {
            return SenderKnown::Yes;
        }
        self.note_told(revision);
        self.note_gap();
        match self.is_behind() {
            true => SenderKnown::Perhaps,
            false => SenderKnown::No,
        }
    }

    /// Whether the directory has let it in, or may have, and this node's roster has not reached that step.
    pub(crate) fn is_joining(&self, peer: &PeerId) -> bool {
        let mut joining = self.joining.iter().map(|joining| &joining.local.peer);
        joining.any(|joining| joining == peer) || self.opening.contains(peer)
    }

    /// The roster was read again. While it is `doubtful` whether everybody has written what is his, one that lacks a
    /// member of whose leaving nobody told is not taken for the whole: it is read again.
    pub(crate) fn install(&mut self, mut snapshot: RosterSnapshot, doubtful: bool) -> After {
        let mut after = After::default();
        let Some(known) = &self.roster else {
            return after;
        };
        // The directory knows best: what was said to exist beyond this does not, unless it waits here.
        let joining = self.joining.iter().map(|joining| joining.revision);
        let waiting = joining.chain(self.held.iter().map(|step| step.revision));
        self.known = waiting.fold(snapshot.revision, u64::max);
        self.supposed = 0;
        let is_partial = doubtful && self.lacks_somebody(known, &snapshot);
        if snapshot.revision > known.revision && !is_partial {
            if !doubtful {
                self.joining.retain(|joining| !joining.is_over(&snapshot));
            }
            let unreadable = std::mem::take(&mut snapshot.unreadable);
            let mut fresh = Roster::new(snapshot);
            fresh.fill_in(&unreadable, known);
            let stale = self.roster.replace(fresh).expect("it was just there");
            self.tell_difference(&stale, &mut after);
            self.complete_joins(&mut after);
        }
        self.catch_up(&mut after);
        after
    }

    /// What is known of it may be wrong: whatever is read next counts.
    pub(crate) fn distrust(&mut self) {
        self.note_told(self.revision());
        if let Some(roster) = &mut self.roster {
            roster.revision = 0;
            self.note_gap();
        }
    }

    fn lacks_somebody(&self, known: &Roster, snapshot: &RosterSnapshot) -> bool {
        known
            .members()
            .any(|member| !snapshot.lists(&member.peer) && self.held_reason(&member.peer).is_none())
    }

    fn forget_held_if_unused(&mut self) {
        if self.is_unused() {
            self.held.clear();
        }
    }

    fn take(&mut self, step: RosterChange, after: &mut After) {
        let Some(roster) = &mut self.roster else {
            return;
        };
        let before = roster.member(step.change.peer()).cloned();
        let known = before.as_ref().map(|member| member.flags);
        roster.apply(step.revision, &step.change);
        // A step about a record of another version does not say all that the roster knows of the member.
        let now = roster.member(step.change.peer()).cloned();
        let revision = step.revision;
        match step.change {
            Change::Joined { member, ready } => {
                let member = now.unwrap_or(member);
                match before {
                    Some(before) => self.tell_moved(&before, member, revision, after),
                    None => self.tell_joined(member, revision, after),
                }
                self.complete_joins(after);
                if ready {
                    self.tell_ready_to_locals(revision);
                }
            }
            Change::Moved { member } => {
                let member = now.unwrap_or(member);
                match before {
                    Some(before) => self.tell_moved(&before, member, revision, after),
                    // It was let in by a directory that had gone back in time, under a revision that was taken here.
                    None => self.tell_joined(member, revision, after),
                }
                self.complete_joins(after);
            }
            Change::Updated { peer, profile } if known.is_some_and(|flags| !flags.hidden) => {
                self.tell_state(peer, profile.state, revision);
            }
            Change::Left { peer, reason } if known.is_some() => {
                let visible = known.is_some_and(|flags| !flags.hidden);
                self.tell_left(peer, reason, revision, visible, after);
            }
            Change::Updated { .. } | Change::Left { .. } => {}
        }
    }

    /// Tells `joined` to those whose step the roster has reached.
    fn complete_joins(&mut self, after: &mut After) {
        let Some(roster) = &self.roster else { return };
        let mut index = 0;
        while let Some(joining) = self.joining.get_mut(index) {
            if joining.revision <= roster.revision && !joining.is_in(roster) {
                // The directory let it in after it had gone back in time, and gave a revision that it had given before. The
                // next one that is above all, once everybody has asserted, has it; another's step may have that one, too.
                joining.revision = roster.revision + 1;
                self.known = self.known.max(joining.revision);
            }
            if joining.revision > roster.revision {
                index += 1;
                continue;
            }
            let Joining {
                local,
                entry,
                revision,
                joined,
            } = self.joining.remove(index);
            let mut members = roster.visible();
            // Another node may have kept it as away until now. It is the one that is not told when that is over.
            let own = members.iter_mut().find(|member| member.peer == local.peer);
            if let Some(own) = own {
                own.connection = Connection::Live;
            }
            let snapshot = RoomSnapshot {
                room: self.id.clone(),
                revision: roster.revision,
                capacity: roster.capacity,
                members,
            };
            if joined.send(snapshot.clone()).is_err() {
                continue;
            }
            if let Entry::Join(re) = entry {
                local.tell(joined_message(re, snapshot));
                if let (true, Some(peers)) = (roster.ready >= revision, roster.pair()) {
                    local.tell(Ready {
                        room: self.id.clone(),
                        offerer: peers[0],
                        peers,
                    });
                }
            }
            after.entered.push(local.clone());
            match self
                .locals
                .binary_search_by_key(&local.peer, |known| known.peer)
            {
                // Its own former connection, which is on its way out.
                Ok(place) => self.locals[place] = local,
                Err(place) => {
                    self.locals.reserve_exact(1);
                    self.locals.insert(place, local);
                }
            }
        }
    }
}

fn joined_message(re: u64, snapshot: RoomSnapshot) -> Joined {
    Joined {
        re,
        room: snapshot.room,
        revision: snapshot.revision,
        capacity: snapshot.capacity,
        members: snapshot.members,
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;
    use switchboard_protocol::ServerMessage;
    use tokio::sync::oneshot::error::TryRecvError;

    use super::*;
    use crate::backend::record::{Flags, Profile, Unread};
    use crate::sessions::directory_state::DirectoryState;
    use crate::sessions::local_session::{NewSession, OutboxFull, Recipient};
    use crate::signal::inbound::Inbound;
    use crate::signal::unanswered::Unanswered;

    struct Nobody;

    impl Recipient for Nobody {
        fn push(&self, _: ServerMessage) -> Result<(), OutboxFull> {
            Ok(())
        }

        fn superseded(&self) {}
    }

    #[derive(Default)]
    struct Hears(Mutex<Vec<ServerMessage>>);

    impl Recipient for Hears {
        fn push(&self, message: ServerMessage) -> Result<(), OutboxFull> {
            self.0.lock().push(message);
            Ok(())
        }

        fn superseded(&self) {}
    }

    fn local(peer: PeerId) -> Arc<LocalSession> {
        told_to(peer, Arc::new(Nobody))
    }

    fn told_to(peer: PeerId, recipient: Arc<dyn Recipient>) -> Arc<LocalSession> {
        let session = NewSession {
            peer,
            user: "alice".parse().expect("a user id"),
            receipts: true,
            hidden: false,
            resumable: true,
            recipient,
        };
        let signals = (Unanswered::new(Arc::default()), Inbound::default());
        Arc::new(LocalSession::new(
            session,
            1,
            signals,
            DirectoryState::new(1, None),
        ))
    }

    fn member(peer: PeerId) -> MemberRecord {
        MemberRecord {
            peer,
            epoch: 1,
            node: NodeId::start("node"),
            order: 1,
            flags: Flags::default(),
            user: "alice".parse().expect("a user id"),
            joined_at: 0,
            profile: Profile::default(),
            unread: None,
        }
    }

    #[test]
    fn whoever_is_let_in_by_a_directory_that_went_back_in_time_is_in_once_the_roster_has_him() {
        let (own, other) = (PeerId::random(), PeerId::random());
        let read = |revision, peers: &[PeerId]| {
            let members = peers.iter().copied().map(member).collect();
            RosterSnapshot::of(revision, 0, 8, members)
        };
        let mut room = Room::new("r".parse().expect("a room id"));
        room.roster = Some(Roster::new(read(5, &[other])));
        room.open(own);
        let joining = local(own);
        let (mut joined, _) = room.admit(&joining, Entry::Join(1), 4, Some(read(4, &[other, own])));
        assert!(joined.try_recv().is_err());
        // Another's step has the revision that comes next.
        room.step(RosterChange {
            room: room.id.clone(),
            revision: 6,
            change: Change::Moved {
                member: member(other),
            },
        });
        assert!(joined.try_recv().is_err() && room.is_behind());
        room.install(read(7, &[other, own]), false);
        assert!(joined.try_recv().is_ok() && !room.is_behind());
    }

    #[test]
    fn nobody_is_shown_itself_as_away() {
        let own = member(PeerId::random());
        let mut away = own.clone();
        away.flags.away = true;
        let mut room = Room::new("r".parse().expect("a room id"));
        let entry = Entry::Resume;
        let read = RosterSnapshot::of(5, 0, 8, vec![away]);
        let (mut joined, _) = room.admit(&local(own.peer), entry, 5, Some(read));
        let shown = joined.try_recv().expect("it is in");
        assert_eq!(shown.members, [own.to_member()]);
    }

    #[test]
    fn whoever_had_to_go_before_the_roster_reached_its_join_is_not_waited_for() {
        let (own, other) = (PeerId::random(), PeerId::random());
        let read = |revision, peers: &[PeerId]| {
            let members = peers.iter().copied().map(member).collect();
            RosterSnapshot::of(revision, 0, 8, members)
        };
        let mut room = Room::new("r".parse().expect("a room id"));
        room.roster = Some(Roster::new(read(2, &[other])));
        room.open(own);
        let (mut joined, _) =
            room.admit(&local(own), Entry::Join(1), 4, Some(read(4, &[other, own])));
        // Read before it was let in, and while not everybody has written what is his.
        room.install(read(3, &[other]), false);
        room.install(read(6, &[other]), true);
        assert_eq!(joined.try_recv(), Err(TryRecvError::Empty));
        room.install(read(7, &[other]), false);
        assert_eq!(joined.try_recv(), Err(TryRecvError::Closed));
    }

    #[test]
    fn a_roster_that_is_read_tells_who_lost_its_name_from_who_left() {
        let holder_of = |name: &str, order| {
            let mut holder = member(PeerId::random());
            (holder.order, holder.flags.named) = (order, true);
            holder.profile.name = Some(name.into());
            holder
        };
        let former = [holder_of("anna", 1), holder_of("ben", 2)];
        let fresh = vec![holder_of("anna", 3), holder_of("carl", 4)];
        let mut room = Room::new("r".parse().expect("a room id"));
        room.roster = Some(Roster::new(RosterSnapshot::of(2, 2, 8, former.to_vec())));
        let after = room.install(RosterSnapshot::of(6, 2, 8, fresh), false);
        let reasons = former.map(|former| {
            let of_it = after.lost.iter().rfind(|(peer, _)| *peer == former.peer);
            of_it.map(|(_, reason)| *reason)
        });
        let expected = [LeaveReason::Kicked, LeaveReason::Disconnected];
        assert_eq!(reasons, expected.map(Some));
    }

    #[test]
    fn a_member_whose_record_is_lost_is_not_told_as_gone_nor_one_of_another_version_as_changed() {
        let [lost, later, left] = [1, 2, 3].map(|order| {
            let mut member = member(PeerId::random());
            (member.order, member.profile.name) = (order, Some("anna".into()));
            member
        });
        let mut room = Room::new("r".parse().expect("a room id"));
        let known = vec![lost.clone(), later.clone(), left.clone()];
        room.roster = Some(Roster::new(RosterSnapshot::of(3, 0, 8, known)));
        let unread = MemberRecord {
            profile: Profile::default(),
            unread: Some(Box::new(Unread {
                version: 2,
                flags: "".into(),
                rest: Vec::new(),
            })),
            ..later.clone()
        };
        let read = RosterSnapshot {
            unreadable: vec![lost.peer],
            ..RosterSnapshot::of(5, 0, 8, vec![unread])
        };
        let after = room.install(read, false);
        assert!(after.lost.iter().all(|(peer, _)| *peer == left.peer));
        assert!(!after.lost.is_empty());
        let roster = room.roster().expect("there is one");
        assert_eq!(roster.member(&lost.peer), Some(&lost));
        let member = roster.member(&later.peer).expect("it is listed");
        assert_eq!(member.profile, later.profile);
    }

    #[test]
    fn a_member_of_another_version_that_moves_keeps_its_name_and_state() {
        let mut named = member(PeerId::random());
        named.profile.name = Some("anna".into());
        let mut room = Room::new("r".parse().expect("a room id"));
        let known = vec![named.clone()];
        room.roster = Some(Roster::new(RosterSnapshot::of(3, 0, 8, known)));
        let unread = |epoch| MemberRecord {
            epoch,
            profile: Profile::default(),
            unread: Some(Box::new(Unread {
                version: 2,
                flags: "".into(),
                rest: Vec::new(),
            })),
            ..named.clone()
        };
        let moved = Change::Moved { member: unread(2) };
        let joined = Change::Joined {
            member: unread(3),
            ready: false,
        };
        for (revision, change) in [(4, moved), (5, joined)] {
            let after = room.step(RosterChange {
                room: room.id.clone(),
                revision,
                change,
            });
            // One whose name changed would be among those who came in.
            assert!(after.joined.is_empty());
            assert_eq!(after.moved.len(), 1);
            assert_eq!(after.moved[0].profile, named.profile);
        }
    }

    #[test]
    fn a_member_that_moves_with_another_place_in_the_order_is_told_as_gone_and_there_again() {
        let came_again = MemberRecord {
            order: 4,
            ..member(PeerId::random())
        };
        let former = MemberRecord {
            order: 3,
            ..came_again.clone()
        };
        let hears = Arc::new(Hears::default());
        let mut room = Room::new("r".parse().expect("a room id"));
        room.roster = Some(Roster::new(RosterSnapshot::of(11, 0, 8, vec![came_again])));
        room.locals = vec![told_to(PeerId::random(), hears.clone())];
        let after = room.step(RosterChange {
            room: room.id.clone(),
            revision: 12,
            change: Change::Moved {
                member: former.clone(),
            },
        });
        let told = hears.0.lock();
        let [
            ServerMessage::MemberLeft(left),
            ServerMessage::MemberJoined(joined),
        ] = &told[..]
        else {
            panic!("{told:?}")
        };
        assert_eq!(
            (left.peer, &joined.member),
            (former.peer, &former.to_member())
        );
        assert!(after.lost.is_empty(), "what waits for it goes on");
    }

    #[test]
    fn a_member_that_moves_and_of_whose_coming_nobody_heard_is_told_as_come() {
        let [other, moved] = [1, 2].map(|order| MemberRecord {
            order,
            ..member(PeerId::random())
        });
        let hears = Arc::new(Hears::default());
        let mut room = Room::new("r".parse().expect("a room id"));
        room.roster = Some(Roster::new(RosterSnapshot::of(4, 0, 8, vec![other])));
        room.locals = vec![told_to(PeerId::random(), hears.clone())];
        // Its join had a revision that the directory had given before it went back in time.
        for (revision, change) in [
            (
                3,
                Change::Joined {
                    member: moved.clone(),
                    ready: false,
                },
            ),
            (
                5,
                Change::Moved {
                    member: moved.clone(),
                },
            ),
        ] {
            room.step(RosterChange {
                room: room.id.clone(),
                revision,
                change,
            });
        }
        let told = hears.0.lock();
        let [ServerMessage::MemberJoined(joined)] = &told[..] else {
            panic!("{told:?}")
        };
        assert_eq!((joined.revision, &joined.member), (5, &moved.to_member()));
    }

    #[test]
    fn a_place_is_asserted_with_the_highest_order_that_anybody_had() {
        let [stays, leaves] = [1, 2].map(|order| MemberRecord {
            order,
            ..member(PeerId::random())
        });
        let mut room = Room::new("r".parse().expect("a room id"));
        let both = vec![stays.clone(), leaves.clone()];
        room.roster = Some(Roster::new(RosterSnapshot::of(2, 2, 8, both)));
        let order_max = |room: &Room| room.place_of(&stays.peer).map(|place| place.order_max);
        assert_eq!(order_max(&room), Some(2));
        room.step(RosterChange {
            room: room.id.clone(),
            revision: 3,
            change: Change::Left {
                peer: leaves.peer,
                reason: LeaveReason::Left,
            },
        });
        assert_eq!(order_max(&room), Some(2));
        room.install(RosterSnapshot::of(5, 2, 8, vec![stays.clone()]), false);
        assert_eq!(order_max(&room), Some(2));
    }

    #[test]
    fn a_place_is_asserted_with_the_highest_revision_that_anybody_told() {
        let id: RoomId = "r".parse().expect("a room id");
        let peer = PeerId::random();
        let mut room = Room::new(id);
        room.roster = Some(Roster::new(RosterSnapshot::of(5, 0, 8, vec![member(peer)])));
        let revision = |room: &Room| room.place_of(&peer).map(|place| place.revision);
        assert_eq!(revision(&room), Some(5));
        room.hint(13);
        assert_eq!(revision(&room), Some(13));
        room.suppose(14);
        assert_eq!((revision(&room), room.is_behind()), (Some(13), true));
        // What is read of a directory that has gone back in time lacks that, and the others need it.
        room.install(RosterSnapshot::of(4, 0, 8, vec![member(peer)]), true);
        assert_eq!((revision(&room), room.is_behind()), (Some(13), false));
        assert_eq!(room.place_of(&PeerId::random()), None);
    }
}
