//! Nodes and sessions for the tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use switchboard_cluster::memory::MemoryCluster;
use switchboard_cluster::node::Settings;
use switchboard_cluster::{
    Backend, Bus, InFlightMax, JoinError, JoinRoom, Local, NewSession, Node, NodeInfo, OutboxFull,
    Profile, Recipient, Status,
};
use switchboard_protocol::client_message::Signal;
use switchboard_protocol::{Encoding, NodeId, Payload, PeerId, RoomId, ServerMessage, UserId};
use tokio::sync::Notify;
use tokio::time::{Duration, timeout};

/// A test that waits longer for something waits in vain. Most tests pause time, which makes this cheap.
const PATIENCE: Duration = Duration::from_secs(300);

pub(crate) fn settings() -> Settings {
    Settings {
        info: NodeInfo {
            ops_address: "127.0.0.1:1".into(),
            version: "test".into(),
            started_at: 0,
        },
        cluster_key: None,
        lease: Duration::from_secs(4),
        delivery_deadline: Duration::from_secs(75),
        in_flight: InFlightMax {
            signals: 1024,
            bytes: 1 << 20,
            node_bytes: 1 << 28,
        },
        sessions_per_user: 5,
        linger_max: Duration::from_millis(1),
        local_shortcut: false,
    }
}

pub(crate) async fn node(backend: Backend, settings: Settings) -> Node {
    let node = Node::new(NodeId::start("test"), settings, backend, Arc::new(()));
    node.start();
    timeout(
        PATIENCE,
        node.status().wait_for(|status| *status == Status::Serving),
    )
    .await
    .expect("the node serves in time")
    .expect("the node goes on");
    node
}

/// A node of `cluster` whose frames go out over `bus`.
pub(crate) async fn node_on(cluster: &MemoryCluster, bus: Arc<dyn Bus>) -> Node {
    node(
        Backend {
            bus,
            ..cluster.backend()
        },
        settings(),
    )
    .await
}

/// A session that writes down what it is told.
pub(crate) struct Session {
    pub(crate) node: Node,
    pub(crate) local: Arc<Local>,
    pub(crate) told: Arc<Told>,
    next_id: AtomicUsize,
}

/// What a session was told.
#[derive(Default)]
pub(crate) struct Told {
    messages: Mutex<Vec<ServerMessage>>,
    changed: Notify,
    /// So many messages fit; 0: any number.
    most: AtomicUsize,
    pub(crate) let_go: AtomicBool,
}

impl Recipient for Told {
    fn push(&self, message: ServerMessage) -> Result<(), OutboxFull> {
        let mut messages = self.messages.lock();
        let most = self.most.load(Ordering::Relaxed);
        if most > 0 && messages.len() >= most {
            return Err(OutboxFull);
        }
        messages.push(message);
        self.changed.notify_waiters();
        Ok(())
    }

    fn let_go(&self) {
        self.let_go.store(true, Ordering::Relaxed);
        self.changed.notify_waiters();
    }
}

impl Told {
    pub(crate) fn messages(&self) -> Vec<ServerMessage> {
        self.messages.lock().clone()
    }

    /// From now on nothing fits.
    pub(crate) fn fill(&self) {
        self.most
            .store(self.messages.lock().len().max(1), Ordering::Relaxed);
    }

    /// Waits until `found` finds something in what was told.
    pub(crate) async fn until<T>(
        &self,
        what: &str,
        found: impl Fn(&[ServerMessage]) -> Option<T>,
    ) -> T {
        let waiting = async {
            loop {
                let changed = self.changed.notified();
                if let Some(found) = found(&self.messages.lock()) {
                    return found;
                }
                // Time passes while nothing is told: some conditions look at more than messages.
                let _ = timeout(Duration::from_millis(100), changed).await;
            }
        };
        match timeout(PATIENCE, waiting).await {
            Ok(found) => found,
            Err(_) => panic!("was never told: {what}; but: {:?}", self.messages()),
        }
    }

    /// Waits until such a message is told.
    pub(crate) async fn until_one(&self, what: &str, such: impl Fn(&ServerMessage) -> bool) {
        self.until(what, |told| told.iter().any(&such).then_some(()))
            .await;
    }

