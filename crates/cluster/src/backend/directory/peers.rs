//! Sessions: which node owns each, how many a user has, and which a node may own.

use async_trait::async_trait;
use switchboard_protocol::{NodeId, PeerId, RoomId, UserId};

use super::asserting::AssertPeerOutcome;
use super::error::DirectoryError;
use crate::backend::record::{Epoch, PeerRecord};
use crate::backend::revocation::Credential;

/// Which node owns each session.
#[async_trait]
pub trait PeerDirectory: Send + Sync + 'static {
    /// Writes down which node owns a session. A lower epoch than known is refused. [`DirectoryError::Forgotten`] where a
    /// resumed session is not known and that may be because the directory lost it.
    async fn attach(&self, attach: &Attach) -> Result<AttachOutcome, DirectoryError>;

    /// Notes that the client of this epoch said something after its `welcome`: secrets of lower epochs are worth nothing
    /// from now on. False where the epoch is not the known one.
    async fn prove(&self, peer: &PeerId, epoch: Epoch) -> Result<bool, DirectoryError>;

    /// Notes what the client of this epoch has shown since it came. False where the epoch is not the known one.
    async fn note_credential(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        credential: &Credential,
    ) -> Result<bool, DirectoryError>;

    /// Gives a session to another node without a new epoch: a node that died, or was taken for dead, and the node that keeps its
    /// sessions meanwhile. True if it is `to`'s now; false where it is neither's, or has another epoch.
    async fn hand_over(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        from: &NodeId,
        to: &NodeId,
    ) -> Result<bool, DirectoryError>;

    /// Writes a session again where it is missing or has a lower epoch, and adds what is missing of its rooms. Those that a
    /// lower epoch was in stay, for the caller to look at.
    async fn assert_peer(&self, record: &PeerRecord) -> Result<AssertPeerOutcome, DirectoryError>;

    /// Adds (`wanted`) or removes a room of the peer's intended ones. False where the epoch is not the known one.
    async fn intend(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        room: &RoomId,
        wanted: bool,
    ) -> Result<bool, DirectoryError>;

    /// Notes that a session has no connection and that `node` keeps its places. False: it is another's. Where it is not
    /// known, or with a lower epoch, nothing is noted: it is `node`'s to be written again.
    async fn note_away(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        node: &NodeId,
    ) -> Result<bool, DirectoryError>;

    /// Whether a session has a connection.
    async fn presence(&self, peer: &PeerId) -> Result<Presence, DirectoryError>;

    /// Takes a session that is away under that epoch from its client: under the next epoch it is `node`'s, to be ended.
    /// Gives the node that had it; `None`: it is not away any more.
    async fn evict(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        node: &NodeId,
    ) -> Result<Option<NodeId>, DirectoryError>;

    /// What is known of a session.
    async fn peer(&self, peer: &PeerId) -> Result<Option<PeerRecord>, DirectoryError>;

    /// Deletes the peer's record unless a higher epoch owns it. True if it is gone now.
    async fn forget(&self, peer: &PeerId, epoch: Epoch) -> Result<bool, DirectoryError>;

    /// Counts a session that comes for its user, if it may come.
    async fn admit(&self, admission: &Admission) -> Result<Admitted, DirectoryError>;

    /// Counts a session for its user again, which may come in any case.
    async fn count(
        &self,
        user: &UserId,
        peer: &PeerId,
        node: &NodeId,
    ) -> Result<(), DirectoryError>;

    /// The sessions that are counted for a user, in no order.
    async fn user_sessions(&self, user: &UserId) -> Result<Vec<PeerId>, DirectoryError>;

    /// Counts it no more.
    async fn dismiss(&self, user: &UserId, peer: &PeerId) -> Result<(), DirectoryError>;

    /// Notes that `node` may own `peer`: what to clean up if it dies.
    async fn enlist(&self, node: &NodeId, peer: &PeerId) -> Result<(), DirectoryError>;

    /// Takes that note back.
    async fn delist(&self, node: &NodeId, peer: &PeerId) -> Result<(), DirectoryError>;

    /// Every peer noted for `node`, in no order.
    async fn enlisted(&self, node: &NodeId) -> Result<Vec<PeerId>, DirectoryError>;
}

/// A session that comes to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attach {
    /// Who.
    pub peer: PeerId,
    /// Its epoch there.
    pub epoch: Epoch,
    /// The node.
    pub node: NodeId,
    /// The identity behind it.
    pub user: UserId,
    /// What its client has shown. `None`: that is not known, and what is noted stays.
    pub credential: Option<Credential>,
    /// Of a session that is resumed: the epoch of the secret that was shown. The session must be known, and the epoch not
    /// below the proven one.
    pub shown: Option<Epoch>,
}

/// What became of an attach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttachOutcome {
    /// The session is this node's now.
    Attached {
        /// Whose it was before, if it was another epoch's.
        former: Option<(NodeId, Epoch)>,
        /// The rooms that it is in, or was about to enter or leave. Sorted.
        rooms: Vec<RoomId>,
    },
    /// The session to be resumed is no more.
    Unknown,
    /// The secret that was shown is older than what its client has proven since.
    Outdated,
    /// A higher epoch, or the same on another node, owns it.
    Stale {
        /// That one.
        known: Epoch,
    },
}

/// A session that comes, to be counted for its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// The identity behind it.
    pub user: UserId,
    /// Who.
    pub peer: PeerId,
    /// Its node.
    pub node: NodeId,
    /// Sessions that the user may have.
    pub sessions_max: u32,
    /// When its token was made, seconds since 1970. `None`: the token does not say, or there is none.
    pub issued_at: Option<u64>,
}

/// Whether a session may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admitted {
    /// It is counted, or was already.
    Yes,
    /// That would be one too many.
    TooMany,
    /// The user's tokens from before this moment, seconds since 1970, are revoked.
    CutOff(u64),
}

/// Whether a session has a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// The session is no more.
    Unknown,
    /// It has, or no node has noted otherwise.
    Live,
    /// It has not.
    Away {
        /// Under this epoch.
        epoch: Epoch,
        /// By the directory's clock; only to be compared.
        since: u64,
    },
}
