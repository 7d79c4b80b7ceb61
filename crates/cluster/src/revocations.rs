//! What is revoked, as this node knows it: the whole log, so that nobody has to be asked when a client comes.
//!
//! ```text
//! POST /v1/revocations ─► revoking: the user's cut-off ─► the log ─► the nodes of the user's sessions, at once
//!                                                           │
//!             every node: reading, each second ◄────────────┘─► known ─► ending: live sessions and away ones
//!                              └─► what the log has lost is written again
//! ```
//!
//! A client that comes is checked against [`Known`], twice: before it is let in, and once this node lists its session, since
//! an entry may have come in between. The script that counts it for its user knows the user's cut-off, too, and so a
//! node that is a second behind lets no revoked user in.

mod ending;
mod known;
mod reading;
pub(crate) mod revoking;

use parking_lot::Mutex;
use switchboard_protocol::{PeerId, UserId};

use self::known::Known;
use crate::backend::revocation::{Credential, LogPosition, Revocation};
use crate::observe::repeated::Repeated;

/// Everything that is revoked.
#[derive(Default)]
pub(crate) struct Revocations {
    known: Mutex<Known>,
    /// How far the log is read. Held while it is read.
    read: tokio::sync::Mutex<ReadLog>,
    warnings: Warnings,
}

/// What this node has read of the log.
#[derive(Default)]
struct ReadLog {
    position: LogPosition,
    /// The backend's doubts that are taken into account: after another one, the log is read from its start.
    doubts: u64,
    /// Counts the readings from the start. What the log has is known from the last one or from a later page.
    pass: u64,
}

/// What a fault can repeat, and an operator need not read each time.
#[derive(Default)]
struct Warnings {
    restored: Repeated,
}

impl Revocations {
    /// How many entries are in force.
    pub(crate) fn len(&self) -> usize {
        self.known.lock().len()
    }

    /// Whether a session, or one that a client would begin, is revoked.
    pub(crate) fn covers(&self, peer: &PeerId, user: &UserId, shown: &Credential) -> bool {
        self.known.lock().covers(peer, user, shown)
    }

    /// Takes note of an entry that may not be in the log that this node has read.
    pub(crate) fn note(&self, entry: &Revocation) {
        self.known.lock().note(entry, 0);
    }
}
