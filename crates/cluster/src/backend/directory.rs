//! Who is where: rooms, sessions, and which buckets are complete.
//!
//! Each call is one atomic step on one slot and idempotent by (peer, epoch), so that it may be repeated after an answer
//! was lost. What spans slots is a sequence of calls ([`attach`](crate::sessions::attach)) in an order that leaves, after a
//! crash in between, something that the reaper or an assertion completes.

mod asserting;
mod buckets;
mod calls;
mod joining;
mod peers;
mod rooms;

pub use self::asserting::{AssertMember, AssertOutcome, AssertPeerOutcome, REVISION_LEAP};
pub use self::buckets::BucketDirectory;
pub use self::joining::{Claim, JoinOutcome, JoinRequest, Place};
pub use self::peers::{Attach, AttachOutcome, PeerDirectory, Presence};
pub use self::rooms::{
    LeaveOutcome, Rename, RenameOutcome, RoomDirectory, Sighting, TakeOver, TakeOverOutcome,
    UpdateOutcome, Whom,
};

/// All three together.
pub trait Directory: RoomDirectory + PeerDirectory + BucketDirectory {}

impl<D: RoomDirectory + PeerDirectory + BucketDirectory> Directory for D {}

/// Why a call could not be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// No answer. Whether the call took effect is unknown; it may be repeated.
    #[error("the directory cannot be reached: {0}")]
    Unavailable(String),
    /// The room's bucket lost its contents and is being filled again.
    #[error("the directory lost this part of its memory and is being filled again")]
    Forgotten,
    /// An entry that this version does not understand.
    #[error("the directory holds something unreadable: {0}")]
    Corrupt(String),
}
