//! The signals of each sender: which were told to the application, which it has handled.

use std::collections::{BTreeMap, HashMap, VecDeque};

use switchboard_protocol::PeerId;
use switchboard_protocol::client_message::Received;

use crate::Acknowledger;

/// Of the senders that share no room any more, the last ones are remembered: one may come back, and what it sent may be
/// repeated after a resume.
const STRANGERS_MAX: usize = 256;

/// Strangers are looked for when there are this many senders, or twice as many as were left the last time.
const SENDERS_MIN: usize = 1024;

/// One sender's mark in `hello`, about: its id, a number, punctuation.
const SEEN_BYTES: usize = 48;

/// Signals of one sender that are listed in `hello`, the last ones: as many as may be unanswered in one stream.
const LISTED_MAX: usize = 256;
/// One of them in `hello`, at most.
const LISTED_BYTES: usize = 17;

/// Two marks for each sender. What is above the first was never told; what is above the second was not handled, and is
/// to be repeated where the gateway may have lost it.
#[derive(Debug)]
pub(super) struct Streams {
    told: HashMap<PeerId, HighWater>,
    handled: Acknowledger,
    signals: u64,
    senders_max: usize,
}

/// Up to where one sender's signals were told.
#[derive(Debug)]
struct HighWater {
    id: u64,
    /// The last ones that were, this one among them.
    ids: VecDeque<u64>,
    /// Which of all signals this was.
    nth: u64,
}

impl Default for Streams {
    fn default() -> Self {
        Self {
            told: HashMap::new(),
            handled: Acknowledger::default(),
            signals: 0,
            senders_max: SENDERS_MIN,
        }
    }
}

impl Streams {
    /// A signal came. `false`: it was told before, and is dropped; if it was handled, the receipt is due again.
    pub(super) fn tell(
        &mut self,
        from: PeerId,
        id: u64,
        is_stranger: impl Fn(&PeerId) -> bool,
    ) -> bool {
        let known = self.told.get_mut(&from);
        if known.as_ref().is_some_and(|told| id <= told.id) {
            if self.handled.last(&from).is_some_and(|last| id <= last) {
                self.handled.handled(from, id);
            }
            return false;
        }
        self.signals += 1;
        let nth = self.signals;
        match known {
            Some(told) => told.next(id, nth),
            None => drop(self.told.insert(from, HighWater::first(id, nth))),
        }
        if self.told.len() > self.senders_max {
            self.forget_strangers(is_stranger);
        }
        true
    }

    /// The application has handled a signal.
    pub(super) fn handled(&mut self, from: PeerId, id: u64) {
        if self.told.contains_key(&from) {
            self.handled.handled(from, id);
        }
    }

    /// What `hello` says was handled, in a message of at most so many bytes. Whose mark does not fit repeats itself in
    /// vain.
    pub(super) fn seen(&self, message_bytes_max: u64) -> BTreeMap<PeerId, u64> {
        let fits = usize::try_from(message_bytes_max / 2).unwrap_or(usize::MAX) / SEEN_BYTES;
        self.handled.seen().take(fits).collect()
    }

    /// Which ids those are, beside [`seen`](Self::seen): the gateway takes what is not listed for signals that were refused.
    /// Of senders that do not fit it knows less.
    pub(super) fn listed(&self, message_bytes_max: u64) -> BTreeMap<PeerId, Vec<u64>> {
        let mut left = usize::try_from(message_bytes_max / 4).unwrap_or(usize::MAX);
        let lists = self.handled.seen().filter_map(|(from, last)| {
            let told = self.told.get(&from)?;
            let handled = told.ids.iter().copied().filter(|id| *id <= last);
            Some((from, handled.collect::<Vec<_>>()))
        });
        let fits = |(_, ids): &(PeerId, Vec<u64>)| {
            let bytes = SEEN_BYTES + ids.len() * LISTED_BYTES;
            let fits = bytes <= left;
            left = left.saturating_sub(bytes);
            fits
        };
        lists.take_while(fits).collect()
    }

