//! One gateway: the real node, and a pump for each connection in place of its sockets.

// The gateway's own: it knows neither sockets nor HTTP, and what a client is told is judged here as well.
#[path = "../../gateway/src/operations.rs"]
mod operations;
mod pump;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use switchboard_cluster::node::Settings;
use switchboard_cluster::{Node, Status};
use switchboard_protocol::{CloseCode, NodeId, PeerId};
use switchboard_session::{Closing, Rules};
use tokio::time::Duration;

use self::pump::Pump;
use crate::fake_redis::FakeRedis;
use crate::mailbox::Mailbox;
use crate::path::Path;
use crate::random::Random;
use crate::socket::End;
use crate::trace::{ConnectionNo, NodeNo};

/// A node that finishes gets this long; what is left is another's to take over.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// One gateway.
pub(crate) struct Gateway {
    pub(crate) no: NodeNo,
    pub(crate) node: Node,
    pub(crate) path: Arc<Path>,
    pub(crate) rules: Arc<Rules>,
    random: Random,
    connections: Mutex<BTreeMap<ConnectionNo, Held>>,
    draining: Mutex<bool>,
    /// It stops, and takes nobody who still finds the way to it.
    refusing: Mutex<bool>,
}

/// A connection as its gateway knows it.
struct Held {
    mailbox: Arc<Mailbox>,
    /// Its session, once it is welcomed.
    peer: Option<PeerId>,
}

impl Gateway {
    /// Starts a node.
    pub(crate) fn start(
        no: NodeNo,
        redis: &FakeRedis,
        settings: Settings,
        rules: Arc<Rules>,
        random: Random,
    ) -> Arc<Self> {
        let id: NodeId = format!("node-{no}").parse().expect("an id of a node");
        let (backend, path) = redis.connect(&id);
        let node = Node::new(id, settings, backend, Arc::new(()));
        node.start();
        Arc::new(Self {
            no,
            node,
            path,
            rules,
            random,
            connections: Mutex::default(),
            draining: Mutex::new(false),
            refusing: Mutex::new(false),
        })
    }

    /// Whether a load balancer sends new connections here.
    pub(crate) fn is_ready(&self) -> bool {
        !*self.draining.lock() && *self.node.status().borrow() == Status::Serving
    }

    /// Whether it runs, frozen or not.
    pub(crate) fn runs(&self) -> bool {
        !self.path.gate.is_gone() && *self.node.status().borrow() != Status::Stopped
    }

    /// Takes a connection.
    pub(crate) fn accept(self: &Arc<Self>, connection: ConnectionNo, socket: End) {
        if !self.runs() || *self.refusing.lock() {
            return;
        }
        let mailbox = Arc::new(Mailbox::new(self.rules.outbox_bytes_max));
        let held = Held {
            mailbox: mailbox.clone(),
            peer: None,
        };
        self.connections.lock().insert(connection, held);
        let pump = Pump::new(
            self.clone(),
            connection,
            socket,
            mailbox,
            self.random.peer(),
        );
        tokio::spawn(pump.run());
    }

    /// The process is no more: what it would do from here on, nobody sees.
    pub(crate) fn kill(&self) {
        self.path.gate.shut_for_ever();
        // Its timers end; nothing of that gets out any more.
        let node = self.node.clone();
        tokio::spawn(async move { node.stop(Duration::ZERO).await });
    }

    /// Hands its sessions over and stops. True: all was done.
    pub(crate) async fn drain(self: &Arc<Self>, window: Duration, deadline: Duration) -> bool {
        *self.draining.lock() = true;
        let mailboxes: Vec<_> = self.mailboxes();
        for mailbox in mailboxes {
            let after = self.random.millis(0..window.as_millis().max(1) as u64);
            let drain = switchboard_protocol::server_message::Drain {
                reconnect_after_ms: after.as_millis() as u64,
                deadline_ms: deadline.as_millis() as u64,
            };
            let _ = switchboard_cluster::Recipient::push(&*mailbox, drain.into());
        }
        tokio::time::sleep(deadline).await;
        *self.refusing.lock() = true;
        for mailbox in self.mailboxes() {
            mailbox.close(Closing::new(CloseCode::GoingAway));
        }
        while !self.connections.lock().is_empty() && self.runs() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.node.stop(STOP_PATIENCE).await
    }

    /// Sessions with a connection here.
    pub(crate) fn sessions(&self) -> Vec<PeerId> {
        let connections = self.connections.lock();
        connections.values().filter_map(|held| held.peer).collect()
    }

    fn mailboxes(&self) -> Vec<Arc<Mailbox>> {
        let connections = self.connections.lock();
        connections
            .values()
            .map(|held| held.mailbox.clone())
            .collect()
    }

    fn note_session(&self, connection: ConnectionNo, peer: PeerId) {
        if let Some(held) = self.connections.lock().get_mut(&connection) {
            held.peer = Some(peer);
        }
    }

    fn forget(&self, connection: ConnectionNo) {
        self.connections.lock().remove(&connection);
    }
}
