//! How an unanswered signal ends for a receiver: by its answer, or because it is known that none will come.

use std::collections::VecDeque;

use switchboard_protocol::server_message::Reason;
use switchboard_protocol::{NodeId, PeerId, RoomId};
use switchboard_traces::Traces;
use tokio::time::Instant;

use super::Unanswered;
use super::ended::Ended;
use super::entry::Entry;
use super::shares::Shares;
use super::target::{Earlier, Target};

impl Unanswered {
    /// A receiver answered.
    pub(crate) fn answer(&mut self, id: u64, receiver: &PeerId) -> Option<Ended<Target>> {
        let index = self.find_entry(id)?;
        let entry = &mut self.entries[index];
        let position = entry
            .targets
            .iter()
            .position(|target| target.peer == *receiver)?;
        let target = entry.targets.remove(position);
        let is_last = entry.is_over();
        let ended = entry.end(target, is_last, (&self.traces, &self.sender.0));
        self.shares.end(receiver, entry.payload.bytes.len());
        if is_last {
            self.release(index);
            self.settle();
        }
        Some(ended)
    }

    /// A receiver's node refused it. One that the receiver has gone from since, as far as is known here, does not know what
    /// becomes of it now; and the present one does not know what came by another way.
    pub(crate) fn refuse(
        &mut self,
        id: u64,
        receiver: &PeerId,
        (from, reason): (&NodeId, Reason),
    ) -> Option<(Ended<Target>, Reason)> {
        let entry = &self.entries[self.find_entry(id)?];
        let mut targets = entry.targets.iter();
        targets.find(|target| target.peer == *receiver && target.node == *from)?;
        let ended = self.answer(id, receiver)?;
        let reason = match ended.receiver.earlier {
            Earlier::SentElsewhere => Reason::Unconfirmed,
            Earlier::Unsent | Earlier::SentHere => reason,
        };
        Some((ended, reason))
    }

    /// Ends what `over` picks, oldest first.
    pub(crate) fn end_where(
        &mut self,
        mut over: impl FnMut(&RoomId, Instant, &Target) -> bool,
    ) -> Vec<Ended<Target>> {
        self.end_in_each(|entry, shares| {
            let (room, taken_at) = (&entry.room, entry.taken_at);
            let bytes = entry.payload.bytes.len();
            let mut ended = Vec::new();
            entry.targets.retain(|target| {
                let over = over(room, taken_at, target);
                if over {
                    shares.end(&target.peer, bytes);
                    ended.push(target.clone());
                }
                !over
            });
            ended
        })
    }

    /// Ends everything: the session is over, and no receiver's answer is told any more.
    pub(crate) fn end_all(&mut self) {
        // Nobody answered: what waited for long is not reported as answered late.
        self.traces = Traces::off();
        drop(self.end_where(|_, _, _| true));
        drop(self.end_sought_where(|_, _, _| true));
    }

    /// Ends the receivers that `take` takes out of each entry, oldest first. Entries that are over by that are released.
    pub(super) fn end_in_each<R>(
        &mut self,
        mut take: impl FnMut(&mut Entry, &mut Shares) -> Vec<R>,
    ) -> Vec<Ended<R>> {
        let mut ended = Vec::new();
        for index in 0..self.entries.len() {
            let entry = &mut self.entries[index];
            let mut taken = take(entry, &mut self.shares).into_iter().peekable();
            let is_over = taken.peek().is_some() && entry.is_over();
            while let Some(receiver) = taken.next() {
                let is_last = is_over && taken.peek().is_none();
                ended.push(entry.end(receiver, is_last, (&self.traces, &self.sender.0)));
            }
            if is_over {
                self.release(index);
            }
        }
        self.settle();
        ended
    }

    /// When the oldest signal was taken.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.entries.front().map(|entry| entry.taken_at)
    }

    /// Answers mostly come in the order of the signals.
    pub(super) fn find_entry(&self, id: u64) -> Option<usize> {
        if self.entries.front()?.id == id {
            return Some(0);
        }
        self.entries
            .binary_search_by_key(&id, |entry| entry.id)
            .ok()
    }

    /// Every receiver has answered this one: its bytes are free.
    fn release(&mut self, index: usize) {
        let payload = std::mem::take(&mut self.entries[index].payload.bytes);
        self.signals -= 1;
        self.bytes -= payload.len();
        let charged = self.entries[index].charged;
        self.charged -= charged;
        self.bounds.give_back(charged);
    }

    fn settle(&mut self) {
        while self.entries.front().is_some_and(Entry::is_over) {
            self.entries.pop_front();
        }
        if self.entries.is_empty() {
            self.queued_on.clear();
            if self.entries.capacity() > 16 {
                self.entries = VecDeque::new();
            }
        }
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.bounds.give_back(self.charged);
    }
}
