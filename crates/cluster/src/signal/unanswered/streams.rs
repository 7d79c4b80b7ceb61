//! How much of a session's signals each receiver has not answered. One that does not answer must not take the place of all
//! others: it may have a quarter.

use switchboard_protocol::PeerId;

use super::InFlightMax;

/// By peer id. Most sessions have a few receivers at a time, so that a binary search is all it takes.
#[derive(Debug, Default)]
pub(super) struct Streams(Vec<Stream>);

#[derive(Debug)]
struct Stream {
    receiver: PeerId,
    signals: usize,
    bytes: usize,
}

impl Streams {
    /// Whether one more signal may wait for that receiver. The only one may, however large it is.
    pub(super) fn takes(&self, receiver: &PeerId, bytes: usize, max: &InFlightMax) -> bool {
        self.find(receiver).map_or(true, |at| {
            let stream = &self.0[at];
            stream.signals < max.signals_of_one() && stream.bytes + bytes <= max.bytes_of_one()
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
                Stream {
                    receiver,
                    signals: 1,
                    bytes,
                },
            ),
        }
    }

    pub(super) fn end(&mut self, receiver: &PeerId, bytes: usize) {
        let Ok(at) = self.find(receiver) else { return };
        let stream = &mut self.0[at];
        stream.signals -= 1;
        stream.bytes -= bytes;
        if stream.signals == 0 {
            self.0.remove(at);
            if self.0.is_empty() && self.0.capacity() > 8 {
                self.0 = Vec::new();
            }
        }
    }

    fn find(&self, receiver: &PeerId) -> Result<usize, usize> {
        self.0
            .binary_search_by_key(receiver, |stream| stream.receiver)
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
    fn a_stream_takes_a_quarter_by_number_and_by_bytes() {
        let (slow, other) = (PeerId::random(), PeerId::random());
        let mut streams = Streams::default();
        streams.begin(slow, 60);
        assert!(streams.takes(&slow, 40, &MAX) && !streams.takes(&slow, 41, &MAX));
        streams.begin(slow, 1);
        assert!(!streams.takes(&slow, 1, &MAX) && streams.takes(&other, 100, &MAX));
        streams.end(&slow, 60);
        assert!(streams.takes(&slow, 99, &MAX));
    }

    #[test]
    fn the_only_signal_for_somebody_may_be_as_large_as_all_together() {
        let (peer, mut streams) = (PeerId::random(), Streams::default());
        assert!(streams.takes(&peer, 400, &MAX));
        streams.begin(peer, 400);
        assert!(!streams.takes(&peer, 0, &MAX));
        streams.end(&peer, 400);
        assert!(streams.0.is_empty());
    }
}
