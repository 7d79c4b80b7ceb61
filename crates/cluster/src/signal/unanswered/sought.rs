//! A receiver that this node has not heard of and that is being looked up.

use switchboard_protocol::PeerId;

use crate::backend::directory::Whom;

/// One receiver that is being looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sought {
    pub(crate) whom: Whom,
    /// The signal may have arrived, over another connection of the sender.
    pub(crate) repeated: bool,
    /// The look-up under way began after the signal was taken: if it does not find the receiver, that holds for the signal.
    pub(super) covered: bool,
}

impl Sought {
    pub(crate) fn new(whom: Whom, repeated: bool) -> Self {
        Self {
            whom,
            repeated,
            covered: false,
        }
    }

    pub(super) fn peer(&self) -> Option<PeerId> {
        match self.whom {
            Whom::Peer(peer) => Some(peer),
            Whom::Name(_) => None,
        }
    }

    pub(crate) fn is_covered(&self) -> bool {
        self.covered
    }
}
