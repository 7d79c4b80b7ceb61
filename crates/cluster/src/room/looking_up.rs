//! Members that the roster here lacks, and that a session here has a signal for.

use std::sync::Arc;

use switchboard_protocol::{PeerId, RoomId};

use super::state::{LookUp, Room};
use crate::backend::directory::{PeerOrName, Sighting};
use crate::backend::record::MemberRecord;
use crate::sessions::local_session::LocalSession;

impl Room {
    /// The member that a signal is for, as far as it is known here: by the roster, or by a look-up that has seen beyond it. A
    /// hidden member gets no signals.
    pub(crate) fn known(&self, wanted: &PeerOrName) -> Option<&MemberRecord> {
        let members = self.roster.iter().flat_map(|roster| roster.members());
        let members = members.filter(|member| !member.flags.hidden);
        let revision = self.revision();
        let sighted = self.sighted.iter();
        let mut sighted = sighted.filter_map(|(at, member)| (*at > revision).then_some(member));
        match wanted {
            PeerOrName::Peer(peer) => {
                let roster = self.roster.as_ref();
                let member = roster.and_then(|roster| roster.member(peer));
                let member = member.filter(|member| !member.flags.hidden);
                member.or_else(|| sighted.find(|member| member.peer == *peer))
            }
            PeerOrName::Name(name) => {
                let is_named = |member: &&MemberRecord| member.profile.name.as_ref() == Some(name);
                // The member that holds the name goes before those that are only called so, the newest first.
                let named = members.filter(is_named);
                let named = named.max_by_key(|member| (member.flags.named, member.order));
                named.or_else(|| sighted.find(is_named))
            }
        }
    }

    /// `local` has a signal for a member that is not known here. True: a look-up is to be started.
    pub(crate) fn seek(&mut self, wanted: &PeerOrName, local: &Arc<LocalSession>) -> bool {
        let known = self
            .look_ups
            .iter_mut()
            .find(|known| known.wanted == *wanted);
        let Some(look_up) = known else {
            self.look_ups.push(LookUp {
                wanted: wanted.clone(),
                askers: vec![local.clone()],
            });
            return true;
        };
        if !look_up.askers.iter().any(|asker| Arc::ptr_eq(asker, local)) {
            look_up.askers.push(local.clone());
        }
        false
    }

    /// A look-up begins, for all sessions that wait for it now: one that asks later waits for the next one. `None`: none waits
    /// any more, and the look-up is over.
    pub(crate) fn begin_look_up(&mut self, wanted: &PeerOrName) -> Option<RoomId> {
        let at = self
            .look_ups
            .iter()
            .position(|known| known.wanted == *wanted)?;
        let look_up = &mut self.look_ups[at];
        look_up.askers.retain(|local| {
            local
                .streams
                .unanswered
                .lock()
                .begin_seeking(&self.id, wanted)
        });
        if look_up.askers.is_empty() {
            self.look_ups.swap_remove(at);
            return None;
        }
        Some(self.id.clone())
    }

    pub(crate) fn forget_look_up(&mut self, wanted: &PeerOrName) {
        self.look_ups.retain(|known| known.wanted != *wanted);
    }

    /// The sessions for which a member is being looked up.
    pub(crate) fn askers(&self, wanted: &PeerOrName) -> Vec<Arc<LocalSession>> {
        let known = self.look_ups.iter().find(|known| known.wanted == *wanted);
        known.map_or_else(Vec::new, |known| known.askers.clone())
    }

    /// What the directory said of a member. If the roster has not reached that, the step is missing.
    pub(crate) fn note_sighting(&mut self, sighting: &Sighting) {
        let revision = self.revision();
        self.note_told(sighting.revision);
        self.sighted.retain(|(at, _)| *at > revision);
        if let Some(member) = sighting
            .member
            .as_ref()
            .filter(|_| sighting.revision > revision)
        {
            self.forget_sighting(&member.peer);
            self.sighted.push((sighting.revision, member.clone()));
        }
        self.note_gap();
    }

    fn forget_sighting(&mut self, peer: &PeerId) {
        self.sighted.retain(|(_, member)| member.peer != *peer);
    }
}
