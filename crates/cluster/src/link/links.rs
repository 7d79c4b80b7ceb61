//! The links of a node: one to each node that it talks to, itself included.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use dashmap::DashMap;
use parking_lot::Mutex;
use switchboard_protocol::NodeId;
use switchboard_traces::Traces;
use tokio::sync::mpsc;
use tokio::time::Duration;
use tokio_util::sync::CancellationToken;

use crate::backend::bus::Bus;
use crate::link::envelope::{BadEnvelope, Envelope};
use crate::link::frame::{self, BadFrame};
use crate::link::keyring::Keyring;
use crate::link::loopback::{self, Loopback};
use crate::link::{Link, Repair, Shared};
use crate::observe::Observe;
use crate::spawning::Tasks;
use crate::tasks::Task;

/// How the links of a node behave.
pub(crate) struct LinkSettings {
    /// How long an envelope may wait for others where the rate makes it pay.
    pub(crate) linger_max: Duration,
    /// Whether frames to the node itself stay in the process.
    pub(crate) local_shortcut: bool,
}

pub(crate) struct Links {
    shared: Arc<Shared>,
    links: DashMap<NodeId, (Arc<Link>, CancellationToken)>,
    generations: AtomicU64,
    /// Frames to this node itself that take the shortcut, until the reader takes them.
    looped: Mutex<Option<mpsc::Receiver<Bytes>>>,
    tasks: Tasks,
}

/// A frame from another node.
pub(crate) struct ReceivedFrame<'a> {
    /// The link to its sender.
    pub(crate) link: Arc<Link>,
    /// What the link needs once the envelopes are handled.
    pub(crate) repair: Repair,
    envelopes: &'a [u8],
}

impl<'a> ReceivedFrame<'a> {
    /// Its envelopes, if it is the next frame; else none.
    pub(crate) fn envelopes(
        &self,
    ) -> impl Iterator<Item = Result<Envelope<'a>, BadEnvelope>> + use<'a> {
        frame::envelopes(self.envelopes)
    }
}

impl Links {
    /// No link yet. Their tasks run among `tasks`.
    pub(crate) fn new(
        own: NodeId,
        settings: &LinkSettings,
        (bus, keyring): (Arc<dyn Bus>, Arc<Keyring>),
        (observe, traces): (Arc<dyn Observe>, Traces),
        tasks: Tasks,
    ) -> Self {
        let (bus, looped): (Arc<dyn Bus>, _) = if settings.local_shortcut {
            let (bus, looped) = Loopback::new(own.clone(), bus);
            (Arc::new(bus), looped)
        } else {
            (bus, loopback::none())
        };
        let shared = Shared {
            own,
            keyring,
            linger_max: settings.linger_max,
            bus,
            observe,
            traces,
        };
        Self {
            shared: Arc::new(shared),
            links: DashMap::new(),
            generations: AtomicU64::new(1),
            looped: Mutex::new(Some(looped)),
            tasks,
        }
    }

    /// The link to `node`, opened now if there is none.
    pub(crate) fn to(&self, node: &NodeId) -> Arc<Link> {
        if let Some(link) = self.links.get(node) {
            return link.0.clone();
        }
        let entry = self
            .links
            .entry(node.clone())
            .or_insert_with(|| self.open(node));
        entry.0.clone()
    }

    /// The link to `node`, if there is one.
    pub(crate) fn known(&self, node: &NodeId) -> Option<Arc<Link>> {
        self.links.get(node).map(|link| link.0.clone())
    }

    /// Closes the link to a node that is no more.
    pub(crate) fn close(&self, node: &NodeId) {
        if let Some((_, (link, cancel))) = self.links.remove(node) {
            link.close();
            cancel.cancel();
        }
    }

    /// Every link there is, in the order of the nodes: a simulation finds the same one every time.
    pub(crate) fn all(&self) -> Vec<Arc<Link>> {
        let mut links: Vec<_> = self.links.iter().map(|link| link.0.clone()).collect();
        links.sort_unstable_by(|one, other| one.to().cmp(other.to()));
        links
    }

    /// Waits until every link has nothing left to send or to confirm. Cancel safe.
    pub(crate) async fn idle(&self) {
        for link in self.all() {
            link.idle().await;
        }
    }

    /// A number above all that were given out before.
    pub(crate) fn next_generation(&self) -> u64 {
        self.generations.fetch_add(1, Ordering::Relaxed)
    }

    /// Frames to this node itself that take the shortcut, for the reader. There is one reader: it takes them once.
    pub(crate) fn take_looped(&self) -> Option<mpsc::Receiver<Bytes>> {
        self.looped.lock().take()
    }

    /// Opens a frame that came on this node's channel, and takes note of it at the link to its sender.
    pub(crate) fn receive<'a>(&self, frame: &'a [u8]) -> Result<ReceivedFrame<'a>, BadFrame> {
        let (header, envelopes) = frame::open(&self.shared.keyring, &self.shared.own, frame)?;
        let link = self.to(&header.from);
        let heard = link.heard(&header);
        Ok(ReceivedFrame {
            link,
            envelopes: if heard.is_next { envelopes } else { &[] },
            repair: heard.repair,
        })
    }

    fn open(&self, node: &NodeId) -> (Arc<Link>, CancellationToken) {
        let link = Arc::new(Link::new(
            node.clone(),
            self.next_generation(),
            self.shared.clone(),
        ));
        let cancel = self.tasks.child_stop();
        let (running, until) = (link.clone(), cancel.clone());
        self.tasks
            .vital(Task::Link, async move { running.run(until).await });
        (link, cancel)
    }
}
