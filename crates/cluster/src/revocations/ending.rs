//! Ends sessions of this node that are revoked: those with a connection and those that are away.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use switchboard_protocol::PeerId;
use switchboard_protocol::server_message::LeaveReason;

use crate::backend::revocation::{Credential, Revocation};
use crate::node::Inner;
use crate::observe::Observation;
use crate::sessions::away::Away;
use crate::sessions::detach::Departing;
use crate::sessions::local_session::LocalSession;

impl Inner {
    /// Looks at every session of this node.
    pub(super) fn end_revoked(self: &Arc<Self>) {
        for local in self.sessions.all_live() {
            self.end_if_revoked(&local);
        }
        for away in self.sessions.all_away() {
            self.end_away_if_revoked(&away);
        }
    }

    /// Something was revoked, and these sessions are, or were, here.
    pub(crate) fn end_revoked_among(self: &Arc<Self>, sessions: &[PeerId], entry: &Revocation) {
        self.revocations.note(entry);
        for peer in sessions {
            if let Some(local) = self.sessions.live(peer) {
                self.end_if_revoked(&local);
            }
            if let Some(away) = self.sessions.away(peer) {
                self.end_away_if_revoked(&away);
            }
        }
    }

    /// True: it is revoked, and its connection is told to close.
    pub(crate) fn end_if_revoked(&self, local: &LocalSession) -> bool {
        let is_revoked = {
            let shown = local.credential.lock();
            self.revocations
                .covers(&local.peer, &local.user, Some(&shown))
        };
        if is_revoked && !local.revoked.swap(true, Ordering::AcqRel) {
            self.observe.observe(Observation::SessionRevoked);
            local.recipient.revoked();
        }
        is_revoked
    }

    /// The client of a session has shown something else. False: that is revoked, and counts as not shown.
    pub(super) fn take_credential(&self, local: &LocalSession, shown: Credential) -> bool {
        if self
            .revocations
            .covers(&local.peer, &local.user, Some(&shown))
        {
            return false;
        }
        *local.credential.lock() = shown;
        // What was revoked meanwhile did not find it.
        !self.end_if_revoked(local)
    }

    /// To be called for each session that this node has just begun to keep, too: what was revoked before did not find it.
    pub(crate) fn end_away_if_revoked(self: &Arc<Self>, away: &Arc<Away>) {
        let shown = away.credential.as_ref();
        let is_revoked = self.revocations.covers(&away.peer, &away.user, shown);
        if is_revoked && self.sessions.stop_keeping(away) {
            self.observe.observe(Observation::SessionRevoked);
            self.spawn_departure(Departing::of_away(away), LeaveReason::Kicked);
        }
    }
}
