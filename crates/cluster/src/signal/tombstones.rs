//! What is remembered of sessions whose connection to this node has ended: the answers for signals that still come.

use std::sync::Arc;

use dashmap::DashMap;
use switchboard_protocol::PeerId;
use tokio::time::{Duration, Instant};

use crate::backend::record::Epoch;
use crate::sessions::local_session::LocalSession;
use crate::signal::answer::Fate;

/// Signals that were on their way when a session left are here within this, or their senders know already.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(10);

/// The last connection of each session, for a while.
#[derive(Default)]
pub(crate) struct Tombstones(DashMap<PeerId, Tombstone>);

struct Tombstone {
    local: Arc<LocalSession>,
    fate: Fate,
    until: Instant,
}

impl Tombstones {
    /// Remembers a session that has just ended.
    pub(crate) fn note(&self, local: &Arc<LocalSession>, fate: Fate, until: Instant) {
        let known = self.0.get(&local.peer).map(|known| known.local.epoch);
        if known.is_none_or(|known| known <= local.epoch) {
            let local = local.clone();
            let tombstone = Tombstone { local, fate, until };
            self.0.insert(tombstone.local.peer, tombstone);
        }
    }

    /// The session in that epoch, if it was here.
    pub(crate) fn recall(
        &self,
        (peer, epoch): &(PeerId, Epoch),
    ) -> Option<(Arc<LocalSession>, Fate)> {
        let tombstone = self.0.get(peer)?;
        (tombstone.local.epoch == *epoch).then(|| (tombstone.local.clone(), tombstone.fate))
    }

    /// Forgets those whose time is over.
    pub(crate) fn prune(&self, now: Instant) {
        self.0.retain(|_, tombstone| tombstone.until > now);
    }
}
