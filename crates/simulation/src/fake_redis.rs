//! Redis as the nodes see it: one memory for all, one path for each, and what can happen to it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use switchboard_cluster::Backend;
use switchboard_cluster::memory::MemoryCluster;
use switchboard_protocol::NodeId;

use crate::fake_bus::{Channels, FakeBus};
use crate::fake_directory::FakeDirectory;
use crate::fake_leases::FakeLeases;
use crate::path::{Badness, Path, Server};
use crate::random::Random;

/// One Redis.
pub(crate) struct FakeRedis {
    memory: MemoryCluster,
    server: Arc<Server>,
    channels: Channels,
    paths: Mutex<Vec<(NodeId, Arc<Path>)>>,
    /// No node reaches it, nor one that starts meanwhile.
    is_gone: AtomicBool,
    random: Random,
}

impl FakeRedis {
    pub(crate) fn new(random: Random, badness: Badness) -> Self {
        Self {
            memory: MemoryCluster::new(),
            server: Server::new(badness),
            channels: Arc::new(Mutex::new(BTreeMap::new())),
            paths: Mutex::default(),
            is_gone: AtomicBool::new(false),
            random,
        }
    }

    /// A node's way to it.
    pub(crate) fn connect(&self, node: &NodeId) -> (Backend, Arc<Path>) {
        let path = Path::new(self.server.clone(), self.random.clone());
        if self.is_gone.load(Ordering::Relaxed) {
            path.cut();
        }
        let inner = self.memory.backend();
        let bus = FakeBus::new(path.clone(), inner.bus, self.channels.clone());
        let backend = Backend {
            directory: Arc::new(FakeDirectory::new(path.clone(), inner.directory)),
            leases: Arc::new(FakeLeases::new(path.clone(), inner.leases)),
            bus: Arc::new(bus),
            reach: path.reach.subscribe(),
            doubts: path.doubts.subscribe(),
            alarm: inner.alarm,
            unreadable: inner.unreadable,
        };
        self.paths.lock().push((node.clone(), path.clone()));
        (backend, path)
    }

    /// What Redis itself holds, for whoever looks at it from outside.
    pub(crate) fn truth(&self) -> Backend {
        self.memory.backend()
    }

    /// It hangs, or goes on: nothing is lost, everything waits.
    pub(crate) fn hang(&self, hangs: bool) {
        if hangs {
            self.server.gate.shut();
        } else {
            self.server.gate.reopen();
        }
    }

    /// From now on the network is so bad.
    pub(crate) fn set_badness(&self, badness: Badness) {
        *self.server.badness.lock() = badness;
    }

    /// Cuts every node off.
    pub(crate) fn go(&self) {
        self.is_gone.store(true, Ordering::Relaxed);
        for (_, path) in self.paths.lock().iter() {
            path.cut();
        }
    }

    /// Takes every node back, one after another as they would find it.
    pub(crate) fn come_back(&self) {
        self.is_gone.store(false, Ordering::Relaxed);
        let nodes: Vec<_> = {
            let paths = self.paths.lock();
            paths.iter().map(|(node, _)| node.clone()).collect()
        };
        for node in nodes {
            self.mend(&node);
        }
    }

    /// Cuts one node off.
    pub(crate) fn cut(&self, node: &NodeId) {
        if let Some(path) = self.path(node) {
            path.cut();
        }
    }

    /// Takes it back: its subscription has missed something.
    pub(crate) fn mend(&self, node: &NodeId) {
        if let Some(path) = self.path(node) {
            path.mend();
        }
        if let Some(channel) = self.channels.lock().get(node) {
            channel.tell_gap();
        }
    }

    /// Lets one node miss frames without a word, or ends that; then it notices.
    pub(crate) fn deafen(&self, node: &NodeId, deaf: bool) {
        if let Some(channel) = self.channels.lock().get(node) {
            channel.path.set_deaf(deaf);
            if !deaf {
                channel.tell_gap();
            }
        }
    }

    /// Another one takes its place, all that was written is gone; what was on its way to the former one is lost with it.
    pub(crate) fn start_empty(&self) {
        self.lose_what_is_under_way();
        self.forget();
    }

    /// All that was written is gone; who is connected stays so.
    pub(crate) fn forget(&self) {
        self.memory.forget();
    }

    /// What it holds now, to go back to.
    pub(crate) fn snapshot(&self) -> switchboard_cluster::memory::Snapshot {
        self.memory.snapshot()
    }

    /// A replica that lagged behind took over.
    pub(crate) fn restore(&self, snapshot: &switchboard_cluster::memory::Snapshot) {
        self.lose_what_is_under_way();
        self.memory.restore(snapshot);
    }

    fn lose_what_is_under_way(&self) {
        for (_, path) in self.paths.lock().iter() {
            path.lose_what_is_under_way();
        }
    }

    fn path(&self, node: &NodeId) -> Option<Arc<Path>> {
        let paths = self.paths.lock();
        let mut found = paths.iter().filter(|(known, _)| known == node);
        found.next().map(|(_, path)| path.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_starts_while_it_is_gone_reaches_it_when_it_is_back() {
        let redis = FakeRedis::new(Random::of(1, "redis"), Badness::default());
        redis.go();
        let (backend, path) = redis.connect(&"node-0".parse().expect("an id of a node"));
        assert!(path.is_cut() && !backend.reach.borrow().is_reached());
        redis.come_back();
        assert!(!path.is_cut() && backend.reach.borrow().is_reached());
    }
}
