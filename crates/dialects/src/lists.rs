//! Lists of everybody in a room, for clients that have no word for one who comes or goes. A list is as long as the room is
//! large and is told to each of its members, so steps that follow one another fast share one: only the newest waits.

use std::time::{Duration, Instant};

use switchboard_protocol::PeerId;

/// Lists that one connection is told, in the long run. The first after a pause is told at once.
const BYTES_PER_SECOND: f64 = 65536.0;
/// What was told beyond that is forgotten: nobody waits longer for the next list.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// When a connection may be told the next list.
#[derive(Debug, Default)]
pub(super) struct Pace {
    next_at: Option<Instant>,
}

impl Pace {
    /// `None`: now. Else, when.
    pub(super) fn next_at(&self, now: Instant) -> Option<Instant> {
        self.next_at.filter(|at| *at > now)
    }

    /// It was told so many bytes of lists.
    pub(super) fn told(&mut self, bytes: usize, now: Instant) {
        let pause = Duration::from_secs_f64(bytes as f64 / BYTES_PER_SECOND);
        let next_at = self.next_at.unwrap_or(now).max(now) + pause;
        self.next_at = Some(next_at.min(now + PAUSE_MAX));
    }
}

/// What the newest list that a client was told of a room lacks.
#[derive(Debug, Default)]
pub(super) struct Outdated {
    is_outdated: bool,
    newcomers: Vec<PeerId>,
    gone: Vec<PeerId>,
}

impl Outdated {
    /// Nothing was told of the room yet.
    pub(super) fn untold() -> Self {
        Self {
            is_outdated: true,
            ..Self::default()
        }
    }

    pub(super) fn is_outdated(&self) -> bool {
        self.is_outdated
    }

    /// Whether the client has not heard of that member yet.
    pub(super) fn is_new(&self, peer: &PeerId) -> bool {
        self.newcomers.contains(peer)
    }

    pub(super) fn came(&mut self, peer: PeerId) {
        self.is_outdated = true;
        // A member that was listed and came again, perhaps under another name, is not new.
        if !self.gone.contains(&peer) && !self.newcomers.contains(&peer) {
            self.newcomers.push(peer);
        }
    }

    pub(super) fn went(&mut self, peer: PeerId) {
        self.is_outdated = true;
        match self.newcomers.iter().position(|known| *known == peer) {
            Some(at) => drop(self.newcomers.swap_remove(at)),
            None if !self.gone.contains(&peer) => self.gone.push(peer),
            None => {}
        }
    }
}

/// How long a text is in JSON, roughly: a control character is six.
pub(super) fn in_json(text: &str) -> usize {
    let in_json = |byte: u8| if byte < b' ' { 6 } else { 1 };
    text.bytes().map(in_json).sum()
}

/// For the dialects' tests: each time later than whatever was put off.
#[cfg(test)]
pub(super) fn much_later() -> Instant {
    use std::sync::atomic::{AtomicU64, Ordering};
    static HOURS: AtomicU64 = AtomicU64::new(1);
    let hours = HOURS.fetch_add(1, Ordering::Relaxed);
    crate::now() + Duration::from_secs(hours * 3600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_much_was_told_the_next_list_comes_soon() {
        let (mut pace, now) = (Pace::default(), crate::now());
        for _ in 0..10 {
            pace.told(10_000_000, now);
        }
        assert_eq!(pace.next_at(now), Some(now + PAUSE_MAX));
        assert_eq!(pace.next_at(now + PAUSE_MAX), None);
    }
}
