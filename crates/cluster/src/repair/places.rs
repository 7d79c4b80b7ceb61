//! The places of sessions in rooms, as this node writes them again.

use switchboard_protocol::RoomId;

use crate::backend::bucket::Bucket;
use crate::backend::directory::{AssertMember, AssertOutcome, DirectoryError};
use crate::node::Inner;
use crate::observe::Observation;
use crate::repair::failure::once_filled;
use crate::sessions::local_session::LocalSession;

impl Inner {
    /// A live member of a room as this node's roster has it. Where that has it as another node's, or as away, under this
    /// very epoch, or, read from a directory that had gone back in time, under a former one, its place is taken back. That
    /// waits until the room is open; its revision cannot, nor can, where the directory may have lost what was written last,
    /// what the session told of itself.
    pub(super) async fn assert_own_place(
        &self,
        local: &LocalSession,
        room: &RoomId,
        lift: bool,
    ) -> Result<(), DirectoryError> {
        let known = self.rooms.place_of(local, room);
        let Some(mut place) = known.filter(|place| place.member.epoch <= local.epoch) else {
            return Ok(());
        };
        place.lift = lift;
        let member = &mut place.member;
        let is_current = member.epoch == local.epoch;
        let is_right = is_current && member.node == self.id && !member.flags.away;
        let is_own = is_current && self.has_its_places() && member.unread.is_none();
        if let (true, Some(profile)) = (lift && is_own, local.directory.profile(room)) {
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

    /// False: the directory had it, or has a newer one. Where the revision was lifted, the answer does not tell whether
    /// anything was missing.
    pub(super) async fn assert_place(&self, place: &AssertMember) -> Result<bool, DirectoryError> {
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

    /// Writes a place of an away session where it is missing, to be verified later.
    pub(super) async fn assert_kept_place(
        &self,
        place: &AssertMember,
    ) -> Result<(), DirectoryError> {
        // Before the call: a write that fails, or whose cycle is broken off, may take effect all the same.
        let before = self.repairs.unverified.note(place);
        if !self.assert_place(place).await? {
            self.repairs.unverified.take_back(place, before);
        }
        Ok(())
    }

    /// Writes the former places for their sessions' owners where their rooms are closed or, in doubt (`lift`), may have to be. The owners
    /// take the places themselves, with a higher epoch, once the rooms are open.
    pub(super) async fn assert_former(
        &self,
        closed: &[Bucket],
        lift: bool,
    ) -> Result<(), DirectoryError> {
        let may_be_lost = |bucket| lift || closed.contains(&bucket);
        for mut place in self.sessions.former_places().where_rooms(may_be_lost) {
            let (peer, epoch) = (place.member.peer, place.member.epoch);
            let record = match self.backend.directory.peer(&peer).await {
                Err(DirectoryError::Corrupt(what)) => {
                    self.note_unreadable_session(&peer, &what);
                    continue;
                }
                // Its owner is about to write it again.
                Err(DirectoryError::Forgotten) => continue,
                record => record?,
            };
            let is_wanted = |rooms: &[_]| rooms.contains(&place.room);
            let owner = record.filter(|record| {
                record.node != self.id && record.epoch >= epoch && is_wanted(&record.rooms)
            });
            if let Some(owner) = owner {
                place.member.node = owner.node;
                place.member.flags.away = true;
                place.lift = lift;
                self.assert_kept_place(&place).await?;
            }
        }
        Ok(())
    }
}
