//! Who holds which name in a room.

use std::collections::HashMap;
use std::sync::Arc;

use switchboard_protocol::PeerId;

#[derive(Clone, Default)]
pub(super) struct Names(HashMap<Arc<str>, PeerId>);

impl Names {
    pub(super) fn holder(&self, name: &str) -> Option<&PeerId> {
        self.0.get(name)
    }

    /// From now on the name is that peer's, and no other.
    pub(super) fn assign(&mut self, name: &Arc<str>, peer: PeerId) {
        self.free_of(&peer);
        self.0.insert(name.clone(), peer);
    }

    /// The peer holds no name any more.
    pub(super) fn free_of(&mut self, peer: &PeerId) {
        self.0.retain(|_, holder| holder != peer);
    }
}
