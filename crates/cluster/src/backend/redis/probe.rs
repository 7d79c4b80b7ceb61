//! A node listens to itself: every second a probe on its own channel, which its subscription has to bring.
//!
//! A connection can answer every PING and bring nothing: after a slot moved to another master (Redis then sends an
//! unsolicited `sunsubscribe`), or where a server or proxy forgot the subscription. No other node would notice: the others
//! publish, and hear that no node listens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use fred::clients::{Client, SubscriberClient, WithOptions};
use fred::interfaces::{EventInterface, FredResult};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, watch};
use tokio::time::{Duration, Instant, sleep_until, timeout};

use super::publish::publish;
use super::words::COMMAND_TIMEOUT;
use crate::backend::Reach;
use crate::observe::repeated::Repeated;

/// What goes over the channel. No frame is like it: those are authenticated, and longer.
pub(super) const PROBE: &[u8] = b"probe";
/// Between two probes.
const PERIOD: Duration = Duration::from_secs(1);
/// One that is not heard so long after it was published is not heard: as long as Redis may take for an answer.
const PATIENCE: Duration = COMMAND_TIMEOUT;
/// Probes in a row after which the subscription is held for deaf. Where Redis said that nothing listens, one is enough.
const SILENCES_MAX: u32 = 2;

/// Listens for as long as its inbox is there.
pub(super) struct Prober {
    pub(super) subscriber: SubscriberClient,
    pub(super) publisher: WithOptions<Client>,
    pub(super) channel: String,
    pub(super) reach: watch::Receiver<Reach>,
    pub(super) deafness: Arc<Deafness>,
}

/// What the prober tells the task that tends the connection; kept for it while it is busy.
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
pub(super) enum Echo {
    Heard,
    /// Redis was not reached: that is another's to mend.
    NotSent,
    /// It was published to a subscriber, and did not come.
    Silence,
    /// It was published to no subscriber.
    Nobody,
}

impl Prober {
    pub(super) async fn run(self) {
        let mut silences = 0;
        let mut revivals: u32 = 0;
        let deaf = Repeated::new();
        loop {
            let next = Instant::now() + PERIOD;
            let echo = self.probe().await;
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
                        "this node does not hear itself over Redis: it subscribes again{said}"
                    );
                }
                self.deafness.tell(revivals);
            }
            sleep_until(next).await;
        }
    }

    async fn probe(&self) -> Echo {
        if !self.reach.borrow().is_reached() {
            return Echo::NotSent;
        }
        let echo = echo(&self.subscriber, &self.publisher, &self.channel).await;
        echo.unwrap_or(Echo::NotSent)
    }
}

/// Publishes a probe and waits for it. Whatever comes over the channel proves as much. Listens only for so long: a second
/// reader of every frame would cost as much as the first.
pub(super) async fn echo(
    subscriber: &SubscriberClient,
    publisher: &WithOptions<Client>,
    channel: &str,
) -> FredResult<Echo> {
    let mut messages = subscriber.message_rx();
    let listeners = publish(publisher, channel.to_owned(), Bytes::from_static(PROBE)).await?;
    let heard = async {
        loop {
            match messages.recv().await {
                Ok(message) if message.channel != channel => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return true,
                Err(RecvError::Closed) => return false,
            }
        }
    };
    let patience = if listeners == 0 { PERIOD } else { PATIENCE };
    Ok(match timeout(patience, heard).await {
        Ok(true) => Echo::Heard,
        _ if listeners == 0 => Echo::Nobody,
        _ => Echo::Silence,
    })
}
