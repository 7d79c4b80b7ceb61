//! Whether the other side is still there.

use std::time::{Duration, Instant};

/// A ping without any answer for this long means that the connection is lost.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// What to do at a [`Heartbeat::deadline`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    /// It is not yet time.
    Nothing,
    /// Say `ping`.
    Ping,
    /// Nobody is there.
    Lost,
}

#[derive(Debug)]
pub(super) struct Heartbeat {
    every: Duration,
    /// When something came, or would have been read.
    heard: Instant,
    pinged: Option<Instant>,
}

impl Heartbeat {
    pub(super) fn new(every: Duration, now: Instant) -> Self {
        Self {
            every,
            heard: now,
            pinged: None,
        }
    }

    /// Something came.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.pinged = None;
    }

    pub(super) fn deadline(&self) -> Instant {
        match self.pinged {
            Some(at) => at + ANSWER_WITHIN,
            None => self.heard + self.every,
        }
    }

    /// While nothing is read, nobody can be found missing, but the other side wants to hear of us all the same.
    pub(super) fn beat(&mut self, now: Instant, reading: bool) -> Beat {
        if now < self.deadline() {
            return Beat::Nothing;
        }
        match (self.pinged, reading) {
            (Some(_), true) => Beat::Lost,
            (Some(_), false) => {
                self.heard(now);
                Beat::Nothing
            }
            (None, _) => {
                self.pinged = Some(now);
                Beat::Ping
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn silence_is_asked_about_and_then_means_loss() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(SECOND * 15, start);
        assert_eq!(heartbeat.beat(start + SECOND * 14, true), Beat::Nothing);
        let asked = heartbeat.deadline();
        assert_eq!(heartbeat.beat(asked, true), Beat::Ping);
        assert_eq!(heartbeat.beat(asked + SECOND * 4, true), Beat::Nothing);
        assert_eq!(heartbeat.beat(asked + SECOND * 5, true), Beat::Lost);
    }

    #[test]
    fn anything_that_comes_is_an_answer() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(SECOND * 15, start);
        assert_eq!(heartbeat.beat(start + SECOND * 15, true), Beat::Ping);
        heartbeat.heard(start + SECOND * 16);
        assert_eq!(heartbeat.deadline(), start + SECOND * 31);
    }

    #[test]
    fn a_client_that_does_not_read_goes_on_pinging_and_misses_nobody() {
        let mut now = Instant::now();
        let mut heartbeat = Heartbeat::new(SECOND * 15, now);
        let beats = [(); 6].map(|()| {
            now = heartbeat.deadline();
            heartbeat.beat(now, false)
        });
        assert!(!beats.contains(&Beat::Lost));
        assert_eq!(beats.iter().filter(|beat| **beat == Beat::Ping).count(), 3);
    }
}
