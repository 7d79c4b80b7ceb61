//! Sessions of this node come into a room and leave it.

use std::sync::Arc;

use switchboard_protocol::server_message::{Joined, Ready, RoomSnapshot};
use switchboard_protocol::{Connection, PeerId};
use tokio::sync::oneshot;

use super::state::{After, EnteredBy, Joining, Room};
use crate::backend::record::RosterSnapshot;
use crate::room::roster::Roster;
use crate::sessions::local_session::LocalSession;

impl Joining {
    pub(super) fn is_in(&self, roster: &Roster) -> bool {
        let member = roster.member(&self.local.peer);
        member.is_some_and(|member| member.epoch >= self.local.epoch)
    }

    /// It was let in, and had to go before the roster here reached that step.
    pub(super) fn is_over(&self, snapshot: &RosterSnapshot) -> bool {
        self.revision <= snapshot.revision && !snapshot.lists(&self.local.peer)
    }
}

impl Room {
    /// A join is about to ask the directory: what arrives from now on must not be lost.
    pub(crate) fn open(&mut self, peer: PeerId) {
        self.arrivals.opening.push(peer);
    }

    /// The directory did not let it in.
    pub(crate) fn give_up_opening(&mut self, peer: &PeerId) {
        self.end_opening(peer);
        self.forget_steps_if_unused();
    }

    pub(super) fn end_opening(&mut self, peer: &PeerId) {
        if let Some(at) = self
            .arrivals
            .opening
            .iter()
            .position(|opening| opening == peer)
        {
            self.arrivals.opening.swap_remove(at);
        }
        if self.arrivals.opening.is_empty() {
            self.arrivals.opening = Vec::new();
        }
    }

    /// Whose turn it is to read the whole room; `None`: its roster is here.
    pub(crate) fn first(&mut self) -> Option<Arc<tokio::sync::Mutex<()>>> {
        match self.roster {
            Some(_) => None,
            None => Some(self.arrivals.first.get_or_insert_default().clone()),
        }
    }

    /// The directory let `local` in, with that step. It is told when the roster reaches the step, at once if it can be.
    pub(crate) fn admit(
        &mut self,
        local: &Arc<LocalSession>,
        entry: EnteredBy,
        revision: u64,
        snapshot: Option<RosterSnapshot>,
    ) -> (oneshot::Receiver<RoomSnapshot>, After) {
        self.end_opening(&local.peer);
        let (joined, when_joined) = oneshot::channel();
        self.note_told(revision);
        self.arrivals.joining.push(Joining {
            local: local.clone(),
            entry,
            revision,
            joined,
        });
        let mut after = After::default();
        if self.roster.is_none() {
            self.roster = snapshot.map(Roster::new);
            self.arrivals.first = None;
        }
        self.complete_joins(&mut after);
        self.catch_up(&mut after);
        (when_joined, after)
    }

    /// `local` is on its way out: it hears nothing of the room any more.
    pub(crate) fn remove_local(&mut self, local: &LocalSession) {
        // Its successor may be on this node as well.
        let is_it = |known: &LocalSession| known.peer == local.peer && known.epoch == local.epoch;
        self.arrivals
            .joining
            .retain(|joining| !is_it(&joining.local));
        self.locals.retain(|known| !is_it(known));
        self.forget_steps_if_unused();
    }

    /// Whether the directory has let it in, or may have, and this node's roster has not reached that step.
    pub(crate) fn is_joining(&self, peer: &PeerId) -> bool {
        let mut joining = self
            .arrivals
            .joining
            .iter()
            .map(|joining| &joining.local.peer);
        joining.any(|joining| joining == peer) || self.arrivals.opening.contains(peer)
    }

    pub(super) fn forget_steps_if_unused(&mut self) {
        if self.is_unused() {
            self.out_of_order.clear();
        }
    }

    /// Tells `joined` to those whose step the roster has reached.
    pub(super) fn complete_joins(&mut self, after: &mut After) {
        let Some(roster) = &self.roster else { return };
        let mut index = 0;
        while let Some(joining) = self.arrivals.joining.get_mut(index) {
            if joining.revision <= roster.revision && !joining.is_in(roster) {
                // The directory let it in after it had gone back in time, and gave a revision that it had given before. The
                // next one that is above all, once every node has asserted, has it; another's step may have that one, too.
                joining.revision = roster.revision + 1;
                self.highest.known = self.highest.known.max(joining.revision);
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
            } = self.arrivals.joining.remove(index);
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
                media: None,
            };
            if joined.send(snapshot.clone()).is_err() {
                continue;
            }
            if let EnteredBy::Join(re) = entry {
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
        media: None,
    }
}
