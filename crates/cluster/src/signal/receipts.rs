//! What the client of a session has received, told to the senders.

use switchboard_protocol::{NodeId, PeerId};

use crate::link::envelope::Receipt;
use crate::node::{Inner, Node};
use crate::sessions::local_session::LocalSession;

impl Node {
    /// The session's client has handled everything from `sender` up to `id`.
    pub fn received(&self, local: &LocalSession, sender: &PeerId, id: u64) {
        let answer = local.inbound.lock().received(local.peer, sender, id);
        self.0.answer(answer);
    }

    /// The session's client may have read everything from `sender` up to `id`, though the kernel may lack a part of it.
    pub fn begun(&self, local: &LocalSession, sender: &PeerId, id: u64) {
        local.inbound.lock().begun(sender, id);
    }

    /// The kernel has everything from `sender` up to `id` for the session's socket.
    pub fn written(&self, local: &LocalSession, sender: &PeerId, id: u64) {
        let answer = local
            .inbound
            .lock()
            .written(local.peer, sender, id, !local.receipts);
        self.0.answer(answer);
    }
}

impl Inner {
    fn answer(&self, answer: Option<(NodeId, Receipt)>) {
        if let Some((to, receipt)) = answer {
            self.send_receipt(&to, receipt);
        }
    }
}
