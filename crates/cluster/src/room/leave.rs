//! A session leaves a room: first in the directory, then every node with members is told.

use std::sync::Arc;

use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{PeerId, RoomId};
use switchboard_traces::TracedOperation;

use crate::backend::directory::{DirectoryError, LeaveOutcome};
use crate::backend::record::Epoch;
use crate::node::{Inner, Node};
use crate::sessions::local_session::LocalSession;

impl Node {
    /// Leaves a room: the session hears nothing of it any more.
    pub async fn leave(
        &self,
        local: &Arc<LocalSession>,
        room: &RoomId,
    ) -> Result<(), DirectoryError> {
        let leaving = async {
            let _turn = local.directory.turn.lock().await;
            self.0.leave(local, room, LeaveReason::Left).await
        };
        let about = (&local.peer, Some(room.as_str()));
        self.0.traced(TracedOperation::Leave, about, leaving).await
    }
}

impl Inner {
    /// Takes a session out of a room, here and in the directory. Where the directory does not answer, the room stays
    /// noted with the session: its next join of that room, its next assertion, or its end, completes this.
    pub(crate) async fn leave(
        &self,
        local: &Arc<LocalSession>,
        room: &RoomId,
        reason: LeaveReason,
    ) -> Result<(), DirectoryError> {
        self.rooms.remove_local(local, room);
        local.directory.note_undone(room);
        self.leave_room(room, &local.peer, local.epoch, reason)
            .await?;
        local.directory.forget_room(room);
        Ok(())
    }

    /// Takes a member out of a room in the directory, and tells the others.
    pub(crate) async fn leave_room(
        &self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
        reason: LeaveReason,
    ) -> Result<LeaveOutcome, DirectoryError> {
        let directory = &self.backend.directory;
        let left = directory.leave(room, peer, epoch).await?;
        self.tell_leave(room, peer, &left, reason);
        directory.intend(peer, epoch, room, false).await?;
        Ok(left)
    }
}
