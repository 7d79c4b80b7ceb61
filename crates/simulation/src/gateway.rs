//! One gateway: the real node, with the real connections over sockets in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use switchboard_cluster::node::Settings;
use switchboard_cluster::{Credential, Node, Recipient, Status};
use switchboard_connection::{
    Arrival, Authenticate, Coming, Connection, Host, Identity, Mailbox, Refusal, Seat,
};
use switchboard_dialects::Introduction;
use switchboard_protocol::server_message::Drain;
use switchboard_protocol::{CloseCode, NodeId, PeerId, UserId};
use switchboard_session::grants::Grants;
use switchboard_session::{Closing, Rules};
use tokio::time::Duration;
use tokio_util::task::TaskTracker;

use crate::fake_redis::FakeRedis;
use crate::path::Path;
use crate::random::Random;
use crate::socket::End;
use crate::speaks::Speaks;
use crate::trace::{ConnectionNo, NodeNo, Recorder};
use crate::transport::SocketTransport;

/// A node that finishes gets this long; what is left is another's to take over.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// One gateway.
pub(crate) struct Gateway {
    pub(crate) no: NodeNo,
    pub(crate) node: Node,
    pub(crate) path: Arc<Path>,
    host: Arc<Host>,
    by_name: Arc<ByName>,
    random: Random,
    recorder: Recorder,
    connections: Mutex<BTreeMap<ConnectionNo, Open>>,
    draining: Mutex<bool>,
    /// It stops, and takes nobody who still finds the way to it.
    refusing: Mutex<bool>,
}

/// A connection as its gateway knows it.
struct Open {
    mailbox: Arc<Mailbox>,
    /// Its session, once it is welcomed.
    peer: Option<PeerId>,
    /// Whether that can go on over another connection.
    resumes: bool,
}

impl Gateway {
    /// Starts a node.
    pub(crate) fn start(
        no: NodeNo,
        redis: &FakeRedis,
        settings: Settings,
        rules: Arc<Rules>,
        random: Random,
        recorder: Recorder,
    ) -> Arc<Self> {
        let id: NodeId = format!("node-{no}").parse().expect("an id of a node");
        let (backend, path) = redis.connect(&id);
        let node = Node::new(id, settings, backend, Arc::new(()));
        node.start();
        let tasks = TaskTracker::new();
        let host = Host::new(node.clone(), rules, Arc::new(()), (), Arc::new(()), tasks);
        Arc::new(Self {
            no,
            node,
            path,
            host: Arc::new(host),
            by_name: Arc::new(ByName),
            random,
            recorder,
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

    /// Takes a connection. The peer that its session will be, unless it resumes another one.
    pub(crate) fn accept(
        self: &Arc<Self>,
        connection: ConnectionNo,
        socket: End,
        speaks: Speaks,
    ) -> PeerId {
        let peer = self.random.peer();
        if !self.runs() || *self.refusing.lock() {
            return peer;
        }
        let mailbox = Arc::new(Mailbox::new(self.host.rules.outbox_bytes_max));
        let open = Open {
            mailbox: mailbox.clone(),
            peer: None,
            resumes: false,
        };
        self.connections.lock().insert(connection, open);
        let arrival = Arrival {
            transport: Box::new(SocketTransport::new(socket, self.recorder.clone())),
            dialect: speaks.dialect(&self.host.rules),
            peer,
            mailbox,
            seat: Box::new(Place {
                gateway: self.clone(),
                connection,
            }),
            token: None,
            authenticate: self.by_name.clone(),
        };
        let (path, host) = (self.path.clone(), self.host.clone());
        tokio::spawn(async move {
            let mut connection = Connection::new(host, arrival);
            path.gate.within(connection.run()).await;
        });
        peer
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
        for (mailbox, resumes) in self.mailboxes() {
            let after = self.random.millis(0..window.as_millis().max(1) as u64);
            if !resumes {
                // Its client cannot be told to go on elsewhere: it is closed in its own moment.
                tokio::spawn(async move {
                    tokio::time::sleep(after).await;
                    mailbox.close(Closing::new(CloseCode::GoingAway));
                });
                continue;
            }
            let drain = Drain {
                reconnect_after_ms: after.as_millis() as u64,
                deadline_ms: deadline.as_millis() as u64,
            };
            let _ = mailbox.push(drain.into());
        }
        tokio::time::sleep(deadline).await;
        *self.refusing.lock() = true;
        for (mailbox, _) in self.mailboxes() {
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
        connections.values().filter_map(|open| open.peer).collect()
    }

    /// Of every connection, and whether its session can go on elsewhere.
    fn mailboxes(&self) -> Vec<(Arc<Mailbox>, bool)> {
        let connections = self.connections.lock();
        let open = connections.values();
        open.map(|open| (open.mailbox.clone(), open.resumes))
            .collect()
    }

    fn note_session(&self, connection: ConnectionNo, peer: PeerId, resumes: bool) {
        if let Some(open) = self.connections.lock().get_mut(&connection) {
            (open.peer, open.resumes) = (Some(peer), resumes);
        }
    }

    fn forget(&self, connection: ConnectionNo) {
        self.connections.lock().remove(&connection);
    }
}

/// A connection's place among those of its gateway.
struct Place {
    gateway: Arc<Gateway>,
    connection: ConnectionNo,
}

impl Seat for Place {
    fn admit(&mut self, _: Coming) -> Result<(), Closing> {
        Ok(())
    }

    fn welcomed(&mut self, peer: &PeerId, resumes: bool) {
        self.gateway.note_session(self.connection, *peer, resumes);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.gateway.forget(self.connection);
    }
}

/// A client is the user that it names itself.
struct ByName;

#[async_trait]
impl Authenticate for ByName {
    async fn authenticate(
        &self,
        introduction: &Introduction<'_>,
        peer: &PeerId,
    ) -> Result<Identity, Refusal> {
        let name = introduction.hello.name.as_deref();
        let user = name.and_then(|name| name.parse().ok());
        Ok(Identity {
            user: user.unwrap_or_else(|| UserId::anonymous(peer)),
            name: None,
            avatar: None,
            grants: Grants::default(),
            expires_at: None,
            is_verified: false,
            credential: Credential::default(),
        })
    }
}
