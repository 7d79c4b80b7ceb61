//! Liveness asks only whether the process runs; readiness, whether it should get new connections.

mod neighbours;
mod watch;

use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use switchboard_cluster::{Backend, Node, Reach, Status};

pub(crate) use self::neighbours::Neighbours;
pub(crate) use self::watch::watch;

/// The value of [`Report::redis`] while Redis answers.
const UP: &str = "up";

/// Whether this node should get new connections.
pub(crate) struct Readiness {
    node: Node,
    backend: Backend,
    embedded: bool,
    draining: AtomicBool,
    /// This node has lost Redis, and another node says that it reaches Redis.
    cut_off: AtomicBool,
}

/// `/readyz`
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) ready: bool,
    /// `embedded`, `up`, or why Redis cannot be used.
    pub(crate) redis: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

impl Readiness {
    pub(crate) fn new(node: Node, backend: Backend, embedded: bool) -> Self {
        Self {
            node,
            backend,
            embedded,
            draining: AtomicBool::new(false),
            cut_off: AtomicBool::new(false),
        }
    }

    /// The node drains: it is not ready any more.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub(crate) fn report(&self) -> Report {
        let reason = self.reason();
        Report {
            ready: reason.is_none(),
            redis: self.redis(),
            reason,
        }
    }

    /// What is known of the connection to Redis.
    pub(crate) fn reach(&self) -> tokio::sync::watch::Receiver<Reach> {
        self.backend.reach.clone()
    }

    /// Whether Redis does what clients need. Always true for an embedded node.
    pub(crate) fn backend_is_up(&self) -> bool {
        self.backend.reach.borrow().is_reached()
    }

    fn redis(&self) -> String {
        match &*self.backend.reach.borrow() {
            _ if self.embedded => "embedded".into(),
            Reach::Reached => UP.into(),
            Reach::Never(why) | Reach::Lost(why) => why.clone(),
        }
    }

    /// Why the node is not ready. A node that has lost Redis, or is refused there, stays ready unless another node
    /// reaches Redis: if no node does, it is better to keep sockets than to refuse them.
    fn reason(&self) -> Option<String> {
        if self.draining.load(Ordering::Relaxed) {
            return Some("draining".into());
        }
        match &*self.node.status().borrow() {
            Status::Serving => self.is_cut_off().then(|| {
                let why = self.redis();
                format!("this node cannot use Redis, and another one says that it can: {why}")
            }),
            Status::Starting(why) => match &*self.backend.reach.borrow() {
                Reach::Never(why) => Some(format!("Redis cannot be used yet: {why}")),
                Reach::Reached | Reach::Lost(_) => Some(why.clone()),
            },
            Status::Reentering => Some("entering the cluster again".into()),
            Status::Stopped => Some("stopped".into()),
        }
    }

    fn is_cut_off(&self) -> bool {
        self.cut_off.load(Ordering::Relaxed) && !self.backend_is_up()
    }
}
