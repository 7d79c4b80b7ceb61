//! The keys that an issuer publishes (RFC 7517), read in the background and again when a token names one that is not there.
//!
//! Whatever comes back, and however many tokens name unknown keys: the issuer is asked at most once in [`SLOT`] on their
//! behalf. What cannot be read leaves the last good keys as they are, for [`STALE_MAX`].

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use switchboard_auth::KeySet;
use switchboard_cluster::Repeated;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::key_source::{KeySource, Published};
use crate::metrics::{KeyReads, KeyReadsCounter};

/// Between two questions to an issuer. A token that names an unknown key is told to come again when it may be asked.
const SLOT: Duration = Duration::from_secs(30);
/// An answer that says nothing else is read again after this.
const FRESH: Duration = Duration::from_secs(600);
/// What an answer may say.
const FRESH_MIN: Duration = Duration::from_secs(60);
const FRESH_MAX: Duration = Duration::from_secs(24 * 3600);
/// So long after they were fresh the last good keys count, where no other can be read.
const STALE_MAX: Duration = Duration::from_secs(24 * 3600);
/// A client that waits for keys waits no longer: all questions are over by then.
const PATIENCE: Duration = Duration::from_secs(12);

/// An issuer's keys, and when they were read.
#[derive(Debug)]
pub(super) struct PublishedKeys {
    /// Between two questions.
    slot: Duration,
    source: KeySource,
    keys: KeySet,
    counter: KeyReadsCounter,
    reading: Mutex<Reading>,
    /// Somebody waits for the next answer.
    wanted: Notify,
    /// Counts answers, good or not.
    answers: watch::Sender<u64>,
    failures: Repeated,
}

#[derive(Debug)]
struct Reading {
    /// When the issuer was asked last.
    asked_at: Option<Instant>,
    under_way: bool,
    /// When its keys were read last.
    read_at: Option<Instant>,
    /// Until then they are good, by what the issuer said.
    fresh_until: Option<Instant>,
}

/// What came of looking for a key once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LookedAgain {
    /// The keys are those of this moment.
    Read,
    /// They could not be read, or may not be read again yet. After this they may.
    Later(Duration),
}

impl PublishedKeys {
    pub(super) fn new(source: KeySource, counter: KeyReadsCounter) -> Arc<Self> {
        Self::with_slot(source, counter, SLOT)
    }

    fn with_slot(source: KeySource, counter: KeyReadsCounter, slot: Duration) -> Arc<Self> {
        Arc::new(Self {
            slot,
            source,
            keys: KeySet::default(),
            counter,
            reading: Mutex::new(Reading {
                asked_at: None,
                under_way: false,
                read_at: None,
                fresh_until: None,
            }),
            wanted: Notify::new(),
            answers: watch::Sender::new(0),
            failures: Repeated::new(),
        })
    }

    /// The keys, as they are at any time.
    pub(super) fn keys(&self) -> KeySet {
        self.keys.clone()
    }

    /// Reads the keys, again and again, until `stop`.
    pub(super) async fn keep_fresh(self: Arc<Self>, stop: CancellationToken) {
        let mut next = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = sleep_until(next) => {}
                () = self.wanted.notified() => {}
            }
            if !self.begin() {
                continue;
            }
            // A read that is given up is none that others wait for.
            let _under_way = UnderWay(&self.reading);
            let published = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                published = self.source.read() => published,
            };
            next = Instant::now() + self.end(published.map_err(|error| error.to_string()));
        }
    }

    /// Claims the slot. Before it is known what comes back: nothing that an issuer answers makes this node ask it more often.
    fn begin(&self) -> bool {
        let mut reading = self.reading.lock();
        let may_ask = reading.wait(self.slot).is_none();
        if may_ask {
            reading.asked_at = Some(Instant::now());
            reading.under_way = true;
        }
        may_ask
    }

    /// Returns when to read again.
    fn end(&self, published: Result<Published, String>) -> Duration {
        let mut reading = self.reading.lock();
        let next = match published {
            Ok(Published { keys, fresh }) => {
                let (now, fresh) = (Instant::now(), fresh.unwrap_or(FRESH));
                let fresh = fresh.clamp(FRESH_MIN, FRESH_MAX);
                reading.read_at = Some(now);
                reading.fresh_until = Some(now + fresh);
                self.counter.count(KeyReads::Read, 1);
                self.keys.replace(Some(keys));
                fresh
            }
            Err(error) => {
                self.counter.count(KeyReads::Failed, 1);
                self.say_failed(&error, reading.read_at);
                if reading
                    .fresh_until
                    .is_some_and(|at| at.elapsed() > STALE_MAX)
                {
                    self.keys.replace(None);
                }
                self.slot
            }
        };
        drop(reading);
        self.answers.send_modify(|count| *count += 1);
        next
    }

    fn say_failed(&self, error: &str, read_at: Option<Instant>) {
        let Some(said) = self.failures.happened() else {
            return;
        };
        let consequence = match read_at {
            Some(_) => "those that were read before count on, for a day at most",
            None => "until they can, its tokens are answered 4503",
        };
        tracing::warn!(url = %self.source, error, "the keys of an issuer cannot be read; {consequence}{said}");
    }

    /// A token names a key that is not there: looks for it once more, if it may.
    pub(super) async fn look_again(&self) -> LookedAgain {
        let (begun, mut answers) = (Instant::now(), self.answers.subscribe());
        {
            let reading = self.reading.lock();
            if let Some(wait) = reading.wait(self.slot).filter(|_| !reading.under_way) {
                return LookedAgain::Later(wait);
            }
        }
        self.wanted.notify_one();
        let _ = timeout(PATIENCE, answers.changed()).await;
        let reading = self.reading.lock();
        // An answer to a question from before may not have the key yet.
        let is_asked_since = reading.asked_at.is_some_and(|at| at >= begun);
        match is_asked_since && reading.read_at >= reading.asked_at {
            true => LookedAgain::Read,
            false => LookedAgain::Later(reading.wait(self.slot).unwrap_or(self.slot)),
        }
    }
}

/// A question that is asked, until it is answered or given up.
struct UnderWay<'a>(&'a Mutex<Reading>);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.lock().under_way = false;
    }
}

impl Reading {
    /// How long until the issuer may be asked. `None`: now.
    fn wait(&self, slot: Duration) -> Option<Duration> {
        let since = self.asked_at?.elapsed();
        slot.checked_sub(since).filter(|wait| !wait.is_zero())
    }
}

#[cfg(test)]
mod tests;
