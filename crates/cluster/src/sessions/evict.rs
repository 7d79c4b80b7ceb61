//! A user who has as many sessions as allowed comes with a new one: the user's oldest session without a connection makes way,
//! as a page that is reloaded leaves one behind each time. It may be kept by any node. One that has a connection never does.

use std::sync::Arc;

use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{PeerId, UserId};

use crate::backend::directory::{DirectoryError, Presence};
use crate::backend::record::Epoch;
use crate::node::Inner;
use crate::observe::{AwayEnd, Observation};
use crate::sessions::detach::Departing;

impl Inner {
    /// False: all of the user's sessions have a connection.
    pub(crate) async fn evict_one_of(
        self: &Arc<Self>,
        user: &UserId,
    ) -> Result<bool, DirectoryError> {
        let directory = &self.backend.directory;
        let mut away = Vec::new();
        for peer in directory.user_sessions(user).await? {
            match directory.presence(&peer).await? {
                Presence::Live => {}
                Presence::Away { epoch, since } => away.push((since, peer, epoch)),
                // What is kept of a session goes after its place among the user's: this one was lost track of.
                Presence::Unknown => {
                    directory.dismiss(user, &peer).await?;
                    return Ok(true);
                }
            }
        }
        away.sort_unstable();
        for (_, peer, epoch) in away {
            if self.evict(user, peer, epoch).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// False: it is not away any more.
    async fn evict(
        self: &Arc<Self>,
        user: &UserId,
        peer: PeerId,
        epoch: Epoch,
    ) -> Result<bool, DirectoryError> {
        let directory = &self.backend.directory;
        // If this node dies before the session is out of the directory, another one finds it.
        directory.enlist(&self.id, &peer).await?;
        let evicted = directory.evict(&peer, epoch, &self.id).await;
        let Some(former) = evicted? else {
            self.delist_unless_here(&peer).await;
            return Ok(false);
        };
        let epoch = epoch + 1;
        self.sessions.let_go(&peer, epoch, &self.id);
        if former != self.id {
            self.links.to(&former).tell_moved(peer, epoch);
        }
        // It leaves its rooms whatever becomes of this call.
        let departing = Departing::of_evicted(peer, epoch, user);
        self.spawn_departure(departing, LeaveReason::Expired);
        self.observe
            .observe(Observation::AwayEnded(AwayEnd::UserLimit));
        directory.dismiss(user, &peer).await?;
        Ok(true)
    }
}