    /// What was told after the first so many messages, as soon as there is any.
    async fn next_after(&self, handled: usize) -> Vec<ServerMessage> {
        loop {
            let changed = self.changed.notified();
            let news = self.messages.lock()[handled..].to_vec();
            if !news.is_empty() {
                return news;
            }
            changed.await;
        }
    }

    /// The ids of signals, in the order they were handed on.
    pub(crate) fn signals(&self) -> Vec<u64> {
        let messages = self.messages.lock();
        let ids = messages.iter().filter_map(|message| match message {
            ServerMessage::Signal(signal) => Some(signal.id),
            _ => None,
        });
        ids.collect()
    }

    /// How often each signal was answered: id, and `None` or why not.
    pub(crate) fn answers(
        &self,
    ) -> Vec<(u64, Option<switchboard_protocol::server_message::Reason>)> {
        let messages = self.messages.lock();
        let answers = messages.iter().filter_map(|message| match message {
            ServerMessage::Delivered(delivered) => Some((delivered.id, None)),
            ServerMessage::Undelivered(undelivered) => {
                Some((undelivered.id, Some(undelivered.reason)))
            }
            _ => None,
        });
        answers.collect()
    }
}

impl Session {
    pub(crate) async fn new(node: &Node, receipts: bool) -> Self {
        let (peer, told) = (PeerId::random(), Arc::new(Told::default()));
        let session = NewSession {
            peer,
            epoch: 1,
            user: UserId::anonymous(&peer),
            receipts,
            hidden: false,
            recipient: told.clone(),
        };
        let local = node
            .attach(session)
            .await
            .expect("the node takes a session");
        Self {
            node: node.clone(),
            local,
            told,
            next_id: AtomicUsize::new(1),
        }
    }

    pub(crate) fn peer(&self) -> PeerId {
        self.local.peer
    }

    pub(crate) async fn join(&self, room: &str) -> Result<(), JoinError> {
        self.join_with(room, 64).await
    }

    pub(crate) async fn join_with(&self, room: &str, capacity: u32) -> Result<(), JoinError> {
        let join = JoinRoom {
            re: 1,
            room: id(room),
            capacity,
            may_create: true,
            profile: Profile::default(),
        };
        self.node.join(&self.local, join).await
    }

    /// Sends a signal to `to`, or to all, and gives its id.
    pub(crate) fn signal(&self, room: &str, to: Option<PeerId>) -> u64 {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed) as u64;
        let signal = Signal {
            id,
            room: room.into(),
            to: to.map(|to| to.to_string().into()),
            kind: "candidate".into(),
            payload: Payload {
                encoding: Encoding::Json,
                bytes: b"{}",
            },
            traceparent: None,
        };
        self.node
            .relay(&self.local, &signal)
            .expect("a member may signal");
        id
    }

    /// Handles every signal that comes, at once, until the test ends.
    pub(crate) fn handle_signals(&self) {
        let (node, local, told) = (self.node.clone(), self.local.clone(), self.told.clone());
        tokio::spawn(async move {
            let mut handled = 0;
            loop {
                let news = told.next_after(handled).await;
                handled += news.len();
                for message in news {
                    if let ServerMessage::Signal(signal) = message {
                        node.written(&local, &signal.from, signal.id);
                        node.received(&local, &signal.from, signal.id);
                    }
                }
            }
        });
    }

    pub(crate) async fn until_answered(&self, signals: usize) {
        let is_answer = |message: &&ServerMessage| {
            matches!(
                message,
                ServerMessage::Delivered(_) | ServerMessage::Undelivered(_)
            )
        };
        let answered =
            |messages: &[ServerMessage]| messages.iter().filter(is_answer).count() >= signals;
        self.told
            .until("all answers", |messages| answered(messages).then_some(()))
            .await;
    }
}

/// Alice on one node and Bob on the other, in one room, who have heard of one another.
pub(crate) async fn introduce(one: &Node, other: &Node) -> (Session, Session) {
    let (alice, bob) = (
        Session::new(one, true).await,
        Session::new(other, true).await,
    );
    alice.join("r").await.expect("alice gets in");
    bob.join("r").await.expect("bob gets in");
    let is_ready = |message: &ServerMessage| matches!(message, ServerMessage::Ready(_));
    alice.told.until_one("ready", is_ready).await;
    (alice, bob)
}

pub(crate) fn id(room: &str) -> RoomId {
    room.parse().expect("a room id")
}
