//! Members that change hands: another epoch, another node, away and back, and whose place another session gets.

use switchboard_cluster::Backend;
use switchboard_cluster::directory::{
    JoinOutcome, JoinRequest, LeaveOutcome, Place, TakeOver, TakeOverOutcome,
};
use switchboard_cluster::record::{Flags, MemberRecord, RosterSnapshot};
use switchboard_protocol::{PeerId, UserId};

use crate::people::{enter, hidden, join, joined, leave, node, request, room, roster};
use crate::stage::Stage;

pub(crate) fn wish(peer: PeerId, epoch: u64, on: &str, away: bool) -> TakeOver {
    TakeOver {
        room: room(),
        peer,
        epoch,
        node: node(on),
        away,
        whole: true,
    }
}

async fn take_over(backend: &Backend, wish: &TakeOver) -> TakeOverOutcome {
    let taken = backend.directory.take_over(wish).await;
    taken.expect("the directory answers")
}

pub(crate) async fn taken(backend: &Backend, wish: &TakeOver) -> (bool, RosterSnapshot) {
    match take_over(backend, wish).await {
        TakeOverOutcome::Taken { changed, roster } => (changed, roster),
        outcome => panic!("{outcome:?}"),
    }
}

pub(crate) async fn a_member_goes_away_and_comes_back_elsewhere(stage: &Stage) {
    let backend = stage.node().await;
    let (a, before) = enter(&backend, "gw-a").await;
    enter(&backend, "gw-b").await;
    let was = before.members[0].clone();
    let away = Flags {
        away: true,
        ..was.flags
    };
    let (changed, room) = taken(&backend, &wish(a, 1, "gw-a", true)).await;
    assert!(changed);
    assert_eq!((room.revision, room.ready), (3, 2));
    let gone = MemberRecord {
        flags: away,
        ..was.clone()
    };
    assert_eq!(room.members[0], gone);
    // The same again changes nothing.
    let again = taken(&backend, &wish(a, 1, "gw-a", true)).await;
    assert_eq!(again, (false, room.clone()));
    assert_eq!(roster(&backend).await, room);

    let (changed, room) = taken(&backend, &wish(a, 2, "gw-c", false)).await;
    assert!(changed);
    let back = MemberRecord {
        epoch: 2,
        node: node("gw-c"),
        ..was
    };
    assert_eq!((room.revision, &room.members[0]), (4, &back));
    // To another node with the same epoch: what a reaper does.
    let (changed, room) = taken(&backend, &wish(a, 2, "gw-d", true)).await;
    assert!(changed);
    assert_eq!((room.revision, room.members[0].node.as_str()), (5, "gw-d"));
}

pub(crate) async fn whoever_needs_no_whole_room_gets_his_own_place(stage: &Stage) {
    let backend = stage.node().await;
    let (_, before) = enter(&backend, "gw-a").await;
    let peer = PeerId::random();
    let join_alone = JoinRequest {
        whole: false,
        ..request(peer, "gw-b")
    };
    let outcome = join(&backend, &join_alone).await;
    let now = roster(&backend).await;
    let own = now.member(&peer).expect("it is in").clone();
    let place = Place {
        member: own.clone(),
        revision: 2,
        ready: 2,
        capacity: before.capacity,
        order_max: 2,
        nodes: vec![node("gw-a")],
    };
    let entered = JoinOutcome::Entered {
        place: place.clone(),
        evicted: None,
    };
    assert_eq!(outcome, entered);
    assert_eq!(join(&backend, &join_alone).await, entered, "a repeat");
    let alone = TakeOver {
        whole: false,
        ..wish(peer, 1, "gw-b", true)
    };
    let moved = |changed| TakeOverOutcome::Moved {
        changed,
        place: Place {
            member: MemberRecord {
                flags: Flags {
                    away: true,
                    ..own.flags
                },
                ..own.clone()
            },
            revision: 3,
            ..place.clone()
        },
    };
    assert_eq!(take_over(&backend, &alone).await, moved(true));
    assert_eq!(take_over(&backend, &alone).await, moved(false));
}

pub(crate) async fn a_lower_epoch_takes_nothing_over(stage: &Stage) {
    let backend = stage.node().await;
    let nobody = TakeOverOutcome::NotAMember;
    let stranger = PeerId::random();
    let alone = take_over(&backend, &wish(stranger, 1, "gw-a", false)).await;
    assert_eq!(alone, nobody);
    let (a, _) = enter(&backend, "gw-a").await;
    let (_, before) = taken(&backend, &wish(a, 5, "gw-b", false)).await;
    let late = take_over(&backend, &wish(a, 4, "gw-a", true)).await;
    assert_eq!(late, TakeOverOutcome::Stale { known: 5 });
    let strange = take_over(&backend, &wish(stranger, 9, "gw-a", false)).await;
    assert_eq!(strange, nobody);
    assert_eq!(roster(&backend).await, before);
}

pub(crate) async fn a_hidden_member_moves_and_stays_hidden(stage: &Stage) {
    let backend = stage.node().await;
    enter(&backend, "gw-a").await;
    let observer = PeerId::random();
    joined(&backend, &hidden(observer)).await;
    let (_, room) = taken(&backend, &wish(observer, 2, "gw-b", true)).await;
    let member = &room.members[0];
    assert!(member.flags.hidden && member.flags.away && !member.flags.resumable);
    assert_eq!((member.order, member.node.as_str()), (0, "gw-b"));
}

