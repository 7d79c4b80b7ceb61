//! Liveness asks only whether the process runs; readiness, whether it should get new connections.

use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use switchboard_cluster::{Backend, Node, Reach, Status};

/// Whether this node should get new connections.
pub(crate) struct Readiness {
    node: Node,
    backend: Backend,
    embedded: bool,
    draining: AtomicBool,
}

/// `/readyz`
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) ready: bool,
    /// `embedded`, `up`, or why it is not.
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
        }
    }

    /// The node is on its way out.
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

    /// Whether Redis answers; an embedded node needs none.
    pub(crate) fn backend_is_up(&self) -> bool {
        self.backend.reach.borrow().is_reached()
    }

    fn redis(&self) -> String {
        match &*self.backend.reach.borrow() {
            _ if self.embedded => "embedded".into(),
            Reach::Reached => "up".into(),
            Reach::Never(why) | Reach::Lost(why) => why.clone(),
        }
    }

    /// Why not. A node that has lost Redis stays ready: others may have as well, and sockets are better held than refused.
    fn reason(&self) -> Option<String> {
        if self.draining.load(Ordering::Relaxed) {
            return Some("draining".into());
        }
        match &*self.node.status().borrow() {
            Status::Serving => None,
            Status::Starting(why) => match &*self.backend.reach.borrow() {
                Reach::Never(_) => Some("Redis was not reached yet".into()),
                Reach::Reached | Reach::Lost(_) => Some(why.clone()),
            },
            Status::Reentering => Some("entering the cluster again".into()),
            Status::Stopped => Some("stopped".into()),
        }
    }
}
