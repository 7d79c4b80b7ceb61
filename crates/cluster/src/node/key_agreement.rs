//! The key under which nodes authenticate frames and sessions: the configured one, or the one that the cluster agrees on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use crate::backend::leases::{LeaseError, Leases, SharedKey};
use crate::link::keyring::{ClusterKey, Keyring};
use crate::node::status::Status;

/// What a node knows of the cluster's key.
pub(crate) struct KeyAgreement {
    keyring: Arc<Keyring>,
    configured: Option<ClusterKey>,
    leases: Arc<dyn Leases>,
    status: watch::Receiver<Status>,
    /// Held while the key is asked for.
    agreed: Mutex<Agreed>,
    /// Something was made with a key that this node does not know.
    in_doubt: AtomicBool,
}

#[derive(Default)]
struct Agreed {
    generation: u64,
    /// When this node asked for it, the last time that it was told.
    asked_at: Option<Instant>,
}

impl KeyAgreement {
    /// None yet.
    pub(crate) fn new(
        keyring: Arc<Keyring>,
        configured: Option<ClusterKey>,
        leases: Arc<dyn Leases>,
        status: watch::Receiver<Status>,
    ) -> Self {
        Self {
            keyring,
            configured,
            leases,
            status,
            agreed: Mutex::default(),
            in_doubt: AtomicBool::new(false),
        }
    }

    /// The keys that count.
    pub(crate) fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// A configured key counts. Else this node offers the one it has, and takes the one there is: after Redis forgot it, the
    /// first node that comes brings one back. If that is a node that has just started, with a key of its own, this one
    /// insists, with a higher generation: what was made with the old key is still good then.
    pub(crate) async fn agree(&self) -> Result<(), LeaseError> {
        let mut agreed = self.agreed.lock().await;
        self.ask(&mut agreed).await
    }

    /// Looks whether there is another key, under which something is right that is wrong under those that are known. Of many
    /// that come at the same time one asks, and the others have its answer: theirs would be the same.
    pub(crate) async fn look_for(&self, is_right: impl Fn() -> bool) -> Result<(), LeaseError> {
        let came_at = Instant::now();
        let mut agreed = self.agreed.lock().await;
        let is_answered = agreed.asked_at.is_some_and(|asked| asked > came_at);
        if is_answered || is_right() {
            return Ok(());
        }
        self.ask(&mut agreed).await
    }

    /// A frame came that was made with another key than this node knows.
    pub(crate) fn note_doubt(&self) {
        self.in_doubt.store(true, Ordering::Relaxed);
    }

    /// After such a frame: the cluster may have agreed on another key since.
    pub(crate) async fn look_if_in_doubt(&self) {
        let in_doubt = self.in_doubt.swap(false, Ordering::Relaxed);
        if in_doubt && self.agree().await.is_err() {
            self.note_doubt();
        }
    }

    async fn ask(&self, agreed: &mut Agreed) -> Result<(), LeaseError> {
        let asked_at = Instant::now();
        let (key, generation) = match (&self.configured, self.keyring.get()) {
            (Some(key), _) => {
                self.keyring.set(key.clone());
                return Ok(());
            }
            (None, None) => (ClusterKey::random(), 1),
            (None, Some(key)) => (key, agreed.generation),
        };
        let mut offered = SharedKey {
            key: *key.bytes(),
            generation,
            former: None,
        };
        let mut known = self.leases.cluster_key(&offered).await?;
        // A node that has never served has let no session in, and nothing is lost with its key.
        let is_starting = matches!(*self.status.borrow(), Status::Starting(_));
        if !is_starting && known.key != offered.key && known.generation <= offered.generation {
            offered.generation = known.generation.saturating_add(1);
            known = self.leases.cluster_key(&offered).await?;
        }
        agreed.generation = known.generation;
        agreed.asked_at = Some(asked_at);
        if let Some(former) = known.former {
            self.keyring.accept(ClusterKey::from_bytes(former));
        }
        self.keyring.set(ClusterKey::from_bytes(known.key));
        Ok(())
    }
}
