//! Receipts: what the receiver's node tells the sender's node of signals, and what the sender is told by that.
//!
//! ```text
//! written or received ─► inbound: the ids that are answered ─► link ⇢ sender's node: receive_receipt ─► unanswered ─► sender
//! ```

use switchboard_protocol::{NodeId, PeerId};

use crate::backend::record::Epoch;
use crate::link::Urgency;
use crate::link::envelope::{Envelope, Receipt, SignalEnvelope};
use crate::node::{Inner, Node};
use crate::sessions::local_session::LocalSession;
use crate::signal::answer::Answer;

impl Node {
    /// The session's client may have read everything from `sender` up to `id`, though the kernel may lack a part of it.
    pub fn begun(&self, local: &LocalSession, sender: &PeerId, id: u64) {
        local.streams.inbound.lock().begun(sender, id);
    }

    /// The kernel has everything from `sender` up to `id` for the session's socket. That is the answer where its client does
    /// not say `received`.
    pub fn written(&self, local: &LocalSession, sender: &PeerId, id: u64) {
        let mut inbound = local.streams.inbound.lock();
        let answers = inbound.written(local.peer, sender, id, !local.receipts);
        drop(inbound);
        self.0.send_answers(answers);
    }

    /// The session's client has handled everything from `sender` up to `id`.
    pub fn received(&self, local: &LocalSession, sender: &PeerId, id: u64) {
        let answers = local
            .streams
            .inbound
            .lock()
            .received(local.peer, sender, id);
        self.0.send_answers(answers);
    }
}

impl Inner {
    /// Answers a signal at once, for one receiver.
    pub(super) fn send_answer(
        &self,
        to: &NodeId,
        signal: &SignalEnvelope<'_>,
        (receiver, epoch): (PeerId, Epoch),
        answer: Answer,
    ) {
        let mut receipt = Receipt::empty(signal.sender, signal.sender_epoch, receiver);
        receipt.add(signal.id, epoch, answer);
        self.send_receipt(to, receipt);
    }

    fn send_answers(&self, answers: Option<(NodeId, Receipt)>) {
        if let Some((to, receipt)) = answers {
            self.send_receipt(&to, receipt);
        }
    }

    /// Sends a receipt. A link that is full loses it: after its reset, the other side asks again.
    pub(crate) fn send_receipt(&self, to: &NodeId, receipt: Receipt) {
        // Where there is no link any more, there is no sender either.
        if let Some(link) = self.links.known(to) {
            let _ = link.enqueue(&Envelope::Receipt(receipt), Urgency::Receipt);
        }
    }

    /// Answers came for a sender of this node.
    pub(super) fn receive_receipt(&self, from: &NodeId, receipt: &Receipt) {
        let sender = (receipt.sender, receipt.sender_epoch);
        let Some(local) = self.sessions.live_in(&sender) else {
            return;
        };
        let mut unanswered = local.streams.unanswered.lock();
        for &id in &receipt.delivered {
            if let Some(ended) = unanswered.answer(id, &receipt.receiver) {
                self.tell_outcome(&local, ended, Ok(()));
            }
        }
        for &(id, reason) in &receipt.refused {
            let refusal = (from, reason);
            if let Some((ended, reason)) = unanswered.refuse(id, &receipt.receiver, refusal) {
                self.tell_outcome(&local, ended, Err(reason));
            }
        }
        for moved in &receipt.moved {
            unanswered.await_connection(&receipt.receiver, from, moved);
        }
    }
}
