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
/// The sessions of a node look for others after it has asked, within so long and not all at the same moment.
const SPREAD_MAX: Duration = Duration::from_secs(60);
/// By then the answer is mostly there.
const ANSWER: Duration = Duration::from_secs(1);

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
    /// When these end. `None`: there were none.
    end: Option<Instant>,
    /// When the provider is asked again. `None`, or over: it is being asked.
    next_at: Option<Instant>,
    /// Questions in a row that brought nothing.
    failed: u32,
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
        let pause = match answer {
            Ok(credentials) => {
                self.counter.count(IceFetch::Fetched, 1);
                if let Some(lasted) = self.failures.ended() {
                    tracing::info!(url = %self.provider, "TURN credentials are fetched again; it had failed {lasted}");
                }
                self.last.lock().renew(credentials)
            }
            Err(error) => {
                self.counter.count(error.outcome(), 1);
                let has_some = !self.last.lock().left().is_zero();
                self.say_failed(&error, has_some);
                self.last.lock().fail()
            }
        };
        self.last.lock().next_at = Some(Instant::now() + pause);
        pause
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

    /// What sessions are told now.
    pub(super) fn offer(&self) -> IceOffer {
        let last = self.last.lock();
        let left = last.left();
        let until_next = last
            .next_at
            .map_or(Duration::ZERO, |at| at.duration_since(Instant::now()));
        let (servers, ttl) = match left.is_zero() {
            // Who asks by itself is to come again as soon as there may be some.
            true => (Vec::new(), whole_seconds(until_next + ANSWER)),
            false => (last.servers.clone(), left),
        };
        let spread = SPREAD_MAX.min(until_next / 4);
        IceOffer {
            servers,
            ttl,
            edition: last.edition,
            renew_in: Some(until_next + ANSWER + spread.mul_f32(fastrand::f32())),
        }
    }
}

/// Rounded up.
fn whole_seconds(duration: Duration) -> Duration {
    let rest = u64::from(duration.subsec_nanos() > 0);
    Duration::from_secs(duration.as_secs() + rest)
}

impl Last {
    /// How long the credentials are good.
    fn left(&self) -> Duration {
        let end = self.end.map(|end| end.duration_since(Instant::now()));
        end.unwrap_or_default()
    }

    /// Returns when others are wanted.
    fn renew(&mut self, Credentials { servers, ttl }: Credentials) -> Duration {
        self.servers = servers;
        self.edition += 1;
        self.end = Some(Instant::now() + ttl);
        self.failed = 0;
        ttl / 2
    }

    /// Returns when to try again: nodes that failed together do not ask together.
    fn fail(&mut self) -> Duration {
        let doubled = PAUSE_MIN * 2_u32.saturating_pow(self.failed.min(16));
        self.failed = self.failed.saturating_add(1);
        doubled.min(PAUSE_MAX).mul_f32(0.75 + fastrand::f32() / 4.0)
    }
}

#[cfg(test)]
mod tests;
