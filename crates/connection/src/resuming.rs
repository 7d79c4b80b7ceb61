//! A client that wants to go on with its session, here.

use std::future::poll_fn;
use std::pin::pin;

use switchboard_cluster::{Node, ResumeError, Resumed};
use switchboard_dialects::Introduction;
use switchboard_protocol::CloseCode;
use switchboard_protocol::client_message::Resume;
use switchboard_protocol::server_message::RoomSnapshot;
use switchboard_session::Closing;
use switchboard_session::grants::Grants;

use crate::connection::Connection;
use crate::departure::{End, revoked};
use crate::greeting::{Attached, authenticate};
use crate::host::Coming;

impl Connection {
    /// `None`: there is nothing to resume, and the client gets a new session.
    pub(crate) async fn resume(
        &mut self,
        introduction: &Introduction<'_>,
        resume: &Resume<'_>,
    ) -> Result<Option<Attached>, End> {
        // What was said before a process froze may be long over: its client has the session elsewhere by now.
        if self.wire.is_over().await {
            return Err(End::Gone);
        }
        let identity = authenticate(&*self.authenticate, introduction, &resume.peer).await?;
        // Anybody can name a session. Without its secret, or where the cluster has another key by now, this counts as a new one
        // before the directory is asked.
        let is_secret = self
            .host
            .node
            .is_secret(&resume.peer, &identity.user, &resume.secret);
        self.admit(match is_secret {
            true => Coming::Resuming,
            false => Coming::New,
        })?;
        let session = self.session(resume.peer, &identity, &introduction.hello);
        let node = &self.host.node;
        // It cannot be taken back half done, and there may be a queue of them. The cluster asks whether one is still wanted.
        let mut resuming = pin!(node.resume(session, &resume.secret, resume));
        let resumed = poll_fn(|cx| {
            if !self.mailbox.is_client_gone() && self.wire.poll_over(cx).is_ready() {
                self.mailbox.note_client_gone();
            }
            resuming.as_mut().poll(cx)
        });
        let resumed = resumed.await;
        if resumed.is_err() {
            // Rooms that were entered by then had something to tell. Nobody is welcomed, and so nobody is told.
            self.mailbox.clear();
        }
        match resumed {
            Ok(resumed) => {
                self.arrived = Some(resumed.local.clone());
                let Resumed { local, rooms } =
                    leave_what_is_not_granted(node, resumed, &identity.grants).await;
                Ok(Some(Attached {
                    identity,
                    local,
                    rooms: Some(rooms),
                }))
            }
            Err(ResumeError::Refused) => Ok(None),
            Err(error @ ResumeError::OtherUser) => Err(End::Close(Closing::because(
                CloseCode::Unauthorized,
                error.to_string(),
            ))),
            Err(ResumeError::Revoked) => Err(End::Close(revoked())),
            Err(ResumeError::Superseded) => Err(End::Close(Closing::new(CloseCode::Superseded))),
            Err(ResumeError::Unavailable) => Err(End::unavailable()),
        }
    }
}

/// The token may be another one than the session began with, and cover less.
async fn leave_what_is_not_granted(node: &Node, resumed: Resumed, grants: &Grants) -> Resumed {
    let Resumed { local, rooms } = resumed;
    let (rooms, others): (Vec<_>, Vec<_>) = rooms
        .into_iter()
        .partition(|snapshot| grants.covers(&snapshot.room));
    for RoomSnapshot { room, .. } in others {
        // Where the directory cannot be told now, the next assertion tells it.
        let _ = node.leave(&local, &room).await;
    }
    Resumed { local, rooms }
}
