//! Every connection of this node, greeted or not: how many there are, and how to end them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use dashmap::DashMap;
use switchboard_protocol::PeerId;
use switchboard_session::Closing;

use crate::mailbox::Mailbox;

/// The connections, by the peer id that each has from its first moment.
pub(crate) struct Registry {
    connections: DashMap<PeerId, Arc<Mailbox>>,
    count: AtomicUsize,
    most: usize,
    /// Said once, to those that are there and to those that come.
    closing: OnceLock<Closing>,
}

/// A connection's place in the registry; gives it back when dropped.
pub(crate) struct Place {
    registry: Arc<Registry>,
    peer: PeerId,
}

impl Registry {
    /// An empty one for at most so many connections.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            connections: DashMap::new(),
            count: AtomicUsize::new(0),
            most,
            closing: OnceLock::new(),
        }
    }

    /// Enters a connection; `None` when the node has as many as it may have.
    pub(crate) fn enter(self: &Arc<Self>, peer: PeerId, mailbox: &Arc<Mailbox>) -> Option<Place> {
        if self.count.fetch_add(1, Ordering::Relaxed) >= self.most {
            self.count.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        self.connections.insert(peer, mailbox.clone());
        if let Some(closing) = self.closing.get() {
            mailbox.close(closing.clone());
        }
        Some(Place {
            registry: self.clone(),
            peer,
        })
    }

    /// Ends all connections, also those that are on their way in.
    pub(crate) fn close(&self, closing: Closing) {
        let _ = self.closing.set(closing.clone());
        for mailbox in self.mailboxes() {
            mailbox.close(closing.clone());
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// All of them, in no order that their clients could know.
    pub(crate) fn mailboxes(&self) -> Vec<Arc<Mailbox>> {
        self.connections.iter().map(|entry| entry.clone()).collect()
    }

    /// Bytes that wait for clients.
    pub(crate) fn outbox_bytes(&self) -> usize {
        self.connections.iter().map(|mailbox| mailbox.bytes()).sum()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.registry.connections.remove(&self.peer);
        self.registry.count.fetch_sub(1, Ordering::Relaxed);
    }
}
