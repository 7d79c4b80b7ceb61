//! Verifies the places that this node wrote for sessions without a connection here, see
//! [`Unverified`](crate::repair::unverified::Unverified).

use switchboard_protocol::server_message::LeaveReason;

use crate::backend::directory::DirectoryError;
use crate::node::Inner;
use crate::repair::unverified::{PlaceKey, UnverifiedWrite};
use crate::tasks::Task;

impl Inner {
    /// Takes those members out whose sessions do not want their places any more.
    pub(super) async fn verify_places(&self) -> Result<(), DirectoryError> {
        for (place, written) in self.repairs.unverified.due() {
            let verified = self
                .tasks
                .guarded_in(Task::Assertion, self.verify(&place, &written));
            match verified.await.unwrap_or(Ok(true)) {
                Ok(true) => {}
                // A later cycle does it.
                Ok(false) | Err(DirectoryError::Forgotten) => continue,
                Err(DirectoryError::Corrupt(what)) => self.note_unreadable_session(&place.0, &what),
                Err(error) => return Err(error),
            }
            self.repairs.unverified.remove(&place);
        }
        Ok(())
    }

    /// False: the directory forgot the session, and this node is about to write it again.
    async fn verify(
        &self,
        (peer, room): &PlaceKey,
        written: &UnverifiedWrite,
    ) -> Result<bool, DirectoryError> {
        let directory = &self.backend.directory;
        match directory.peer(peer).await? {
            Some(record) if record.rooms.contains(room) => return Ok(true),
            None if self.sessions.has(peer) => return Ok(false),
            _ => {}
        }
        let left = directory.leave_kept(room, peer, written.epoch, &written.node);
        let left = left.await?;
        self.tell_leave(room, peer, &left, LeaveReason::Disconnected);
        Ok(true)
    }
}
