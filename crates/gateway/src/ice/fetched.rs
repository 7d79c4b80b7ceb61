//! Credentials of a provider, kept for all sessions of the node: fetched in the background, again at half of their life.
//!
//! One task asks, so there is one question at a time, and no hello waits for it. While the provider cannot be asked, the last
//! credentials are given until they end; then clients get the servers that need none, and their sessions are told as soon as
//! there are others.

use std::time::Duration;

use parking_lot::Mutex;
use switchboard_cluster::Repeated;
use switchboard_connection::IceOffer;
use switchboard_protocol::server_message::IceServer;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::provider::{Credentials, NoCredentials, Provider};
use crate::metrics::{IceFetch, IceFetchCounter};

/// After the first failure; each one after it makes the next pause twice as long.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(300);
/// The sessions of a node are told of other credentials within so long, not all at the same moment.
const SPREAD_MAX: Duration = Duration::from_secs(60);
/// A session that has no good credentials looks for others this often.
const LOOK_AGAIN_MAX: Duration = Duration::from_secs(30);
const LOOK_AGAIN_MIN: Duration = Duration::from_secs(1);

pub(super) struct Fetched {
    provider: Provider,
    counter: IceFetchCounter,
    last: Mutex<Last>,
    failures: Repeated,
}

/// The last credentials.
#[derive(Default)]
struct Last {
    servers: Vec<IceServer>,
    /// How many there have been.
    edition: u64,
    /// When others are fetched, and when these end. `None`: there were none.
    life: Option<Life>,
    /// Questions in a row that brought nothing.
    failed: u32,
}

#[derive(Clone, Copy)]
struct Life {
    half: Instant,
    end: Instant,
}

impl Fetched {
    pub(super) fn new(provider: Provider, counter: IceFetchCounter) -> Self {
        Self {
            provider,
            counter,
            last: Mutex::default(),
            failures: Repeated::new(),
        }
    }

    /// Fetches again and again, until `stop`.
    pub(super) async fn keep_fresh(&self, stop: CancellationToken) {
        loop {
            let answer = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                answer = self.provider.ask() => answer,
            };
            let pause = self.take(answer);
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = sleep(pause) => {}
            }
        }
    }

    /// Returns when to ask again.
    fn take(&self, answer: Result<Credentials, NoCredentials>) -> Duration {
        let mut last = self.last.lock();
        match answer {
            Ok(Credentials { servers, ttl }) => {
                let now = Instant::now();
                *last = Last {
                    servers,
                    edition: last.edition + 1,
                    life: Some(Life {
                        half: now + ttl / 2,
                        end: now + ttl,
                    }),
                    failed: 0,
                };
                drop(last);
                self.counter.count(IceFetch::Fetched, 1);
                if let Some(lasted) = self.failures.ended() {
                    tracing::info!(url = %self.provider, "TURN credentials are fetched again; it had failed {lasted}");
                }
                ttl / 2
            }
            Err(error) => {
                let doubled = PAUSE_MIN * 2_u32.saturating_pow(last.failed.min(16));
                last.failed = last.failed.saturating_add(1);
                let has_some = last.life.is_some_and(|life| life.end > Instant::now());
                drop(last);
                self.counter.count(error.outcome(), 1);
                self.say_failed(&error, has_some);
                // Nodes that failed together do not ask together.
                doubled.min(PAUSE_MAX).mul_f32(0.75 + fastrand::f32() / 4.0)
            }
        }
    }

    fn say_failed(&self, error: &NoCredentials, has_some: bool) {
        let Some(said) = self.failures.happened() else {
            return;
        };
        let consequence = match has_some {
            true => "the last ones are given until they end",
            false => "clients get none until they can",
        };
        tracing::warn!(url = %self.provider, %error, "TURN credentials cannot be fetched; {consequence}{said}");
    }

    /// What sessions are told now. `ttl` is that of servers without credentials.
    pub(super) fn offer(&self, ttl: Duration) -> IceOffer {
        let (last, now) = (self.last.lock(), Instant::now());
        let left = last.life.map(|life| life.end.duration_since(now));
        let (servers, left) = match left {
            Some(left) if !left.is_zero() => (last.servers.clone(), left),
            _ => (Vec::new(), Duration::ZERO),
        };
        let until_half = last.life.map(|life| life.half.duration_since(now));
        let renew_in = match until_half {
            // What is fetched then is there a little later.
            Some(pause) if !pause.is_zero() => {
                let spread = SPREAD_MAX.min(left / 8);
                LOOK_AGAIN_MIN + pause + spread.mul_f32(fastrand::f32())
            }
            _ => (left / 8).clamp(LOOK_AGAIN_MIN, LOOK_AGAIN_MAX),
        };
        IceOffer {
            ttl: if servers.is_empty() { ttl } else { left },
            servers,
            edition: last.edition,
            renew_in: Some(renew_in),
        }
    }
}

#[cfg(test)]
mod tests;