/// A session of alice's in a room for two.
fn alice(peer: PeerId) -> JoinRequest {
    JoinRequest {
        user: "alice & co".parse().expect("a user id"),
        capacity: 2,
        ..request(peer, "gw-a")
    }
}

/// The room after that join, and who had to make room.
pub(crate) async fn replace(
    backend: &Backend,
    request: &JoinRequest,
) -> (RosterSnapshot, Option<PeerId>) {
    match join(backend, request).await {
        JoinOutcome::Joined { roster, evicted } => (roster, evicted.map(|member| member.peer)),
        outcome => panic!("{outcome:?}"),
    }
}

pub(crate) async fn in_a_full_room_one_s_own_away_session_makes_room(stage: &Stage) {
    let backend = stage.node().await;
    let [phone, laptop] = [(); 2].map(|()| PeerId::random());
    let full = JoinOutcome::Full { capacity: 2 };
    joined(&backend, &alice(phone)).await;
    let (bob, _) = enter(&backend, "gw-b").await;
    // Not while it has its socket, and nobody else's.
    assert_eq!(join(&backend, &alice(laptop)).await, full);
    taken(&backend, &wish(bob, 1, "gw-b", true)).await;
    assert_eq!(join(&backend, &alice(laptop)).await, full);
    let before = taken(&backend, &wish(phone, 1, "gw-a", true)).await.1;

    let (room, evicted) = replace(&backend, &alice(laptop)).await;
    assert_eq!(evicted, Some(phone));
    assert_eq!(room.revision, before.revision + 2);
    // It is the second one in, though nobody saw a room with one.
    assert_eq!(room.ready, room.revision);
    let inside: Vec<_> = room.members.iter().map(|it| (it.peer, it.order)).collect();
    assert_eq!(inside, [(bob, 2), (laptop, 3)]);
    assert_eq!(replace(&backend, &alice(laptop)).await, (room, None));
    assert!(!leave(&backend, phone, 1).await.changed);
}

pub(crate) async fn the_first_of_several_makes_room_and_no_hidden_one(stage: &Stage) {
    let backend = stage.node().await;
    let [observer, second, third, fourth] = [(); 4].map(|()| PeerId::random());
    let hidden_alice = JoinRequest {
        flags: hidden(observer).flags,
        ..alice(observer)
    };
    joined(&backend, &hidden_alice).await;
    joined(&backend, &alice(second)).await;
    joined(&backend, &alice(third)).await;
    for peer in [observer, third, second] {
        taken(&backend, &wish(peer, 1, "gw-a", true)).await;
    }
    let (room, evicted) = replace(&backend, &alice(fourth)).await;
    assert_eq!(evicted, Some(second));
    let inside: Vec<_> = room.members.iter().map(|member| member.peer).collect();
    assert_eq!(inside, [observer, third, fourth]);
    // Where there is a place, nobody goes.
    leave(&backend, fourth, 1).await;
    let (_, evicted) = replace(&backend, &alice(second)).await;
    assert_eq!(evicted, None);
}

pub(crate) async fn a_room_for_one_passes_from_one_to_the_next(stage: &Stage) {
    let backend = stage.node().await;
    let only = |peer| JoinRequest {
        capacity: 1,
        ..alice(peer)
    };
    let [first, second] = [(); 2].map(|()| PeerId::random());
    joined(&backend, &only(first)).await;
    taken(&backend, &wish(first, 1, "gw-a", true)).await;
    let (room, evicted) = replace(&backend, &only(second)).await;
    assert_eq!((evicted, room.revision, room.ready), (Some(first), 4, 0));
    assert_eq!((room.members.len(), room.members[0].order), (1, 2));
    let other = JoinRequest {
        user: UserId::anonymous(&first),
        ..only(PeerId::random())
    };
    assert_eq!(
        join(&backend, &other).await,
        JoinOutcome::Full { capacity: 1 }
    );
}

pub(crate) async fn a_kept_place_is_left_only_for_the_node_that_keeps_it(stage: &Stage) {
    let backend = stage.node().await;
    let (a, _) = enter(&backend, "gw-a").await;
    enter(&backend, "gw-c").await;
    let leave_kept = async |epoch, on: &str| {
        let left = backend
            .directory
            .leave_kept(&room(), &a, epoch, &node(on))
            .await;
        left.expect("the directory answers")
    };
    let stays = LeaveOutcome {
        changed: false,
        revision: 2,
        nodes: vec![node("gw-a"), node("gw-c")],
    };
    let sorted = |mut left: LeaveOutcome| {
        left.nodes.sort_unstable();
        left
    };
    assert_eq!(sorted(leave_kept(1, "gw-a").await), stays, "it is live");
    taken(&backend, &wish(a, 2, "gw-b", true)).await;
    for (epoch, on) in [(2, "gw-a"), (1, "gw-b")] {
        let left = leave_kept(epoch, on).await;
        assert_eq!((left.changed, left.revision), (false, 3), "{epoch} {on}");
    }
    let leaves = LeaveOutcome {
        changed: true,
        revision: 4,
        nodes: vec![node("gw-c")],
    };
    assert_eq!(leave_kept(2, "gw-b").await, leaves);
    let again = leave_kept(2, "gw-b").await;
    assert_eq!((again.changed, again.revision), (false, 4));
    assert_eq!(roster(&backend).await.members.len(), 1);
}
