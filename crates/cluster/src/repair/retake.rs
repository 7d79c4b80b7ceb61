//! Taking back places that another node kept although the session's client was here all the time.

use std::sync::Arc;

use switchboard_protocol::{NodeId, RoomId};

use crate::backend::directory::{DirectoryError, TakeOver, TakeOverOutcome};
use crate::backend::record::PeerRecord;
use crate::node::Inner;
use crate::repair::failure::once_filled;
use crate::sessions::local_session::LocalSession;

impl Inner {
    /// Another node took this one for dead and keeps the session's places, while its client was here all the time.
    pub(super) async fn reclaim(
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
        for room in local.directory.kept_rooms() {
            once_filled(self.retake(local, &room).await)?;
        }
        Ok(())
    }

    /// The node that kept this session while this one was taken for dead is dead itself, and the client was here all the time:
    /// the session is not away. False: it has no connection of that epoch here.
    pub(crate) async fn retake_if_connected(
        &self,
        record: &PeerRecord,
    ) -> Result<bool, DirectoryError> {
        let Some(local) = self
            .sessions
            .live(&record.peer)
            .filter(|local| local.epoch == record.epoch)
        else {
            return Ok(false);
        };
        let _turn = local.directory.turn.lock().await;
        if local.has_ended() {
            return Ok(false);
        }
        for room in local.directory.kept_rooms() {
            once_filled(self.retake(&local, &room).await)?;
        }
        Ok(true)
    }

    pub(super) async fn retake(
        &self,
        local: &LocalSession,
        room: &RoomId,
    ) -> Result<(), DirectoryError> {
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