    /// The receipts due.
    pub(super) fn take_receipts(&mut self) -> impl Iterator<Item = Received> {
        self.handled.take_received()
    }

    fn forget_strangers(&mut self, is_stranger: impl Fn(&PeerId) -> bool) {
        let told = self.told.iter();
        let mut strangers: Vec<_> = told
            .filter(|(peer, _)| is_stranger(peer))
            .map(|(peer, told)| (told.nth, *peer))
            .collect();
        strangers.sort_unstable();
        let too_many = strangers.len().saturating_sub(STRANGERS_MAX);
        for (_, peer) in &strangers[..too_many] {
            self.told.remove(peer);
            self.handled.forget(peer);
        }
        self.senders_max = SENDERS_MIN.max(2 * self.told.len());
    }
}

impl HighWater {
    fn first(id: u64, nth: u64) -> Self {
        let ids = VecDeque::from([id]);
        Self { id, ids, nth }
    }

    fn next(&mut self, id: u64, nth: u64) {
        (self.id, self.nth) = (id, nth);
        if self.ids.len() == LISTED_MAX {
            self.ids.pop_front();
        }
        self.ids.push_back(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nobody(_: &PeerId) -> bool {
        false
    }

    fn receipts(streams: &mut Streams) -> Vec<(PeerId, u64)> {
        let receipts = streams.take_receipts();
        receipts.map(|receipt| (receipt.from, receipt.id)).collect()
    }

    #[test]
    fn a_repeat_of_what_was_told_and_not_handled_waits_for_its_receipt() {
        let (alice, mut streams) = (PeerId::random(), Streams::default());
        assert!(streams.tell(alice, 3, nobody));
        assert!(streams.tell(alice, 4, nobody));
        streams.handled(alice, 3);
        assert_eq!(receipts(&mut streams), [(alice, 3)]);
        assert!(!streams.tell(alice, 4, nobody));
        assert_eq!(receipts(&mut streams), []);
        assert!(!streams.tell(alice, 3, nobody));
        assert_eq!(receipts(&mut streams), [(alice, 3)]);
    }

    #[test]
    fn only_what_was_handled_counts_as_seen() {
        let [alice, bob] = [(); 2].map(|()| PeerId::random());
        let mut streams = Streams::default();
        streams.tell(alice, 3, nobody);
        streams.tell(alice, 4, nobody);
        streams.tell(bob, 1, nobody);
        streams.handled(alice, 3);
        assert_eq!(streams.seen(4096), BTreeMap::from([(alice, 3)]));
        assert!(streams.seen(64).is_empty());
        assert_eq!(streams.listed(4096), BTreeMap::from([(alice, vec![3])]));
        assert!(streams.listed(64).is_empty());
    }

    #[test]
    fn the_last_that_were_handled_are_listed_and_none_between_them() {
        let (alice, mut streams) = (PeerId::random(), Streams::default());
        let ids: Vec<u64> = (1..=300).map(|n| 2 * n).collect();
        for &id in &ids {
            streams.tell(alice, id, nobody);
            streams.handled(alice, id);
        }
        let listed = streams.listed(1 << 18);
        assert_eq!(listed[&alice], ids[ids.len() - LISTED_MAX..]);
    }

    #[test]
    fn strangers_are_forgotten_when_there_are_too_many_the_oldest_first() {
        let [alice, bob, carol] = [(); 3].map(|()| PeerId::random());
        let mut streams = Streams::default();
        let is_stranger = |peer: &PeerId| *peer != alice;
        for peer in [alice, bob] {
            streams.tell(peer, 3, is_stranger);
        }
        for _ in 3..SENDERS_MIN {
            streams.tell(PeerId::random(), 1, is_stranger);
        }
        streams.tell(carol, 3, is_stranger);
        assert_eq!(streams.told.len(), SENDERS_MIN);
        streams.tell(PeerId::random(), 1, is_stranger);
        assert_eq!(streams.told.len(), STRANGERS_MAX + 1);
        for (peer, is_known) in [(alice, true), (bob, false), (carol, true)] {
            assert_eq!(streams.told.contains_key(&peer), is_known);
        }
    }
}
