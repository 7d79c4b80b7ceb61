//! How much of a session's signals each receiver has not answered. One that does not answer must not take the place of all
//! others: it may have a quarter.

use switchboard_protocol::PeerId;

use super::bounds::InFlightMax;

/// By peer id. Most sessions have a few receivers at a time, so that a binary search is all it takes.
#[derive(Debug, Default)]
pub(super) struct Shares(Vec<Share>);

#[derive(Debug)]
struct Share {
    receiver: PeerId,
    signals: usize,
    bytes: usize,
}

impl Shares {
    /// Whether one more signal may wait for that receiver. The only one may, however large it is.
    pub(super) fn takes(&self, receiver: &PeerId, bytes: usize, max: &InFlightMax) -> bool {
        self.find(receiver).map_or(true, |at| {
            let share = &self.0[at];
            share.signals < max.signals_of_one() && share.bytes + bytes <= max.bytes_of_one()
        })
    }

    pub(super) fn begin(&mut self, receiver: PeerId, bytes: usize) {
        match self.find(&receiver) {
            Ok(at) => {
                self.0[at].signals += 1;
                self.0[at].bytes += bytes;
            }
            Err(at) => self.0.insert(
                at,
                Share {
                    receiver,
                    signals: 1,
                    bytes,
                },
            ),
        }
    }

    pub(super) fn end(&mut self, receiver: &PeerId, bytes: usize) {
        let Ok(at) = self.find(receiver) else { return };
        let share = &mut self.0[at];
        share.signals -= 1;
        share.bytes -= bytes;
        if share.signals == 0 {
            self.0.remove(at);
            if self.0.is_empty() && self.0.capacity() > 8 {
                self.0 = Vec::new();
            }
        }
    }

    fn find(&self, receiver: &PeerId) -> Result<usize, usize> {
        self.0
            .binary_search_by_key(receiver, |share| share.receiver)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: InFlightMax = InFlightMax {
        signals: 8,
        bytes: 400,
        node_bytes: 10_000,
    };

    #[test]
    fn a_share_takes_a_quarter_by_number_and_by_bytes() {
        let (slow, other) = (PeerId::random(), PeerId::random());
        let mut shares = Shares::default();
        shares.begin(slow, 60);
        assert!(shares.takes(&slow, 40, &MAX) && !shares.takes(&slow, 41, &MAX));
        shares.begin(slow, 1);
        assert!(!shares.takes(&slow, 1, &MAX) && shares.takes(&other, 100, &MAX));
        shares.end(&slow, 60);
        assert!(shares.takes(&slow, 99, &MAX));
    }

    #[test]
    fn the_only_signal_for_a_receiver_may_be_as_large_as_all_together() {
        let (peer, mut shares) = (PeerId::random(), Shares::default());
        assert!(shares.takes(&peer, 400, &MAX));
        shares.begin(peer, 400);
        assert!(!shares.takes(&peer, 0, &MAX));
        shares.end(&peer, 400);
        assert!(shares.0.is_empty());
    }
}
