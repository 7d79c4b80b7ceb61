//! Who is where: rooms, sessions, which buckets are complete; and what is revoked.
//!
//! Each call is one atomic step on one slot and idempotent by (peer, epoch), so that it may be repeated after an answer
//! was lost. What spans slots is a sequence of calls ([`attach`](crate::sessions::attach)) in an order that leaves, after a
//! crash in between, something that the reaper or an assertion completes.

mod asserting;
mod buckets;
mod calls;
mod error;
mod joining;
mod peers;
mod revocations;
mod rooms;

pub use self::asserting::{AssertMember, AssertOutcome, AssertPeerOutcome, REVISION_LEAP};
pub use self::buckets::BucketDirectory;
pub use self::error::DirectoryError;
pub use self::joining::{Claim, JoinOutcome, JoinRequest, Place};
pub use self::peers::{Admission, Admitted, Attach, AttachOutcome, PeerDirectory, Presence};
pub(crate) use self::revocations::KEPT_MAX_S;
pub use self::revocations::{
    CutOff, LostEntries, NewRevocation, RESTORED_AT_ONCE, REVOCATIONS_MAX, Restored,
    RevocationDirectory, RevokeRequest,
};
pub use self::rooms::{
    LeaveOutcome, PeerOrName, Rename, RenameOutcome, RoomDirectory, Sighting, TakeOver,
    TakeOverOutcome, UpdateOutcome,
};

/// All four together.
pub trait Directory: RoomDirectory + PeerDirectory + BucketDirectory + RevocationDirectory {}

impl<D: RoomDirectory + PeerDirectory + BucketDirectory + RevocationDirectory> Directory for D {}
