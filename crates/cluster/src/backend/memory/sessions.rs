//! The sessions' part of the directory: each call under one lock.

use async_trait::async_trait;
use switchboard_protocol::{NodeId, PeerId, RoomId, UserId};

use super::Store;
use crate::backend::directory::{
    Admission, Admitted, AssertPeerOutcome, Attach, AttachOutcome, DirectoryError, PeerDirectory,
    Presence,
};
use crate::backend::record::{Epoch, PeerRecord};
use crate::backend::revocation::Credential;

#[async_trait]
impl PeerDirectory for Store {
    async fn attach(&self, attach: &Attach) -> Result<AttachOutcome, DirectoryError> {
        let outcome = self.peers.lock().attach(attach);
        let forgotten = || !self.rooms.lock().closed_buckets().is_empty();
        if outcome == AttachOutcome::Unknown && forgotten() {
            return Err(DirectoryError::Forgotten);
        }
        Ok(outcome)
    }

    async fn prove(&self, peer: &PeerId, epoch: Epoch) -> Result<bool, DirectoryError> {
        Ok(self.peers.lock().prove(peer, epoch))
    }

    async fn note_credential(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        credential: &Credential,
    ) -> Result<bool, DirectoryError> {
        Ok(self.peers.lock().note_credential(peer, epoch, credential))
    }

    async fn hand_over(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        from: &NodeId,
        to: &NodeId,
    ) -> Result<bool, DirectoryError> {
        Ok(self.peers.lock().hand_over(peer, epoch, from, to))
    }

    async fn assert_peer(&self, record: &PeerRecord) -> Result<AssertPeerOutcome, DirectoryError> {
        Ok(self.peers.lock().assert(record))
    }

    async fn intend(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        room: &RoomId,
        wanted: bool,
    ) -> Result<bool, DirectoryError> {
        Ok(self.peers.lock().intend(peer, epoch, room, wanted))
    }

    async fn note_away(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        node: &NodeId,
    ) -> Result<bool, DirectoryError> {
        Ok(self.peers.lock().note_away(peer, epoch, node))
    }

    async fn presence(&self, peer: &PeerId) -> Result<Presence, DirectoryError> {
        Ok(self.peers.lock().presence(peer))
    }

    async fn evict(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        node: &NodeId,
    ) -> Result<Option<NodeId>, DirectoryError> {
        Ok(self.peers.lock().evict(peer, epoch, node))
    }

    async fn peer(&self, peer: &PeerId) -> Result<Option<PeerRecord>, DirectoryError> {
        Ok(self.peers.lock().get(peer))
    }

    async fn forget(&self, peer: &PeerId, epoch: Epoch) -> Result<bool, DirectoryError> {
        Ok(self.peers.lock().forget(peer, epoch))
    }

    async fn admit(&self, admission: &Admission) -> Result<Admitted, DirectoryError> {
        let cut_off = self.revocations.lock().cut_off_of(&admission.user);
        let is_revoked = |cut_off: &u64| admission.issued_at.is_none_or(|at| at < *cut_off);
        if let Some(cut_off) = cut_off.filter(is_revoked) {
            return Ok(Admitted::CutOff(cut_off));
        }
        Ok(self.peers.lock().admit(admission))
    }

    async fn count(
        &self,
        user: &UserId,
        peer: &PeerId,
        node: &NodeId,
    ) -> Result<(), DirectoryError> {
        self.peers.lock().count(user, peer, node);
        Ok(())
    }

    async fn user_sessions(&self, user: &UserId) -> Result<Vec<PeerId>, DirectoryError> {
        Ok(self.peers.lock().of_user(user))
    }

    async fn dismiss(&self, user: &UserId, peer: &PeerId) -> Result<(), DirectoryError> {
        self.peers.lock().dismiss(user, peer);
        Ok(())
    }

    async fn enlist(&self, node: &NodeId, peer: &PeerId) -> Result<(), DirectoryError> {
        self.peers.lock().enlist(node, peer);
        Ok(())
    }

    async fn delist(&self, node: &NodeId, peer: &PeerId) -> Result<(), DirectoryError> {
        self.peers.lock().delist(node, peer);
        Ok(())
    }

    async fn enlisted(&self, node: &NodeId) -> Result<Vec<PeerId>, DirectoryError> {
        Ok(self.peers.lock().enlisted(node))
    }
}
