//! One node of the cluster: its sessions, rooms and links, and the tasks that keep them.
//!
//! ```text
//! session ─► router ─► unanswered ─► link ─► bus ⇢ other node: reader ─► link ─► room ─► delivery ─► session
//!    ▲                                 ◄──────────────────── receipt ◄──────────────────┘
//!    └── delivered / undelivered
//! ```
//!
//! Which tasks it has, and what the end of each means, is in [`tasks`](crate::tasks).

pub(crate) mod entering;
pub(crate) mod lease_keeper;
pub(crate) mod observer;
pub(crate) mod reaper;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use dashmap::DashMap;
use parking_lot::Mutex;
use switchboard_protocol::{NodeId, PeerId, RoomId};
use tokio::sync::{Semaphore, watch};
use tokio::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backend::Backend;
use crate::backend::leases::{LeaseError, NodeInfo};
use crate::link::keyring::{ClusterKey, Keyring};
use crate::link::links::{LinkSettings, Links};
use crate::node::lease_keeper::{Agreement, OwnLease};
use crate::observe::Observe;
use crate::observe::repeated::Repeated;
use crate::repair::assert::{Former, Unverified};
use crate::repair::checked_directory::CheckedDirectory;
use crate::repair::doubt::Doubt;
use crate::room::allowance::Reads;
use crate::room::rooms::Rooms;
use crate::sessions::away::Away;
use crate::sessions::local_session::LocalSession;
use crate::signal::tombstones::Gone;
use crate::signal::unanswered::InFlightMax;
use crate::tasks::{Alarm, Task, VitalTasks};

/// Sessions that resume here at the same time share so many turns, each always the same one.
pub(crate) const ATTACH_TURNS: usize = 256;
/// Sessions that leave the directory at the same time.
const DEPARTURES_MAX: usize = 64;

/// How a node behaves.
#[derive(Clone)]
pub struct Settings {
    /// What it tells of itself.
    pub info: NodeInfo,
    /// The key under which frames are authenticated; `None`: the one that the cluster agrees on.
    pub cluster_key: Option<ClusterKey>,
    /// A node whose lease did not move for so long is dead. Leases are renewed four times as often.
    pub lease: Duration,
    /// A signal that was taken is answered after this at the latest.
    pub delivery_deadline: Duration,
    /// A client that is not heard for so long has lost its connection; only then its window begins.
    pub heartbeat_timeout: Duration,
    /// Bounds on what is unanswered.
    pub in_flight: InFlightMax,
    /// A session that lost its connection is held for so long.
    pub resume_window: Duration,
    /// Sessions without a connection that the node keeps at most; who comes on top of them leaves at once.
    pub away_max: usize,
    /// About what these may take in the directory, bytes; over it, the youngest end.
    pub away_bytes: usize,
    /// Sessions that one user may have in the cluster.
    pub sessions_per_user: u32,
    /// How long an envelope may wait for others where the rate makes it pay.
    pub linger_max: Duration,
    /// Whether frames to this node itself stay in the process.
    pub local_shortcut: bool,
}

/// Whether the node can take sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Not yet, and why.
    Starting(String),
    /// It can.
    Serving,
    /// Not at the moment: another node took this one for dead.
    Reentering,
    /// Not any more.
    Stopped,
}

/// How many are in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomCount {
    /// Which room.
    pub room: RoomId,
    /// Visible members, on all nodes.
    pub members: usize,
    /// Members on this node, hidden ones too.
    pub local_members: usize,
}

