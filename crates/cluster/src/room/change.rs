//! A session changes what a room shows of it: its state, or its name.

use std::sync::Arc;

use switchboard_protocol::RoomId;
use switchboard_protocol::client_message::StatePatch;
use tokio::time::timeout;

use crate::backend::directory::{Claim, Rename, RenameOutcome, UpdateOutcome};
use crate::backend::record::Profile;
use crate::link::envelope::{Change, RosterChange};
use crate::node::{Inner, Node};
use crate::room::JOIN_PATIENCE;
use crate::sessions::local_session::LocalSession;

/// Why a member does not get another name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenameError {
    /// It is not in the room, or hidden there.
    #[error("not a member of the room")]
    NotAMember,
    /// Another member holds the name.
    #[error("another member of the room holds this name")]
    NameTaken,
    /// The directory did not answer.
    #[error("the cluster cannot do this at the moment")]
    Unavailable,
}

/// Why a member's state was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// It is not in the room.
    #[error("not a member of the room")]
    NotAMember,
    /// The state would be over its bound.
    #[error("the state would be too large")]
    TooLarge,
    /// The directory did not answer.
    #[error("the cluster cannot do this at the moment")]
    Unavailable,
}

impl Node {
    /// Takes another name in a room, its own from then on. `Ok` means that the roster of this node has it, and that the
    /// session was told.
    pub async fn rename(
        &self,
        local: &Arc<LocalSession>,
        room: &RoomId,
        name: &Arc<str>,
        claim: Claim,
    ) -> Result<(), RenameError> {
        let node = &self.0;
        let turn = local.directory.turn.lock().await;
        let profile = local
            .directory
            .profile(room)
            .ok_or(RenameError::NotAMember)?;
        let rename = Rename {
            room: room.clone(),
            peer: local.peer,
            epoch: local.epoch,
            profile: Profile {
                name: Some(name.clone()),
                ..profile
            },
            claim,
        };
        let outcome = node.backend.directory.rename(&rename).await;
        let (changed, place) = match outcome.map_err(|_| RenameError::Unavailable)? {
            RenameOutcome::NotAMember => return Err(RenameError::NotAMember),
            RenameOutcome::NameTaken => return Err(RenameError::NameTaken),
            RenameOutcome::Renamed {
                changed,
                place,
                evicted,
            } => {
                if let Some(evicted) = &evicted {
                    node.tell_evicted(room, evicted, &place).await;
                }
                (changed, *place)
            }
        };
        local.directory.note_room(room, rename.profile);
        let (revision, nodes) = (place.revision, node.with_own(place.nodes));
        if changed {
            let member = place.member;
            let step = RosterChange {
                room: room.clone(),
                revision,
                change: Change::Moved { member },
            };
            node.announce(&nodes, step);
        } else {
            node.hint(&nodes, room, revision);
        }
        drop(turn);
        node.until_reached(room, revision).await;
        Ok(())
    }

    /// Merges a patch into the session's state in a room.
    pub async fn update(
        &self,
        local: &Arc<LocalSession>,
        room: &RoomId,
        patch: &StatePatch,
    ) -> Result<(), UpdateError> {
        let node = &self.0;
        let _turn = local.directory.turn.lock().await;
        let mut profile = local
            .directory
            .profile(room)
            .ok_or(UpdateError::NotAMember)?;
        profile.state = profile
            .state
            .merge(patch)
            .map_err(|_| UpdateError::TooLarge)?;
        let updated = node
            .backend
            .directory
            .update(room, &local.peer, local.epoch, &profile)
            .await;
        match updated.map_err(|_| UpdateError::Unavailable)? {
            UpdateOutcome::NotAMember => Err(UpdateError::NotAMember),
            UpdateOutcome::Updated {
                changed: false,
                revision,
                nodes,
            } => {
                local.directory.note_room(room, profile);
                node.hint(&nodes, room, revision);
                Ok(())
            }
            UpdateOutcome::Updated {
                revision, nodes, ..
            } => {
                local.directory.note_room(room, profile.clone());
                let change = Change::Updated {
                    peer: local.peer,
                    profile,
                };
                node.announce(
                    &nodes,
                    RosterChange {
                        room: room.clone(),
                        revision,
                        change,
                    },
                );
                Ok(())
            }
        }
    }
}

impl Inner {
    /// Waits until the roster of this node has a revision, but not for ever.
    async fn until_reached(&self, room: &RoomId, revision: u64) {
        let Some(room) = self.rooms.get(room.as_str()) else {
            return;
        };
        let reached = room.lock().reaches(revision);
        drop(room);
        let _ = timeout(JOIN_PATIENCE, reached).await;
    }
}
