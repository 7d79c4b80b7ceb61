//! The signals of one sender to one session of this node: which ids were handed on, which were refused, and what was
//! answered.

use std::collections::VecDeque;

use switchboard_protocol::NodeId;
use switchboard_protocol::server_message::Reason;
use tokio::time::Instant;

use crate::backend::record::Epoch;
use crate::signal::answer::{Answer, Fate};

/// Refused ids that a stream remembers.
pub(super) const REFUSED_MAX: usize = 64;
/// Ids handed on that a stream remembers one by one. Of those before them it knows only that they were.
pub(super) const HANDED_ON_MAX: usize = 256;

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) epoch: Epoch,
    /// Where the sender is, for the receipts; `None`: nothing came from it over this connection.
    pub(super) node: Option<NodeId>,
    pub(super) high_water: u64,
    /// Up to here, every id counts as handed on: the client listed it, or it is too long ago to be remembered.
    floor: u64,
    /// The last id that the client had handled when it came here, where it tells no more than that. Ids that were refused
    /// before are not among what it had, and this node does not know which those are.
    unlisted: u64,
    /// The same where it lists what it handled: up to here, it does not have what it does not list.
    listed: u64,
    /// The highest id of which a part, at least, was handed to the kernel.
    pub(super) written: u64,
    pub(super) pending: VecDeque<u64>,
    pub(super) handed_on: VecDeque<u64>,
    refused: VecDeque<(u64, Reason)>,
    /// Up to here, an id that is neither pending nor refused may have been either: the lists are bounded.
    pub(super) unsure: u64,
    pub(super) used_at: Instant,
}

impl Stream {
    pub(super) fn new() -> Self {
        Self {
            epoch: 0,
            node: None,
            high_water: 0,
            floor: 0,
            unlisted: 0,
            listed: 0,
            written: 0,
            pending: VecDeque::new(),
            handed_on: VecDeque::new(),
            refused: VecDeque::new(),
            unsure: 0,
            used_at: Instant::now(),
        }
    }

    /// The client tells no more than that it has handled everything up to `id`.
    pub(super) fn handled_up_to(id: u64) -> Self {
        Self {
            high_water: id,
            floor: id,
            unlisted: id,
            ..Self::new()
        }
    }

    /// The client has handled nothing above `id`, and from the first listed id on exactly what is listed. What it handled
    /// below that is not known.
    pub(super) fn having_handled(id: u64, list: Vec<u64>) -> Self {
        Self {
            high_water: id,
            listed: id,
            unsure: list.first().map_or(id, |first| first.saturating_sub(1)),
            handed_on: list.into(),
            ..Self::new()
        }
    }

    /// Whether something became of an id already.
    pub(super) fn knows(&self, id: u64) -> bool {
        let was_refused = || self.refused.iter().any(|(refused, _)| *refused == id);
        id <= self.high_water.max(self.unsure) || was_refused()
    }

    /// The answer to an id that is [known](Self::knows); `None`: it is pending.
    pub(super) fn remembered(&self, id: u64) -> Option<Answer> {
        if let Some((_, reason)) = self.refused.iter().find(|(refused, _)| *refused == id) {
            return Some(Answer::Refused(*reason));
        }
        if self.pending.binary_search(&id).is_ok() {
            return None;
        }
        Some(if id <= self.unsure {
            Answer::Refused(Reason::Unconfirmed)
        } else if id <= self.floor || self.handed_on.binary_search(&id).is_ok() {
            Answer::Delivered
        } else if id <= self.listed {
            // It was refused over an earlier connection: it was for an earlier stay in the room, as good as always.
            Answer::Refused(Reason::Left)
        } else {
            // Its sender was over a bound when it came first, and later ones have overtaken it since.
            Answer::Refused(Reason::Overloaded)
        })
    }

    /// The same where the session is not in the room: then it may have been refused for that before, where the session was
    /// at that time, and the client have gone on to later ones in another room. `unsure` is the answer then, unless the
    /// client has listed what it handled.
    pub(super) fn remembered_outside(&self, id: u64, unsure: Answer) -> Option<Answer> {
        match self.remembered(id) {
            Some(Answer::Delivered) if id <= self.unlisted => Some(unsure),
            answer => answer,
        }
    }

    pub(super) fn answer_after(&self, fate: Fate, id: u64) -> Answer {
        if !self.knows(id) {
            return fate.of_untouched();
        }
        self.remembered(id).unwrap_or_else(|| {
            if id <= self.written {
                fate.of_written()
            } else {
                fate.of_untouched()
            }
        })
    }

    pub(super) fn hand_on(&mut self, id: u64) {
        if self.handed_on.len() >= HANDED_ON_MAX
            && let Some(oldest) = self.handed_on.pop_front()
        {
            if oldest <= self.listed {
                self.unsure = self.unsure.max(oldest);
            } else {
                self.floor = oldest;
            }
        }
        self.handed_on.push_back(id);
    }

    pub(super) fn refuse(&mut self, id: u64, reason: Reason) {
        if self.refused.len() == REFUSED_MAX {
            let oldest = self.refused.pop_front().map_or(0, |(id, _)| id);
            self.unsure = self.unsure.max(oldest);
        }
        self.refused.push_back((id, reason));
    }
}
