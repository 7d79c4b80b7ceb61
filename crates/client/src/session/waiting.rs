//! How much each receiver has not answered: a gateway takes a quarter of what may be in flight for one, so that a receiver
//! that is slow does not take the place of all others. A client holds back before that.

use std::collections::BTreeMap;

use switchboard_protocol::PeerId;
use switchboard_protocol::limits::{Limits, RECEIVER_SHARE};

/// What is in flight, by receiver.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    each: BTreeMap<PeerId, Load>,
    /// Of broadcasts of which it is not known yet whom they go to: perhaps everybody.
    all: Load,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Load {
    signals: u32,
    bytes: u64,
}

impl Load {
    fn add(&mut self, bytes: usize) {
        self.signals += 1;
        self.bytes += bytes as u64;
    }

    fn take_off(&mut self, bytes: usize) {
        self.signals -= 1;
        self.bytes -= bytes as u64;
    }
}

impl Waiting {
    /// Whether one more signal of so many bytes may be in flight to that receiver. The only one may, however large.
    pub(super) fn takes(&self, to: &PeerId, bytes: usize, limits: &Limits) -> bool {
        let own = self.each.get(to).copied().unwrap_or_default();
        let (signals, in_flight) = (own.signals + self.all.signals, own.bytes + self.all.bytes);
        let fits = signals < (limits.in_flight / RECEIVER_SHARE).max(1)
            && in_flight + bytes as u64 <= limits.in_flight_bytes / u64::from(RECEIVER_SHARE);
        signals == 0 || fits
    }

    /// A signal is in flight; `None`: to everybody.
    pub(super) fn begin(&mut self, to: Option<PeerId>, bytes: usize) {
        match to {
            Some(peer) => self.each.entry(peer).or_default().add(bytes),
            None => self.all.add(bytes),
        }
    }

    /// It is not any more.
    pub(super) fn end(&mut self, to: Option<PeerId>, bytes: usize) {
        let Some(peer) = to else {
            return self.all.take_off(bytes);
        };
        if let Some(load) = self.each.get_mut(&peer) {
            load.take_off(bytes);
            if load.signals == 0 {
                self.each.remove(&peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        in_flight: 8,
        in_flight_bytes: 400,
        max_message_bytes: 4096,
        signals_per_second: 8,
        burst: 16,
    };

    #[test]
    fn one_receiver_takes_a_quarter_by_number_and_by_bytes() {
        let (slow, other) = (PeerId::random(), PeerId::random());
        let mut waiting = Waiting::default();
        waiting.begin(Some(slow), 60);
        assert!(waiting.takes(&slow, 40, &LIMITS) && !waiting.takes(&slow, 41, &LIMITS));
        waiting.begin(Some(slow), 1);
        assert!(!waiting.takes(&slow, 1, &LIMITS) && waiting.takes(&other, 300, &LIMITS));
        waiting.end(Some(slow), 60);
        assert!(waiting.takes(&slow, 1, &LIMITS));
    }

    #[test]
    fn a_broadcast_counts_for_everybody_until_it_is_known_whom_it_goes_to() {
        let (one, other) = (PeerId::random(), PeerId::random());
        let mut waiting = Waiting::default();
        for _ in 0..2 {
            waiting.begin(None, 1);
        }
        assert!(!waiting.takes(&one, 1, &LIMITS) && !waiting.takes(&other, 1, &LIMITS));
        for _ in 0..2 {
            waiting.end(None, 1);
            waiting.begin(Some(one), 1);
        }
        assert!(!waiting.takes(&one, 1, &LIMITS) && waiting.takes(&other, 1, &LIMITS));
    }
}
