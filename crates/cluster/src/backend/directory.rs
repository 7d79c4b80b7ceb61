//! Who is where: rooms, sessions, and which buckets are complete.
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
mod rooms;

pub use self::asserting::{AssertMember, AssertOutcome, AssertPeerOutcome, REVISION_LEAP};
pub use self::buckets::BucketDirectory;
pub use self::error::DirectoryError;
pub use self::joining::{Claim, JoinOutcome, JoinRequest, Place};
pub use self::peers::{Attach, AttachOutcome, PeerDirectory, Presence};
pub use self::rooms::{
    LeaveOutcome, PeerOrName, Rename, RenameOutcome, RoomDirectory, Sighting, TakeOver,
    TakeOverOutcome, UpdateOutcome,
};

/// All three together.
pub trait Directory: RoomDirectory + PeerDirectory + BucketDirectory {}

impl<D: RoomDirectory + PeerDirectory + BucketDirectory> Directory for D {}
