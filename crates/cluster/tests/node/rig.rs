//! Nodes and sessions for the tests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use switchboard_cluster::memory::MemoryCluster;
use switchboard_cluster::node::Settings;
use switchboard_cluster::{
    Backend, Bus, Claim, Departure, InFlightMax, JoinError, JoinRoom, Local, NewSession, Node,
    NodeInfo, OutboxFull, Profile, Recipient, ResumeError, Status,
};
use switchboard_protocol::client_message::Signal;
use switchboard_protocol::server_message::{LeaveReason, RoomSnapshot};
use switchboard_protocol::{
    Connection, Encoding, NodeId, Payload, PeerId, RoomId, ServerMessage, UserId,
};
use tokio::sync::Notify;
use tokio::time::{Duration, timeout};

use crate::faulty_directory::FaultyDirectory;

/// A test that waits longer for something waits in vain. Most tests pause time, which makes this cheap.
const PATIENCE: Duration = Duration::from_secs(300);

/// How long the nodes of these tests hold a session that lost its connection.
pub(crate) const WINDOW: Duration = Duration::from_secs(60);

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
        resume_window: WINDOW,
        away_max: 1000,
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

/// A node of `cluster` whose directory does what it is told to.
pub(crate) async fn faulty_node(cluster: &MemoryCluster) -> (Node, Arc<FaultyDirectory>) {
    let directory = FaultyDirectory::new(cluster.backend().directory);
    let backend = Backend {
        directory: directory.clone(),
        ..cluster.backend()
    };
    (node(backend, settings()).await, directory)
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

/// A session that writes down what it is told. Clones are the same connection.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) node: Node,
    pub(crate) local: Arc<Local>,
    pub(crate) told: Arc<Told>,
    /// Of a resumed one: its rooms, as its `welcome` shows them.
    pub(crate) rooms: Vec<RoomSnapshot>,
    next_id: Arc<AtomicUsize>,
}

/// What there is to choose about a session.
#[derive(Clone)]
pub(crate) struct Kind {
    pub(crate) receipts: bool,
    pub(crate) hidden: bool,
    pub(crate) resumable: bool,
    /// `None`: an anonymous one.
    pub(crate) user: Option<UserId>,
}

impl Default for Kind {
    fn default() -> Self {
        Self {
            receipts: true,
            hidden: false,
            resumable: true,
            user: None,
        }
    }
}

/// What a session was told.
#[derive(Default)]
pub(crate) struct Told {
    messages: Mutex<Vec<ServerMessage>>,
    changed: Notify,
    /// So many messages fit; 0: any number.
    most: AtomicUsize,
    superseded: AtomicBool,
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

    fn superseded(&self) {
        self.superseded.store(true, Ordering::Relaxed);
        self.changed.notify_waiters();
    }
}

impl Told {
    pub(crate) fn messages(&self) -> Vec<ServerMessage> {
        self.messages.lock().clone()
    }

    /// Whether another connection has the session.
    pub(crate) fn is_superseded(&self) -> bool {
        self.superseded.load(Ordering::Relaxed)
    }

    /// How a member's connection was told to be, one after another.
    pub(crate) fn connections(&self, of: &PeerId) -> Vec<Connection> {
        connections(&self.messages.lock(), of)
    }

    /// Waits until a member was told to be `connection` last.
    pub(crate) async fn until_connection(&self, of: &PeerId, connection: Connection) {
        self.until("a member's connection", |told| {
            (connections(told, of).last() == Some(&connection)).then_some(())
        })
        .await;
    }

    /// How often, and why, a member was told to have left.
    pub(crate) fn leaves(&self, of: &PeerId) -> Vec<LeaveReason> {
        leaves(&self.messages.lock(), of)
    }

    /// Waits until a member was told to have left, and says why it did.
    pub(crate) async fn until_left(&self, of: &PeerId) -> LeaveReason {
        self.until("that a member left", |told| {
            leaves(told, of).first().copied()
        })
        .await
    }

