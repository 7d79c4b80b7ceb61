use switchboard_protocol::server_message::Reason;
use switchboard_protocol::{Encoding, Payload};
use switchboard_traces::Traces;
use tokio::time::Duration;

use super::bounds::InFlightMax;
use super::target::Progress;
use super::*;
use crate::backend::memory::MemoryCluster;
use crate::backend::record::{Flags, Profile};
use crate::link::links::LinkSettings;
use crate::observe::Observe;
use crate::spawning::Tasks;
use crate::tasks::Alarm;

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

#[tokio::test]
async fn signals_to_a_member_that_is_live_in_one_room_are_not_held_by_another_that_is_behind() {
    let (peer, own, reaper) = (
        PeerId::random(),
        NodeId::start("own"),
        NodeId::start("reaper"),
    );
    let mut unanswered = unanswered();
    unanswered.retarget(Placement::of(&member(peer, 2, &own)), &links());
    for (epoch, aimed) in [(1, 2), (2, 2), (3, 3)] {
        let mut away = member(peer, epoch, &reaper);
        away.flags.away = true;
        let (target, is_news) = unanswered.aim(&away);
        let is_behind = epoch > 2;
        let waits = target.progress == Progress::AwaitsConnection;
        assert_eq!((target.epoch, waits), (aimed, is_behind));
        assert_eq!(target.node == own, !is_behind);
        assert_eq!(is_news, is_behind);
    }
}

fn unanswered() -> Unanswered {
    let max = InFlightMax {
        signals: 1,
        bytes: 1000,
        node_bytes: 1000,
    };
    Unanswered::new(
        (PeerId::random(), 1),
        Arc::new(Bounds::new(max)),
        Traces::off(),
    )
}

/// One signal, taken.
fn with_a_signal_for(receiver: &MemberRecord) -> Unanswered {
    let mut unanswered = unanswered();
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
    let room = "r".parse().expect("a room id");
    let (target, _) = unanswered.aim(receiver);
    let taken = unanswered.take(&signal, (&room, 1), SmallVec::from_iter([target]), None);
    assert_eq!(taken, Ok(()));
    unanswered
}

/// Links that publish nothing while a test does not wait.
fn links() -> Links {
    let observe: Arc<dyn Observe> = Arc::new(());
    Links::new(
        NodeId::start("own"),
        &LinkSettings {
            linger_max: Duration::ZERO,
            local_shortcut: false,
        },
        (MemoryCluster::new().backend().bus, Arc::default()),
        (observe.clone(), Traces::off()),
        Tasks::new(observe, Alarm::default()),
    )
}

#[test]
fn a_node_that_the_receiver_has_gone_from_refuses_nothing() {
    let peer = PeerId::random();
    let (former, present) = (NodeId::start("former"), NodeId::start("present"));
    let mut unanswered = with_a_signal_for(&member(peer, 2, &present));
    let mut refuse = |node| {
        let refused = unanswered.refuse(1, &peer, (node, Reason::Left));
        refused.map(|(_, reason)| reason)
    };
    assert_eq!(refuse(&former), None);
    assert_eq!(refuse(&present), Some(Reason::Left));
}

#[tokio::test]
async fn what_a_link_still_holds_for_a_receiver_that_moves_may_have_arrived_also_where_it_is_refused()
 {
    let (peer, links) = (PeerId::random(), links());
    let (former, present) = (NodeId::start("former"), NodeId::start("present"));
    for queued in [true, false] {
        let mut unanswered = with_a_signal_for(&member(peer, 1, &former));
        if queued {
            unanswered.queue(&links.to(&former));
        }
        unanswered.retarget(Placement::of(&member(peer, 2, &present)), &links);
        let refused = unanswered.refuse(1, &peer, (&present, Reason::NoSuchPeer));
        let (_, told) = refused.expect("it is waited for");
        let certain = !queued;
        assert_eq!(told == Reason::NoSuchPeer, certain, "{told:?}");
    }
}
