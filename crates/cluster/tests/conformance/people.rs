//! Who joins and leaves in these cases.

use switchboard_cluster::Backend;
use switchboard_cluster::directory::{
    JoinOutcome, JoinRequest, LeaveOutcome, PeerOrName, Sighting, UpdateOutcome,
};
use switchboard_cluster::record::{Flags, Profile, RosterSnapshot};
use switchboard_protocol::{NodeId, PeerId, RoomId, UserId};

pub(crate) fn room() -> RoomId {
    "video:1".parse().expect("a room id")
}

pub(crate) fn node(name: &str) -> NodeId {
    name.parse().expect("a node id")
}

/// A peer that joins from `node`, with epoch 1, into a room for four.
pub(crate) fn request(peer: PeerId, on: &str) -> JoinRequest {
    JoinRequest {
        room: room(),
        peer,
        epoch: 1,
        node: node(on),
        user: UserId::anonymous(&peer),
        flags: Flags {
            resumable: true,
            ..Flags::default()
        },
        capacity: 4,
        may_create: true,
        profile: named("somebody"),
        claim: None,
        whole: true,
    }
}

pub(crate) fn hidden(peer: PeerId) -> JoinRequest {
    JoinRequest {
        flags: Flags {
            hidden: true,
            ..Flags::default()
        },
        ..request(peer, "gw-h")
    }
}

pub(crate) fn named(name: &str) -> Profile {
    Profile {
        name: Some(name.into()),
        ..Profile::default()
    }
}

pub(crate) async fn join(backend: &Backend, request: &JoinRequest) -> JoinOutcome {
    backend
        .directory
        .join(request)
        .await
        .expect("the directory answers")
}

pub(crate) async fn joined(backend: &Backend, request: &JoinRequest) -> RosterSnapshot {
    match join(backend, request).await {
        JoinOutcome::Joined { roster, .. } => roster,
        outcome => panic!("{outcome:?}"),
    }
}

pub(crate) async fn enter(backend: &Backend, on: &str) -> (PeerId, RosterSnapshot) {
    let peer = PeerId::random();
    (peer, joined(backend, &request(peer, on)).await)
}

pub(crate) async fn leave(backend: &Backend, peer: PeerId, epoch: u64) -> LeaveOutcome {
    backend
        .directory
        .leave(&room(), &peer, epoch)
        .await
        .expect("the directory answers")
}

pub(crate) async fn roster(backend: &Backend) -> RosterSnapshot {
    backend
        .directory
        .roster(&room())
        .await
        .expect("the directory answers")
}

pub(crate) async fn look_up(backend: &Backend, wanted: PeerOrName) -> Sighting {
    backend
        .directory
        .look_up(&room(), &wanted)
        .await
        .expect("the directory answers")
}

pub(crate) async fn update(
    backend: &Backend,
    peer: PeerId,
    epoch: u64,
    profile: &Profile,
) -> UpdateOutcome {
    backend
        .directory
        .update(&room(), &peer, epoch, profile)
        .await
        .expect("the directory answers")
}