/// One node. Cheap to clone.
#[derive(Clone)]
pub struct Node(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) id: NodeId,
    pub(crate) settings: Settings,
    pub(crate) backend: Backend,
    pub(crate) observe: Arc<dyn Observe>,
    pub(crate) keyring: Arc<Keyring>,
    /// Held while the key is asked for.
    pub(crate) agreement: tokio::sync::Mutex<Agreement>,
    /// Something was made with a key that this node does not know.
    pub(crate) key_in_doubt: AtomicBool,
    pub(crate) rooms: Rooms,
    /// Of whole rooms, for joins.
    pub(crate) reads: Mutex<Reads>,
    pub(crate) locals: DashMap<PeerId, Arc<LocalSession>>,
    pub(crate) gone: Gone,
    pub(crate) away: DashMap<PeerId, Arc<Away>>,
    /// What they weigh, and those who are on their way out.
    pub(crate) away_bytes: Arc<AtomicUsize>,
    pub(crate) unverified: Unverified,
    pub(crate) former: Former,
    /// Nodes that this one is cleaning up after.
    pub(crate) reaping: Mutex<BTreeSet<NodeId>>,
    /// Sessions for which signals came too early.
    pub(crate) early: Mutex<Vec<Arc<LocalSession>>>,
    pub(crate) doubt: Arc<Doubt>,
    /// Held while the lease is renewed.
    pub(crate) own_lease: tokio::sync::Mutex<OwnLease>,
    /// Sessions with unanswered signals, for the sweeper.
    pub(crate) waiting: Mutex<Vec<Arc<LocalSession>>>,
    /// Bytes of unanswered signals, over all sessions.
    pub(crate) in_flight_bytes: Arc<AtomicUsize>,
    pub(crate) departures: Semaphore,
    /// Held while a session is attached here again: of two that come at the same time, the later one finds the other.
    pub(crate) attach_turns: Box<[tokio::sync::Mutex<()>]>,
    pub(crate) departing: TaskTracker,
    pub(crate) tasks: TaskTracker,
    pub(crate) vital: VitalTasks,
    pub(crate) stop: CancellationToken,
    pub(crate) status: watch::Sender<Status>,
    /// The lease is gone, and this node has not entered anew yet.
    pub(crate) outside: watch::Sender<bool>,
    pub(crate) warnings: Warnings,
    pub(crate) links: Links,
}

/// What a fault can repeat, and an operator need not read each time.
#[derive(Default)]
pub(crate) struct Warnings {
    pub(crate) lease_lost: Repeated,
    pub(crate) frames_rejected: Repeated,
    pub(crate) resyncs: Repeated,
    pub(crate) reaping_fails: Repeated,
    pub(crate) went_back: Repeated,
    pub(crate) not_asserted: Repeated,
    pub(crate) cannot_leave: Repeated,
    pub(crate) away_shed: Repeated,
    pub(crate) foreign: Repeated,
}

impl Node {
    /// A node that does nothing yet.
    pub fn new(
        id: NodeId,
        settings: Settings,
        mut backend: Backend,
        observe: Arc<dyn Observe>,
    ) -> Self {
        let (keyring, stop) = (Arc::<Keyring>::default(), CancellationToken::new());
        let vital = VitalTasks::new(observe.clone(), backend.alarm.clone());
        let links = Links::new(
            id.clone(),
            &LinkSettings {
                linger_max: settings.linger_max,
                local_shortcut: settings.local_shortcut,
            },
            (backend.bus.clone(), keyring.clone()),
            observe.clone(),
            (vital.clone(), stop.clone()),
        );
        backend.unreadable.observed_by(&observe);
        let doubt = Arc::new(Doubt::new(backend.doubts.clone(), settings.lease));
        backend.directory = Arc::new(CheckedDirectory::new(
            backend.directory,
            doubt.clone(),
            observe.clone(),
        ));
        Self(Arc::new(Inner {
            id,
            settings,
            backend,
            observe,
            keyring,
            agreement: tokio::sync::Mutex::default(),
            key_in_doubt: AtomicBool::new(false),
            rooms: Rooms::default(),
            reads: Mutex::default(),
            locals: DashMap::new(),
            gone: Gone::default(),
            away: DashMap::new(),
            away_bytes: Arc::new(AtomicUsize::new(0)),
            unverified: Unverified::default(),
            former: Former::default(),
            reaping: Mutex::default(),
            early: Mutex::default(),
            doubt,
            own_lease: tokio::sync::Mutex::default(),
            waiting: Mutex::new(Vec::new()),
            in_flight_bytes: Arc::new(AtomicUsize::new(0)),
            departures: Semaphore::new(DEPARTURES_MAX),
            attach_turns: (0..ATTACH_TURNS).map(|_| Default::default()).collect(),
            departing: TaskTracker::new(),
            tasks: vital.tracker().clone(),
            vital,
            stop,
            status: watch::Sender::new(Status::Starting("it has just started".into())),
            outside: watch::Sender::new(false),
            warnings: Warnings::default(),
            links,
        }))
    }

