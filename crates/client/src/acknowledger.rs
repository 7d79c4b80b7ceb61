//! Receipts: which signals were handled, told in as few messages as possible.

use std::collections::HashMap;

use switchboard_protocol::client_message::Received;
use switchboard_protocol::{ClientMessage, PeerId};

/// Remembers the highest id handled from each sender, and which of them the gateway has not been told.
///
/// A batch of signals costs one `received` for each of its senders, since `received` is cumulative:
///
/// ```
/// # use switchboard_client::Acknowledger;
/// # use switchboard_protocol::PeerId;
/// # let (alice, bob) = (PeerId::random(), PeerId::random());
/// let mut acknowledger = Acknowledger::default();
/// for (from, id) in [(alice, 1), (bob, 9), (alice, 2), (alice, 2)] {
///     let first_time = acknowledger.handled(from, id);
/// }
/// assert_eq!(acknowledger.take_receipts().count(), 2);
/// ```
#[derive(Debug, Default)]
pub struct Acknowledger {
    streams: HashMap<PeerId, Stream>,
    /// Those whose `told` is false.
    untold: Vec<PeerId>,
}

#[derive(Debug)]
struct Stream {
    handled: u64,
    told: bool,
}

impl Acknowledger {
    /// Notes a signal as handled. `false`: it is a repeat (its id is not above the last from that peer) and to be
    /// dropped; the receipt is said again, for a gateway repeats what it believes to be lost.
    pub fn handled(&mut self, from: PeerId, id: u64) -> bool {
        let mut first_time = false;
        let stream = self.streams.entry(from).or_insert_with(|| {
            first_time = true;
            Stream {
                handled: id,
                told: true,
            }
        });
        if id > stream.handled {
            first_time = true;
            stream.handled = id;
        }
        if stream.told {
            stream.told = false;
            self.untold.push(from);
        }
        first_time
    }

    /// The receipts due, one for each sender since the last call.
    pub fn take_receipts(&mut self) -> impl Iterator<Item = ClientMessage<'static>> {
        self.take_received().map(ClientMessage::Received)
    }

    pub(crate) fn take_received(&mut self) -> impl Iterator<Item = Received> {
        let Self { streams, untold } = self;
        untold.drain(..).filter_map(|from| {
            let stream = streams.get_mut(&from)?;
            stream.told = true;
            let id = stream.handled;
            Some(Received { from, id })
        })
    }

    /// The highest id handled from each sender: what a `hello` that resumes says as `seen`.
    pub fn seen(&self) -> impl Iterator<Item = (PeerId, u64)> {
        self.streams
            .iter()
            .map(|(from, stream)| (*from, stream.handled))
    }

    /// The highest id handled from this sender.
    pub fn last(&self, from: &PeerId) -> Option<u64> {
        self.streams.get(from).map(|stream| stream.handled)
    }

    /// Forgets a peer that shares no room any more, unless its last receipt is still due.
    pub fn forget(&mut self, peer: &PeerId) {
        if self.streams.get(peer).is_some_and(|stream| stream.told) {
            self.streams.remove(peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipts(acknowledger: &mut Acknowledger) -> Vec<(PeerId, u64)> {
        acknowledger
            .take_receipts()
            .map(|message| match message {
                ClientMessage::Received(received) => (received.from, received.id),
                other => panic!("{other:?} is no receipt"),
            })
            .collect()
    }

    #[test]
    fn a_batch_is_acknowledged_once_per_sender_up_to_the_highest_id() {
        let (alice, bob) = (PeerId::random(), PeerId::random());
        let mut acknowledger = Acknowledger::default();
        for (from, id) in [(alice, 3), (bob, 1), (alice, 5), (bob, 2)] {
            assert!(acknowledger.handled(from, id));
        }
        assert_eq!(receipts(&mut acknowledger), [(alice, 5), (bob, 2)]);
        assert_eq!(receipts(&mut acknowledger), []);
    }

    #[test]
    fn a_repeat_is_dropped_and_acknowledged_again() {
        let alice = PeerId::random();
        let mut acknowledger = Acknowledger::default();
        assert!(acknowledger.handled(alice, 7));
        assert_eq!(receipts(&mut acknowledger), [(alice, 7)]);
        assert!(!acknowledger.handled(alice, 7));
        assert!(!acknowledger.handled(alice, 6));
        assert_eq!(receipts(&mut acknowledger), [(alice, 7)]);
    }

    #[test]
    fn what_was_handled_is_seen_whether_or_not_its_receipt_was_said() {
        let (alice, bob) = (PeerId::random(), PeerId::random());
        let mut acknowledger = Acknowledger::default();
        acknowledger.handled(alice, 7);
        assert_eq!(receipts(&mut acknowledger), [(alice, 7)]);
        acknowledger.handled(bob, 2);
        acknowledger.handled(alice, 9);
        let seen: HashMap<_, _> = acknowledger.seen().collect();
        assert_eq!(seen, HashMap::from([(alice, 9), (bob, 2)]));
        assert_eq!(acknowledger.last(&bob), Some(2));
    }

    #[test]
    fn a_peer_is_not_forgotten_before_its_receipt_is_said() {
        let alice = PeerId::random();
        let mut acknowledger = Acknowledger::default();
        acknowledger.handled(alice, 7);
        acknowledger.forget(&alice);
        assert_eq!(receipts(&mut acknowledger), [(alice, 7)]);
        acknowledger.forget(&alice);
        assert!(acknowledger.handled(alice, 7));
    }
}
