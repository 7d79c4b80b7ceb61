//! A Redis Cluster.

use crate::buckets;
use crate::redis_process::{RedisProcess, Role};
use crate::wait::until;

const MASTERS: usize = 3;
/// Where each master's slots begin, and the end: as even as it gets without dividing one of our buckets.
const SLOTS: [u16; MASTERS + 1] = [0, 22 * 256, 43 * 256, 16384];

/// Three masters with a replica each. All are killed when dropped.
pub struct RedisCluster {
    /// The masters, then their replicas in the same order, as they were at first.
    nodes: Vec<RedisProcess>,
}

impl RedisCluster {
    /// Starts them, looking as if a cluster of gateways had used them before, and waits until they would survive the loss
    /// of a master.
    pub fn start() -> Self {
        let cluster = Self::start_empty();
        buckets::mark_all(|slot| cluster.nodes[owner(slot)].client());
        cluster
    }

    /// The same, without the marks of earlier use.
    pub fn start_empty() -> Self {
        let arguments = [
            "--cluster-node-timeout",
            "1000",
            "--repl-diskless-sync-delay",
            "0",
        ];
        let start = |_| RedisProcess::start(Role::ClusterNode, &arguments);
        let cluster = Self {
            nodes: (0..2 * MASTERS).map(start).collect(),
        };
        cluster.unite();
        cluster
    }

    /// `redis-cluster://…`, naming every node.
    pub fn url(&self) -> String {
        let mut ports = self.nodes.iter().map(RedisProcess::port);
        let first = ports.next().expect("there are six");
        let nodes: Vec<_> = ports.map(|port| format!("node=127.0.0.1:{port}")).collect();
        format!("redis-cluster://127.0.0.1:{first}?{}", nodes.join("&"))
    }

    /// Where each of the first masters listens.
    pub fn master_ports(&self) -> [u16; MASTERS] {
        [0, 1, 2].map(|index: usize| self.nodes[index].port())
    }

    /// Which of the first masters has that slot.
    pub fn master_of(&self, slot: u16) -> usize {
        owner(slot)
    }

    /// What one of the first masters answers to a command, as text.
    pub fn call_master(&self, index: usize, words: &[&str]) -> String {
        self.nodes[index].client().must(words)
    }

    /// Kills one of the first masters (SIGKILL), and waits until its replica has taken over.
    pub fn kill_master(&mut self, index: usize) {
        self.nodes[index].wait_for(&self.nodes[index + MASTERS]);
        self.nodes[index].kill();
        self.wait_for_replica_of(index);
    }

    /// Freezes one of the first masters (SIGSTOP), and waits until its replica has taken over.
    pub fn freeze_master(&mut self, index: usize) {
        self.nodes[index].wait_for(&self.nodes[index + MASTERS]);
        self.nodes[index].pause();
        self.wait_for_replica_of(index);
    }

    /// Lets a frozen master go on: it becomes the replica of the one that took over.
    pub fn thaw(&self, index: usize) {
        self.nodes[index].resume();
        until("the former master follows", || {
            let mut client = self.nodes[index].client();
            client.call(&["ROLE"]).starts_with("slave")
        });
    }

    /// Gives a slot of the first masters, which must hold nothing, to another of them. No connection breaks.
    pub fn move_empty_slot(&self, slot: u16, to: usize) {
        let id = |index: usize| self.nodes[index].client().must(&["CLUSTER", "MYID"]);
        let (from, slot) = (owner(slot), slot.to_string());
        let set = |index: usize, state: &str, id: &str| {
            let mut client = self.nodes[index].client();
            client.must(&["CLUSTER", "SETSLOT", &slot, state, id]);
        };
        set(to, "IMPORTING", &id(from));
        set(from, "MIGRATING", &id(to));
        // First the new owner, who thereby knows better than all others.
        let others = (0..MASTERS).filter(|&index| index != to);
        for index in [to].into_iter().chain(others) {
            set(index, "NODE", &id(to));
        }
    }

    fn unite(&self) {
        let masters = &self.nodes[..MASTERS];
        for (index, node) in self.nodes.iter().enumerate() {
            let epoch = (index + 1).to_string();
            node.client().must(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]);
        }
        for (master, slots) in masters.iter().zip(SLOTS.windows(2)) {
            let (first, last) = (slots[0].to_string(), (slots[1] - 1).to_string());
            let mut client = master.client();
            client.must(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]);
        }
        for node in &self.nodes[1..] {
            let port = node.port().to_string();
            let mut client = self.nodes[0].client();
            client.must(&["CLUSTER", "MEET", "127.0.0.1", &port]);
        }
        until("the cluster is in order", || {
            self.nodes.iter().all(|node| {
                let info = node.client().call(&["CLUSTER", "INFO"]);
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:6")
            })
        });
        for (master, replica) in masters.iter().zip(&self.nodes[MASTERS..]) {
            let id = master.client().must(&["CLUSTER", "MYID"]);
            until("the replica knows its master", || {
                let answer = replica.client().call(&["CLUSTER", "REPLICATE", &id]);
                answer == "OK"
            });
        }
        until("every replica follows its master", || {
            self.nodes[MASTERS..].iter().all(|replica| {
                let info = replica.client().call(&["INFO", "replication"]);
                info.contains("master_link_status:up")
            })
        });
        until("every node knows every replica", || {
            self.nodes.iter().all(|node| {
                let nodes = node.client().call(&["CLUSTER", "NODES"]);
                nodes.matches("slave").count() == MASTERS
            })
        });
    }

    fn wait_for_replica_of(&self, index: usize) {
        let replica = format!(":{}@", self.nodes[index + MASTERS].port());
        until("every node names the new master and is in order", || {
            self.others(Some(index)).all(|node| {
                let mut client = node.client();
                let nodes = client.call(&["CLUSTER", "NODES"]);
                let line = nodes.lines().find(|line| line.contains(&replica));
                let info = client.call(&["CLUSTER", "INFO"]);
                line.is_some_and(|line| line.contains("master"))
                    && info.contains("cluster_state:ok")
            })
        });
    }

    /// Those that run, without one that may be frozen.
    fn others(&self, lost: Option<usize>) -> impl Iterator<Item = &RedisProcess> {
        let others = self.nodes.iter().enumerate();
        let others = others.filter(move |(index, _)| Some(*index) != lost);
        others
            .map(|(_, node)| node)
            .filter(|node| node.is_running())
    }
}

fn owner(slot: u16) -> usize {
    (0..MASTERS)
        .find(|index| slot < SLOTS[index + 1])
        .expect("a slot is below 16384")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_master_that_is_killed_is_replaced_by_its_replica() {
        let mut cluster = RedisCluster::start();
        cluster.kill_master(1);
        let nodes = cluster.nodes[0].client().must(&["CLUSTER", "NODES"]);
        assert_eq!(nodes.matches("fail").count(), 1, "{nodes}");
    }
}
