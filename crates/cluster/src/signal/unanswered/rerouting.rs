//! Where unanswered signals go when a receiver, or the link to its node, changes under them. A receiver may be in several
//! rooms of the sender, whose rosters learn one after another where it is: its signals go one way all the same.

use switchboard_protocol::{NodeId, PeerId};

use super::Unanswered;
use super::target::{Earlier, Placement, Progress, Target};
use crate::backend::record::MemberRecord;
use crate::link::envelope::MovedSignal;
use crate::link::links::Links;
use crate::link::{Link, Position};

impl Unanswered {
    /// A member as a receiver, at the place where the newest roster has it. True: that is this member's, and another room's
    /// is behind.
    pub(super) fn aim(&self, member: &MemberRecord) -> (Target, bool) {
        let here = Placement::of(member);
        let known = self.moved.iter().find(|known| known.peer == here.peer);
        let is_news = known.is_some_and(|known| here.is_ahead_of(known));
        let newest = known.filter(|known| known.is_ahead_of(&here)).cloned();
        let target = Target::at(newest.unwrap_or(here), member.flags.hidden);
        (target, is_news)
    }

    pub(crate) fn waits_for(&self, receiver: &PeerId) -> bool {
        let mut targets = self.entries.iter().flat_map(|entry| &entry.targets);
        targets.any(|target| target.peer == *receiver)
    }

    /// A receiver has another epoch, node or connection: what is unanswered by it goes there now, oldest first.
    pub(crate) fn retarget(&mut self, to: Placement, links: &Links) {
        let link = links.to(&to.node);
        let mut any = false;
        let targets = self.entries.iter_mut().flat_map(|entry| &mut entry.targets);
        for target in targets.filter(|target| target.is_outdated_by(&to)) {
            target.redirect(&to);
            any = true;
        }
        let is_connected = !to.away;
        self.note_moved(to);
        if any && is_connected {
            self.queued_on.retain(|(node, _)| node != link.to());
            self.queue_all(&link);
        }
    }

    /// `from` had no connection for a signal: it waits for the receiver's next one, unless the receiver has gone on to
    /// another node since, as it does without a new epoch where a node was taken for dead.
    pub(crate) fn await_connection(
        &mut self,
        receiver: &PeerId,
        from: &NodeId,
        moved: &MovedSignal,
    ) {
        let Some(index) = self.find_entry(moved.id) else {
            return;
        };
        let mut targets = self.entries[index].targets.iter_mut();
        let Some(target) = targets.find(|target| target.peer == *receiver) else {
            return;
        };
        if moved.may_have {
            target.sent(Earlier::SentElsewhere);
        }
        if target.epoch == moved.epoch && target.node == *from {
            target.progress = Progress::AwaitsConnection;
        }
    }

    /// Takes everything for that node off its link, remembering what may have been published: the link starts a new
    /// generation, or the other side has and answers were lost. Then it is [queued](Self::queue) again.
    pub(crate) fn withdraw(&mut self, link: &Link) {
        self.queued_on.retain(|(node, _)| node != link.to());
        for target in self.targets_at(link.to()) {
            target.withdraw(link);
        }
    }

    /// The other side has confirmed everything that was queued for it: the link may start a new generation without it.
    pub(crate) fn keep_confirmed(&mut self, link: &Link) {
        self.queued_on.retain(|(node, _)| node != link.to());
        for target in self.targets_at(link.to()) {
            if let Progress::Queued(position) = &mut target.progress {
                *position = Position::CONFIRMED;
            }
        }
    }

    fn targets_at(&mut self, node: &NodeId) -> impl Iterator<Item = &mut Target> {
        let targets = self.entries.iter_mut().flat_map(|entry| &mut entry.targets);
        targets.filter(move |target| target.node == *node)
    }

    /// Which peers moved, and where to.
    pub(crate) fn moved(&self) -> Vec<Placement> {
        self.moved.clone()
    }

    /// Notes where a peer is, by the newest roster.
    fn note_moved(&mut self, placement: Placement) {
        let mut known = self.moved.iter_mut();
        match known.find(|known| known.peer == placement.peer) {
            Some(known) if known.epoch > placement.epoch => {}
            Some(known) => *known = placement,
            None => self.moved.push(placement),
        }
    }

    /// Forgets these moves: every room has those peers there.
    pub(crate) fn forget_moved(&mut self, settled: &[Placement]) {
        self.moved.retain(|known| !settled.contains(known));
        if self.moved.is_empty() {
            self.moved = Vec::new();
        }
    }
}