    /// Waits until a member was told to have come.
    pub(crate) async fn until_joined(&self, who: &PeerId) {
        let joined = |message: &_| matches!(message, ServerMessage::MemberJoined(j) if j.member.peer == *who);
        self.until_one("that a member came", joined).await;
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
        signals(&self.messages.lock())
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
    /// A resumable one.
    pub(crate) async fn new(node: &Node, receipts: bool) -> Self {
        let kind = Kind {
            receipts,
            ..Kind::default()
        };
        Self::of(node, kind).await
    }

    pub(crate) async fn of(node: &Node, kind: Kind) -> Self {
        let (peer, told) = (PeerId::random(), Arc::new(Told::default()));
        let user = kind.user.unwrap_or_else(|| UserId::anonymous(&peer));
        let session = NewSession {
            peer,
            user,
            receipts: kind.receipts,
            hidden: kind.hidden,
            resumable: kind.resumable,
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
            rooms: Vec::new(),
            next_id: Arc::new(AtomicUsize::new(1)),
        }
    }

    /// What the client was given to resume with.
    pub(crate) fn secret(&self) -> String {
        self.node.secret(&self.local)
    }

    /// The session as `node` has it from now on.
    pub(crate) async fn resume_on(&self, node: &Node) -> Self {
        let nothing_seen = BTreeMap::new();
        self.resume_having_seen(node, nothing_seen).await
    }

    /// Likewise; the client says up to which id of each sender it has handled everything.
    pub(crate) async fn resume_having_seen(
        &self,
        node: &Node,
        seen: BTreeMap<PeerId, u64>,
    ) -> Self {
        self.try_to_resume(node, &self.secret(), seen)
            .await
            .expect("the session is resumed")
    }

    pub(crate) async fn try_to_resume(
        &self,
        node: &Node,
        secret: &str,
        seen: BTreeMap<PeerId, u64>,
    ) -> Result<Self, ResumeError> {
        let told = Arc::new(Told::default());
        let session = NewSession {
            peer: self.peer(),
            user: self.local.user.clone(),
            receipts: self.local.receipts,
            hidden: self.local.hidden,
            resumable: self.local.resumable,
            recipient: told.clone(),
        };
        let resumed = node.resume(session, secret, seen).await?;
        Ok(Self {
            node: node.clone(),
            local: resumed.local,
            told,
            rooms: resumed.rooms,
            next_id: self.next_id.clone(),
        })
    }

    /// Its client is gone without a word.
    pub(crate) fn loses_connection(&self) {
        self.node
            .detach(self.local.clone(), Departure::Away(WINDOW));
    }

    pub(crate) fn departs(&self, reason: LeaveReason) {
        self.node
            .detach(self.local.clone(), Departure::Leave(reason));
    }

    /// Waits until the session is another connection's, and lets go of it as a gateway does.
    pub(crate) async fn until_superseded(&self) {
        self.told
            .until("that it is superseded", |_| {
                self.told.is_superseded().then_some(())
            })
            .await;
        self.node.detach(self.local.clone(), Departure::Superseded);
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
            claim: None,
        };
        self.node.join(&self.local, join).await
    }

    /// Joins under a name that is to be its own.
    pub(crate) async fn join_as(
        &self,
        room: &str,
        name: &str,
        claim: Claim,
    ) -> Result<(), JoinError> {
        let join = JoinRoom {
            re: 1,
            room: id(room),
            capacity: 64,
            may_create: true,
            profile: Profile {
                name: Some(name.into()),
                ..Profile::default()
            },
            claim: Some(claim),
        };
        self.node.join(&self.local, join).await
    }

    /// Sends a signal to `to`, or to all, and gives its id.
    pub(crate) fn signal(&self, room: &str, to: Option<PeerId>) -> u64 {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed) as u64;
        self.signal_again(room, id, to);
        id
    }

    /// Sends a signal with an id that was perhaps used before.
    pub(crate) fn signal_again(&self, room: &str, id: u64, to: Option<PeerId>) {
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
            .relay(&self.local, &signal, false)
            .expect("a member may signal");
    }

    /// Handles, and says so, every signal from `sender` up to `id`.
    pub(crate) fn handles(&self, sender: &PeerId, id: u64) {
        self.node.written(&self.local, sender, id);
        self.node.received(&self.local, sender, id);
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

    /// Waits until so many signals were handed on to it.
    pub(crate) async fn until_signals(&self, count: usize) {
        self.told
            .until("signals", |told| {
                (signals(told).len() >= count).then_some(())
            })
            .await;
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

fn connections(told: &[ServerMessage], of: &PeerId) -> Vec<Connection> {
    let told = told.iter().filter_map(|message| match message {
        ServerMessage::MemberUpdated(update) if update.peer == *of => update.connection,
        _ => None,
    });
    told.collect()
}

fn leaves(told: &[ServerMessage], of: &PeerId) -> Vec<LeaveReason> {
    let told = told.iter().filter_map(|message| match message {
        ServerMessage::MemberLeft(left) if left.peer == *of => Some(left.reason),
        _ => None,
    });
    told.collect()
}

fn signals(told: &[ServerMessage]) -> Vec<u64> {
    let ids = told.iter().filter_map(|message| match message {
        ServerMessage::Signal(signal) => Some(signal.id),
        _ => None,
    });
    ids.collect()
}
