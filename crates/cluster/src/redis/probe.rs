//! A node listens to itself: every second a probe on its own channel, which its subscription has to bring.
//!
//! A connection can answer every PING and bring nothing: after a slot moved to another master (Redis then sends an
//! unsolicited `sunsubscribe`), or where a server or proxy forgot the subscription. Nobody else would notice: others
//! publish, and hear that nobody listens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use fred::clients::{Client, SubscriberClient, WithOptions};
use fred::interfaces::EventInterface;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, watch};
use tokio::time::{Duration, Instant, sleep_until, timeout_at};

use super::bus::publish;
use crate::backend::Reach;
use crate::repeated::Repeated;

/// What goes over the channel. No frame is like it: those are authenticated, and longer.
pub(super) const PROBE: &[u8] = b"probe";
/// Between two probes; one that is not heard by then is not heard.
const PERIOD: Duration = Duration::from_secs(1);
/// Probes in a row after which the subscription is held for deaf. Where Redis said that nobody listens, one will do.
const SILENCES_MAX: u32 = 3;

/// Listens for as long as its inbox is there.
pub(super) struct Prober {
    pub(super) subscriber: SubscriberClient,
    pub(super) publisher: WithOptions<Client>,
    pub(super) channel: String,
    pub(super) reach: watch::Receiver<Reach>,
    pub(super) deafness: Arc<Deafness>,
}

/// What the prober tells whoever tends the connection; kept for him if he is busy.
#[derive(Default)]
pub(super) struct Deafness {
    told: Notify,
    times: AtomicU32,
}

impl Deafness {
    /// The subscription was deaf so often in a row.
    fn tell(&self, times: u32) {
        self.times.store(times, Ordering::Relaxed);
        self.told.notify_one();
    }

    /// Ends when it is deaf: how often in a row. Cancel safe.
    pub(super) async fn wait(&self) -> u32 {
        self.told.notified().await;
        self.times.load(Ordering::Relaxed)
    }
}

/// What became of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Echo {
    Heard,
    /// Redis was not reached: that is another's to mend.
    NotSent,
    /// It was published to somebody, and did not come.
    Silence,
    /// It was published to nobody.
    Nobody,
}

impl Prober {
    pub(super) async fn run(self) {
        let mut silences = 0;
        let mut revivals: u32 = 0;
        let deaf = Repeated::new();
        loop {
            let next = Instant::now() + PERIOD;
            let echo = self.probe(next).await;
            silences = match echo {
                Echo::Heard | Echo::NotSent => 0,
                Echo::Silence => silences + 1,
                Echo::Nobody => SILENCES_MAX,
            };
            if echo == Echo::Heard {
                revivals = 0;
                if let Some(lasted) = deaf.ended() {
                    tracing::info!(
                        "this node hears itself over Redis again (it was deaf {lasted})"
                    );
                }
            }
            if silences >= SILENCES_MAX && self.reach.borrow().is_reached() {
                (silences, revivals) = (0, revivals + 1);
                if let Some(said) = deaf.happened() {
                    tracing::warn!(
                        "this node does not hear itself over Redis: it subscribes anew{said}"
                    );
                }
                self.deafness.tell(revivals);
            }
            sleep_until(next).await;
        }
    }

    /// Whatever comes over the channel proves as much as the probe. Listens only for so long: a second reader of every
    /// frame would cost as much as the first.
    async fn probe(&self, until: Instant) -> Echo {
        if !self.reach.borrow().is_reached() {
            return Echo::NotSent;
        }
        let mut messages = self.subscriber.message_rx();
        let probe = Bytes::from_static(PROBE);
        let Ok(listeners) = publish(&self.publisher, self.channel.clone(), probe).await else {
            return Echo::NotSent;
        };
        let heard = async {
            loop {
                match messages.recv().await {
                    Ok(message) if message.channel != self.channel => {}
                    Ok(_) | Err(RecvError::Lagged(_)) => return true,
                    Err(RecvError::Closed) => return false,
                }
            }
        };
        match timeout_at(until, heard).await {
            Ok(true) => Echo::Heard,
            _ if listeners == 0 => Echo::Nobody,
            _ => Echo::Silence,
        }
    }
}
