//! One session of a cycle: its record, what is left of it where it is no longer, and its places.

use std::sync::Arc;

use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{NodeId, RoomId};

use crate::backend::directory::{AssertPeerOutcome, DirectoryError};
use crate::backend::record::PeerRecord;
use crate::node::Inner;
use crate::observe::Observation;
use crate::repair::failure::once_filled;
use crate::sessions::OwnedSession;
use crate::sessions::away::Away;
use crate::sessions::local_session::LocalSession;

impl Inner {
    pub(super) async fn assert_owned(
        self: &Arc<Self>,
        session: OwnedSession,
        lift: bool,
    ) -> Result<(), DirectoryError> {
        let (peer, asserted) = match session {
            OwnedSession::Live(local) => (local.peer, self.assert_live_or_away(&local, lift).await),
            OwnedSession::Away(away) => (away.peer, self.assert_away(&away, lift).await),
        };
        match asserted {
            // Trying again does not help, and the others must not wait for it.
            Err(error @ DirectoryError::Corrupt(_)) => {
                if let Some(said) = self.repairs.warnings.not_asserted.happened() {
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
        let turn = local.directory.turn.lock().await;
        if !local.has_ended() {
            return self.assert_live(local, lift).await;
        }
        drop(turn);
        match self.sessions.away(&local.peer) {
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
            proven: local.directory.proven(),
            user: local.user.clone(),
            credential: Some(local.credential.lock().clone()),
            rooms: local.directory.room_ids(),
        };
        match self.assert_record(&record).await? {
            Some((node, epoch)) if epoch > local.epoch => {
                self.sessions.let_go(&local.peer, epoch, &node);
                return Ok(());
            }
            Some((node, _)) if self.has_its_places() => self.reclaim(local, &node).await?,
            _ => {}
        }
        if self.has_its_places() {
            self.leave_what_was_left(&record).await?;
            self.leave_what_is_undone(local).await?;
        }
        for room in local.directory.kept_rooms() {
            self.assert_own_place(local, &room, lift).await?;
        }
        Ok(())
    }

    /// Not while another node cleans up after this one, and keeps its sessions as away: what was taken from there now, that
    /// one would write again, or, having heard that it is here, no longer answer for.
    pub(super) fn has_its_places(&self) -> bool {
        self.lease.is_serving()
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

    /// A client that was told that a join did not succeed, or that has left, need not say so again: nothing else would
    /// take what is left of the session out of the room.
    async fn leave_what_is_undone(&self, local: &Arc<LocalSession>) -> Result<(), DirectoryError> {
        for room in local.directory.undone() {
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
        if !self.sessions.keeps(away) {
            return Ok(());
        }
        let record = PeerRecord {
            peer: away.peer,
            node: self.id.clone(),
            epoch: away.epoch,
            proven: away.proven,
            user: away.user.clone(),
            credential: away.credential.clone(),
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

    /// The owner and its epoch, if it is another node.
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
        let counted = directory.count(&record.user, &record.peer, &self.id);
        counted.await?;
        Ok(None)
    }
}