    /// Starts the node's tasks and returns at once; [`status`](Self::status) tells when it serves.
    pub fn start(&self) {
        self.0.vital.spawn(Task::Lease, self.0.clone().live());
        self.0.vital.spawn(Task::Sweeper, self.0.clone().sweep());
    }

    /// Raised when the node cannot go on: a task of its own has panicked. Who runs it has to end it.
    pub fn alarm(&self) -> &Alarm {
        &self.0.backend.alarm
    }

    /// This node's id.
    pub fn id(&self) -> &NodeId {
        &self.0.id
    }

    /// Whether the node can take sessions.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.0.status.subscribe()
    }

    /// Rooms with members on this node.
    pub fn rooms(&self) -> usize {
        self.0.rooms.len()
    }

    /// Bytes of signals that wait for an answer.
    pub fn in_flight_bytes(&self) -> usize {
        self.0.in_flight_bytes.load(Ordering::Relaxed)
    }

    /// The rooms with members on this node. Takes each room's lock for a moment.
    pub fn room_counts(&self) -> Vec<RoomCount> {
        let rooms = self.0.rooms.all();
        let counts = rooms.iter().map(|room| {
            let room = room.lock();
            RoomCount {
                room: room.id().clone(),
                members: room.roster().map_or(0, |roster| roster.visible_count()),
                local_members: room.locals().len(),
            }
        });
        counts.collect()
    }

    /// Sessions without a connection that this node keeps the places of.
    pub fn away_count(&self) -> usize {
        self.0.away.len()
    }

    /// About what these take in the directory.
    pub fn away_bytes(&self) -> usize {
        self.0.away_bytes.load(Ordering::Relaxed)
    }

    /// Finishes: waits until every ended session is out of the directory, or marked as away there, and every link has said
    /// what it had to say, then gives the lease back, and with it those who are away. What is not done after `patience` is
    /// left to the reaper of another node. True: all was done.
    pub async fn stop(&self, patience: Duration) -> bool {
        let inner = &self.0;
        inner.departing.close();
        let done = tokio::time::timeout(patience, async {
            inner.departing.wait().await;
            inner.links.idle().await;
            // One that never entered the cluster has nothing to give back.
            let entered = inner.keyring.get().is_some();
            !entered || inner.give_lease_back().await.is_ok()
        });
        let done = done.await.unwrap_or(false);
        inner.stop.cancel();
        inner.tasks.close();
        inner.tasks.wait().await;
        inner.status.send_replace(Status::Stopped);
        done
    }
}

impl Inner {
    /// Somebody else takes those who are away at once, where there are any. So he does where somebody is still noted for this
    /// node: a directory that has just gone back in time lists whom nobody here knows any more.
    async fn give_lease_back(&self) -> Result<(), LeaseError> {
        let leases = &self.backend.leases;
        // Who renews meanwhile finds it missing, and that is no sign that the directory went back in time.
        let mut own = self.own_lease.lock().await;
        own.forget();
        let noted = self.backend.directory.enlisted(&self.id).await;
        let is_clean = noted.is_ok_and(|noted| noted.is_empty());
        if self.away.is_empty() && is_clean {
            leases.release(&self.id).await
        } else {
            leases.abandon(&self.id).await
        }
    }

    /// Every session with a connection here, by peer id.
    pub(crate) fn locals_in_order(&self) -> Vec<Arc<LocalSession>> {
        let mut locals: Vec<_> = self.locals.iter().map(|local| local.clone()).collect();
        locals.sort_unstable_by_key(|local| local.peer);
        locals
    }

    pub(crate) fn local(&self, peer: &PeerId) -> Option<Arc<LocalSession>> {
        self.locals.get(peer).map(|local| local.clone())
    }
}
