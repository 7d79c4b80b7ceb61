//! What is revoked, as this node knows it: the whole log, so that nobody has to be asked when a client comes.
//!
//! ```text
//! POST /v1/revocations ─► revoking: the log ─► the user's cut-off ─► the nodes of the user's sessions, at once
//!                                     │
//!   every node: reading, each second ◄┘─► known ─► ending: live sessions and away ones
//!                    └─► what the log has lost is written again
//! ```
//!
//! A client that comes is checked against [`Known`], twice: before it is let in, and once this node lists its session, since
//! an entry may have come in between. The script that counts it for its user knows the user's cut-off, too, and so a
//! node that is a second behind lets no revoked user in.

mod ending;
mod known;
mod read_log;
mod reading;
pub(crate) mod revoking;

use parking_lot::Mutex;
use switchboard_protocol::{PeerId, UserId};
use tokio::sync::Notify;

use self::known::Known;
use self::read_log::ReadLog;
use crate::backend::directory::RevokeRequest;
use crate::backend::revocation::{Credential, Revocation};
use crate::observe::repeated::Repeated;

/// Everything that is revoked.
#[derive(Default)]
pub(crate) struct Revocations {
    known: Mutex<Known>,
    /// Held while the log is read.
    read: tokio::sync::Mutex<ReadLog>,
    /// Something new is in the log.
    news: Notify,
    warnings: Warnings,
}

/// What a fault can repeat, and an operator need not read each time.
#[derive(Default)]
struct Warnings {
    restored: Repeated,
}

impl Revocations {
    /// How many are in force.
    pub(crate) fn len(&self) -> usize {
        self.known.lock().len()
    }

    /// Whether a session, or one that a client would begin, is revoked. Where it is not known what its client has shown, only
    /// the session itself can be.
    pub(crate) fn covers(&self, peer: &PeerId, user: &UserId, shown: Option<&Credential>) -> bool {
        self.known.lock().covers(peer, user, shown)
    }

    /// Whether what a client has shown is revoked, whichever session it would be.
    pub(crate) fn covers_shown(&self, user: &UserId, shown: &Credential) -> bool {
        self.known.lock().covers_shown(user, shown)
    }

    /// Just that, if it is revoked for about as long as it would be now: a request that is repeated fills no log.
    fn known_for_long(&self, request: &RevokeRequest, kept_s: u64) -> Option<Revocation> {
        let known = self.known.lock();
        let now = known.now();
        let revoked = match request {
            // Now is a later moment each time.
            RevokeRequest::User { before: None, .. } => return None,
            request => request.at(now),
        };
        let until = known.until(&revoked)?;
        let is_long = until >= now + kept_s / 10 * 9;
        is_long.then_some(Revocation { revoked, until })
    }

    /// Takes note of an entry before this node has read it in the log.
    pub(crate) fn note(&self, entry: &Revocation) {
        self.known.lock().note(entry, 0);
    }
}
