//! A warning that a fault or a client can repeat: said when it begins, summed up while it lasts, and said to be over
//! where that is known. A log that says the same line every second hides the others.
//!
//! ```text
//! 12:00:00 WARN the lease could not be renewed; connections stay open
//! 12:01:00 WARN the lease could not be renewed; connections stay open (59 more in 60 s)
//! 12:01:20 INFO the lease is renewed again (it failed 80 times in 80 s)
//! ```

use std::fmt;

use parking_lot::Mutex;
use tokio::time::{Duration, Instant};

/// Between two lines about the same thing.
const SUM_UP_EVERY: Duration = Duration::from_secs(60);

/// One such warning. The code that warns keeps one for as long as it does, in a `static` where nothing lives long enough.
#[derive(Debug, Default)]
pub struct Repeated(Mutex<Option<Spell>>);

/// From the first time to the end, or for as long as it comes again within [`SUM_UP_EVERY`].
#[derive(Debug)]
struct Spell {
    began: Instant,
    said_at: Instant,
    times: u64,
    unsaid: u64,
}

/// It is to be said now. Written after the words, it adds how often it was not said: nothing, or ` (59 more in 60 s)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    more: u64,
    within: Duration,
}

/// It is over. Written as `80 times in 80 s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lasted {
    times: u64,
    within: Duration,
}

impl Repeated {
    /// It has not happened yet.
    pub const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// It happened (again): whether it is to be said.
    pub fn happened(&self) -> Option<Said> {
        let now = Instant::now();
        let mut spell = self.0.lock();
        let Some(known) = spell.as_mut() else {
            *spell = Some(Spell::beginning(now));
            return Some(Said::FIRST);
        };
        known.times += 1;
        let within = now.saturating_duration_since(known.said_at);
        if within < SUM_UP_EVERY {
            known.unsaid += 1;
            return None;
        }
        let more = known.unsaid;
        if more == 0 {
            // It was silent for so long that this is another one.
            *known = Spell::beginning(now);
            return Some(Said::FIRST);
        }
        (known.said_at, known.unsaid) = (now, 0);
        Some(Said { more, within })
    }

    /// It does not happen any more: how long it did, if it did.
    pub fn ended(&self) -> Option<Lasted> {
        let spell = self.0.lock().take()?;
        Some(Lasted {
            times: spell.times,
            within: Instant::now().saturating_duration_since(spell.began),
        })
    }
}

impl Spell {
    fn beginning(now: Instant) -> Self {
        Self {
            began: now,
            said_at: now,
            times: 1,
            unsaid: 0,
        }
    }
}

impl Said {
    const FIRST: Self = Self {
        more: 0,
        within: Duration::ZERO,
    };
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.more {
            0 => Ok(()),
            more => write!(f, " ({more} more in {} s)", self.within.as_secs()),
        }
    }
}

impl fmt::Display for Lasted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = if self.times == 1 { "time" } else { "times" };
        write!(f, "{} {times} in {} s", self.times, self.within.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn what_happens_every_second_is_said_once_a_minute_with_how_often() {
        let (repeated, mut said) = (Repeated::new(), Vec::new());
        for second in 0..150 {
            if let Some(now) = repeated.happened() {
                said.push((second, now.to_string()));
            }
            advance(SECOND).await;
        }
        let more = " (59 more in 60 s)".to_owned();
        assert_eq!(said, [(0, String::new()), (60, more.clone()), (120, more)]);
    }

    #[tokio::test(start_paused = true)]
    async fn its_end_is_said_once_and_the_next_one_is_said_at_once() {
        let repeated = Repeated::new();
        assert_eq!(repeated.ended(), None);
        for _ in 0..3 {
            repeated.happened();
            advance(SECOND).await;
        }
        let lasted = repeated.ended().expect("it happened");
        assert_eq!(lasted.to_string(), "3 times in 3 s");
        assert_eq!(repeated.ended(), None);
        assert_eq!(repeated.happened(), Some(Said::FIRST));
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_long_silence_it_is_another_one_and_nothing_unsaid_is_forgotten() {
        let repeated = Repeated::new();
        repeated.happened();
        advance(SUM_UP_EVERY * 60).await;
        assert_eq!(repeated.happened(), Some(Said::FIRST));
        repeated.happened();
        advance(SUM_UP_EVERY * 2).await;
        let said = repeated.happened().map(|said| said.to_string());
        assert_eq!(said.as_deref(), Some(" (1 more in 120 s)"));
        assert_eq!(repeated.ended().map(|lasted| lasted.times), Some(3));
    }
}
