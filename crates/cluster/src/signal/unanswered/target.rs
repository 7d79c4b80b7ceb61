//! One receiver of an unanswered signal: where it is, and how far the signal has come on its way there.

use switchboard_protocol::{NodeId, PeerId};

use crate::backend::record::{Epoch, MemberRecord};
use crate::link::{Link, Position};

/// One receiver that has not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) peer: PeerId,
    pub(crate) epoch: Epoch,
    pub(crate) node: NodeId,
    /// A hidden member: the signal reaches it as any other, and the sender is not told what becomes of it.
    pub(crate) silent: bool,
    pub(crate) progress: Progress,
    pub(crate) earlier: Earlier,
}

/// How far a signal has come on its present way to a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The receiver has no connection: the signal waits for its next one.
    AwaitsConnection,
    /// It is to be queued on the link to the receiver's node.
    Due,
    /// It is on that link.
    Queued(Position),
}

/// Whether a signal may have arrived before it was queued where it is queued now, if it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Earlier {
    /// It was not sent before.
    Unsent,
    /// It may have been published to the receiver's node, by a generation of the link that is over.
    SentHere,
    /// It may have arrived by another way than to this connection of the receiver.
    SentElsewhere,
}

/// Where a peer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placement {
    pub(crate) peer: PeerId,
    pub(super) epoch: Epoch,
    pub(super) node: NodeId,
    pub(super) away: bool,
}

impl Placement {
    pub(crate) fn of(member: &MemberRecord) -> Self {
        Self {
            peer: member.peer,
            epoch: member.epoch,
            node: member.node.clone(),
            away: member.flags.away,
        }
    }

    /// Whether a roster that has `other` is behind this. A peer that was taken for away and was not is where it was, under
    /// the same epoch; if it is away after all, its node tells.
    pub(crate) fn is_ahead_of(&self, other: &Self) -> bool {
        (self.epoch, !self.away) > (other.epoch, !other.away)
    }
}

impl Target {
    /// A receiver that is at this place.
    pub(super) fn at(place: Placement, silent: bool) -> Self {
        Self {
            peer: place.peer,
            epoch: place.epoch,
            node: place.node,
            silent,
            progress: Progress::towards(place.away),
            earlier: Earlier::Unsent,
        }
    }

    /// It may have arrived, or may yet: what a link holds goes out.
    pub(crate) fn may_be_on_its_way(&self) -> bool {
        self.earlier != Earlier::Unsent || self.is_queued()
    }

    pub(crate) fn is_queued(&self) -> bool {
        matches!(self.progress, Progress::Queued(_))
    }

    /// Whether the receiver has a connection, as far as it is known here.
    pub(super) fn is_connected(&self) -> bool {
        self.progress != Progress::AwaitsConnection
    }

    /// Whether it may have been published. `link`: the one to the receiver's node, if it is still there.
    pub(crate) fn may_have_arrived(&self, link: Option<&Link>) -> bool {
        let is_published = match self.progress {
            Progress::Queued(position) => link.is_none_or(|link| link.may_be_published(position)),
            Progress::AwaitsConnection | Progress::Due => false,
        };
        self.earlier != Earlier::Unsent || is_published
    }

    /// Whether it has to be queued on the link to `node`, which is in that generation.
    pub(super) fn is_due(&self, node: &NodeId, generation: u64) -> bool {
        let is_due = match self.progress {
            Progress::AwaitsConnection => false,
            Progress::Due => true,
            Progress::Queued(position) => !position.holds_in(generation),
        };
        is_due && self.node == *node
    }

    /// It is on the link to the receiver's node, at that position.
    pub(super) fn queued(&mut self, position: Position) {
        if self.is_queued() {
            // It was on a generation that is over: whether that one published it is not known any more.
            self.sent(Earlier::SentHere);
        }
        self.progress = Progress::Queued(position);
    }

    /// The receiver is at another place: the signal goes there from now on.
    pub(super) fn redirect(&mut self, to: &Placement) {
        if self.may_be_on_its_way() {
            self.earlier = Earlier::SentElsewhere;
        }
        self.progress = Progress::towards(to.away);
        self.epoch = to.epoch;
        self.node = to.node.clone();
    }

    /// Whether the receiver has a newer epoch there, or another node or connection under the same one.
    pub(super) fn is_outdated_by(&self, other: &Placement) -> bool {
        let has_moved = self.node != other.node || self.is_connected() == other.away;
        self.peer == other.peer
            && (self.epoch < other.epoch || (self.epoch == other.epoch && has_moved))
    }

    /// It may have arrived that way before.
    pub(super) fn sent(&mut self, earlier: Earlier) {
        self.earlier = self.earlier.max(earlier);
    }

    /// Takes it off its link, which starts a new generation.
    pub(super) fn withdraw(&mut self, link: &Link) {
        if let Progress::Queued(position) = self.progress {
            if link.may_be_published(position) {
                self.sent(Earlier::SentHere);
            }
            self.progress = Progress::Due;
        }
    }
}

impl Progress {
    /// Before it is queued, to a receiver with or without a connection.
    fn towards(away: bool) -> Self {
        if away {
            Self::AwaitsConnection
        } else {
            Self::Due
        }
    }
}
