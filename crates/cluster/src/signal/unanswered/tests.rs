use switchboard_protocol::Encoding;
use tokio::time::Duration;

use super::*;
use crate::backend::memory::MemoryCluster;
use crate::backend::record::{Flags, Profile};
use crate::link::Shared;

fn member(peer: PeerId, epoch: Epoch, node: &NodeId) -> MemberRecord {
    MemberRecord {
        peer,
        epoch,
        node: node.clone(),
        order: 1,
        flags: Flags {
            hidden: false,
            away: false,
            resumable: true,
            named: false,
        },
        user: "somebody".parse().expect("a user id"),
        joined_at: 0,
        profile: Profile::default(),
        unread: None,
    }
}

fn target(peer: PeerId, epoch: Epoch, node: &NodeId) -> Target {
    Target {
        peer,
        epoch,
        node: node.clone(),
        silent: false,
        queued: None,
        sent: false,
        sent_elsewhere: false,
        held: false,
    }
}

#[test]
fn whoever_is_live_in_one_room_is_not_held_for_in_another_that_is_behind() {
    let (peer, own, reaper) = (
        PeerId::random(),
        NodeId::start("own"),
        NodeId::start("reaper"),
    );
    let mut unanswered = Unanswered::new(Arc::default());
    unanswered.note_moved(Placement::of(&member(peer, 2, &own)));
    for (epoch, aimed) in [(1, 2), (2, 2), (3, 3)] {
        let mut targets = [Target {
            held: true,
            ..target(peer, epoch, &reaper)
        }];
        let behind = unanswered.aim(&mut targets);
        let is_behind = epoch > 2;
        assert_eq!((targets[0].epoch, targets[0].held), (aimed, is_behind));
        assert_eq!(targets[0].node == own, !is_behind);
        assert_eq!(behind.contains(&peer), is_behind);
    }
}

/// One signal, taken.
fn with_a_signal_for(target: Target) -> Unanswered {
    let mut unanswered = Unanswered::new(Arc::default());
    let signal = Signal {
        id: 1,
        room: "r".into(),
        to: None,
        kind: "offer".into(),
        payload: Payload {
            encoding: Encoding::Json,
            bytes: b"{}",
        },
        traceparent: None,
    };
    let max = InFlightMax {
        signals: 1,
        bytes: 1000,
        node_bytes: 1000,
    };
    let room = "r".parse().expect("a room id");
    let taken = unanswered.take(&signal, (&room, 1), SmallVec::from_iter([target]), &max);
    assert_eq!(taken, Ok(()));
    unanswered
}

/// A link that publishes nothing.
fn link(to: &NodeId) -> Link {
    let bus = MemoryCluster::new().backend().bus;
    let shared = Shared {
        own: NodeId::start("own"),
        keyring: Arc::default(),
        linger_max: Duration::ZERO,
        bus,
        observe: Arc::new(()),
    };
    Link::new(to.clone(), 1, Arc::new(shared))
}

#[test]
fn a_node_that_the_receiver_has_gone_from_refuses_nothing() {
    let peer = PeerId::random();
    let (former, present) = (NodeId::start("former"), NodeId::start("present"));
    let mut unanswered = with_a_signal_for(target(peer, 2, &present));
    let mut refuse = |node| {
        let refused = unanswered.refuse(1, &peer, (node, Reason::Left));
        refused.map(|(_, reason)| reason)
    };
    assert_eq!(refuse(&former), None);
    assert_eq!(refuse(&present), Some(Reason::Left));
}

#[test]
fn what_a_link_still_holds_for_somebody_who_moves_may_have_arrived_also_where_it_is_refused() {
    let (peer, sender) = (PeerId::random(), PeerId::random());
    let (former, present) = (NodeId::start("former"), NodeId::start("present"));
    for queued in [true, false] {
        let mut unanswered = with_a_signal_for(target(peer, 1, &former));
        if queued {
            unanswered.queue((sender, 1), &link(&former));
        }
        let moved = member(peer, 2, &present);
        unanswered.retarget((sender, 1), &moved, &link(&present));
        let refused = unanswered.refuse(1, &peer, (&present, Reason::NoSuchPeer));
        let (_, told) = refused.expect("it is waited for");
        let certain = !queued;
        assert_eq!(told == Reason::NoSuchPeer, certain, "{told:?}");
    }
}
