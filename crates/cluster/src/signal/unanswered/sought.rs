//! A receiver that this node has not heard of and that is being looked up.

use switchboard_protocol::PeerId;

use crate::backend::directory::PeerOrName;

/// One receiver that is being looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sought {
    pub(crate) wanted: PeerOrName,
    /// The signal may have arrived, over another connection of the sender.
    pub(crate) repeated: bool,
    /// The look-up under way began after the signal was taken: if it does not find the receiver, that holds for the signal.
    pub(super) covered: bool,
}

impl Sought {
    pub(crate) fn new(wanted: PeerOrName, repeated: bool) -> Self {
        Self {
            wanted,
            repeated,
            covered: false,
        }
    }

    pub(super) fn peer(&self) -> Option<PeerId> {
        match self.wanted {
            PeerOrName::Peer(peer) => Some(peer),
            PeerOrName::Name(_) => None,
        }
    }

    pub(crate) fn is_covered(&self) -> bool {
        self.covered
    }
}
