//! Rooms: how they come to be and go, whom they take, at which revision they are.

use switchboard_cluster::DirectoryError;
use switchboard_cluster::bucket::Bucket;
use switchboard_cluster::directory::{JoinOutcome, JoinRequest, LeaveOutcome, PeerOrName};
use switchboard_cluster::record::{Profile, RosterSnapshot};
use switchboard_protocol::PeerId;
use tokio::task::JoinSet;

use crate::people::{enter, join, joined, leave, request, room, roster};
use crate::stage::Stage;

pub(crate) async fn the_first_one_in_creates_the_room(stage: &Stage) {
    let node = stage.node().await;
    let request = request(PeerId::random(), "gw-a");
    let snapshot = joined(&node, &request).await;
    assert_eq!(
        (snapshot.revision, snapshot.ready, snapshot.capacity),
        (1, 0, 4)
    );
    let [member] = &snapshot.members[..] else {
        panic!("{snapshot:?}")
    };
    assert_eq!(
        (member.peer, member.epoch, member.order),
        (request.peer, 1, 1)
    );
    assert_eq!(
        (&member.node, &member.user, member.flags),
        (&request.node, &request.user, request.flags)
    );
    assert_eq!(member.profile, request.profile);
    assert!(member.joined_at > 1_600_000_000_000);
    assert_eq!(roster(&node).await, snapshot);
}

/// Braces could move a key to another slot, `:` and spaces end a word of a key or of a record, `%` and `.` begin a pattern's.
pub(crate) async fn a_room_is_called_as_people_call_it(stage: &Stage) {
    const NAMES: [&str; 10] = [
        "회의실",
        "my room",
        "a/b",
        "x{b}y",
        "}{",
        "{b0}:room:x:members",
        "100% .+[a]^$",
        "\"'\\",
        "\u{1f600}\u{200d}",
        "…:members",
    ];
    let node = stage.node().await;
    for name in NAMES {
        let request = JoinRequest {
            room: name.parse().unwrap(),
            ..request(PeerId::random(), "gw-a")
        };
        joined(&node, &request).await;
        let roster = node.directory.roster(&request.room).await.unwrap();
        assert_eq!(roster.members.len(), 1, "{name}");
    }
}

pub(crate) async fn the_last_one_out_deletes_the_room(stage: &Stage) {
    let node = stage.node().await;
    let (a, _) = enter(&node, "gw-a").await;
    let (b, _) = enter(&node, "gw-b").await;
    assert_eq!(
        leave(&node, a, 1).await,
        LeaveOutcome {
            changed: true,
            revision: 3,
            nodes: vec!["gw-b".parse().unwrap()]
        }
    );
    assert_eq!(
        leave(&node, b, 1).await,
        LeaveOutcome {
            changed: true,
            revision: 4,
            nodes: vec![]
        }
    );
    assert_eq!(roster(&node).await, RosterSnapshot::default());
}

pub(crate) async fn the_second_one_in_makes_the_room_ready(stage: &Stage) {
    let node = stage.node().await;
    let (_, first) = enter(&node, "gw-a").await;
    let (b, second) = enter(&node, "gw-b").await;
    let (_, third) = enter(&node, "gw-b").await;
    assert_eq!([first.ready, second.ready, third.ready], [0, 2, 2]);
    assert_eq!([first.revision, second.revision, third.revision], [1, 2, 3]);
    leave(&node, b, 1).await;
    assert_eq!(roster(&node).await.ready, 2);
}

pub(crate) async fn of_twenty_that_race_for_two_places_two_get_in(stage: &Stage) {
    let mut race = JoinSet::new();
    for backend in stage.nodes(4).await {
        for _ in 0..5 {
            let backend = backend.clone();
            let request = JoinRequest {
                capacity: 2,
                ..request(PeerId::random(), "gw-a")
            };
            race.spawn(async move { join(&backend, &request).await });
        }
    }
    let outcomes = race.join_all().await;
    let mut snapshots = Vec::new();
    for outcome in &outcomes {
        if let JoinOutcome::Joined { roster, .. } = outcome {
            snapshots.push(roster);
        }
    }
    let full = outcomes
        .iter()
        .filter(|&outcome| *outcome == JoinOutcome::Full { capacity: 2 })
        .count();
    assert_eq!((snapshots.len(), full), (2, 18));
    assert_eq!(
        snapshots
            .iter()
            .filter(|snapshot| snapshot.ready == snapshot.revision)
            .count(),
        1
    );
}

pub(crate) async fn a_full_room_says_its_capacity(stage: &Stage) {
    let node = stage.node().await;
    let pair = |peer| JoinRequest {
        capacity: 2,
        ..request(peer, "gw-a")
    };
    let a = PeerId::random();
    joined(&node, &pair(a)).await;
    joined(&node, &pair(PeerId::random())).await;
    let third = JoinRequest {
        capacity: 9,
        ..pair(PeerId::random())
    };
    assert_eq!(join(&node, &third).await, JoinOutcome::Full { capacity: 2 });
    // Who is in is not turned away.
    joined(
        &node,
        &JoinRequest {
            epoch: 2,
            ..pair(a)
        },
    )
    .await;
    leave(&node, a, 2).await;
    assert_eq!(joined(&node, &third).await.capacity, 2);
}

pub(crate) async fn a_room_that_may_not_be_created_is_not(stage: &Stage) {
    let node = stage.node().await;
    let guest = JoinRequest {
        may_create: false,
        ..request(PeerId::random(), "gw-a")
    };
    assert_eq!(join(&node, &guest).await, JoinOutcome::NoSuchRoom);
    assert_eq!(roster(&node).await, RosterSnapshot::default());
    enter(&node, "gw-a").await;
    assert_eq!(joined(&node, &guest).await.members.len(), 2);
}

pub(crate) async fn revisions_and_orders_never_go_back(stage: &Stage) {
    let node = stage.node().await;
    let (a, _) = enter(&node, "gw-a").await;
    let (b, second) = enter(&node, "gw-a").await;
    assert_eq!(second.members[1].order, 2);
    leave(&node, b, 1).await;
    let again = joined(
        &node,
        &JoinRequest {
            epoch: 2,
            ..request(b, "gw-a")
        },
    )
    .await;
    assert_eq!((again.revision, again.members[1].order), (4, 3));
    leave(&node, b, 2).await;
    let last = leave(&node, a, 1).await.revision;
    let (_, anew) = enter(&node, "gw-a").await;
    assert_eq!((last, anew.revision, anew.members[0].order), (6, 7, 1));
    assert_eq!(anew.ready, 0);
}

pub(crate) async fn the_nodes_to_tell_are_named_once(stage: &Stage) {
    let node = stage.node().await;
    let (a, _) = enter(&node, "gw-a").await;
    for on in ["gw-b", "gw-c", "gw-b"] {
        enter(&node, on).await;
    }
    let mut nodes = leave(&node, a, 1).await.nodes;
    nodes.sort_unstable();
    assert_eq!(nodes, ["gw-b", "gw-c"].map(|node| node.parse().unwrap()));
}

pub(crate) async fn a_forgotten_bucket_refuses_until_it_is_opened(stage: &Stage) {
    let node = stage.node().await;
    let (a, _) = enter(&node, "gw-a").await;
    stage.forget().await;
    let directory = &node.directory;
    let forgotten = DirectoryError::Forgotten;
    assert_eq!(
        directory.join(&request(a, "gw-a")).await,
        Err(forgotten.clone())
    );
    assert_eq!(
        directory.leave(&room(), &a, 1).await,
        Err(forgotten.clone())
    );
    assert_eq!(
        directory.update(&room(), &a, 1, &Profile::default()).await,
        Err(forgotten.clone())
    );
    assert_eq!(directory.roster(&room()).await, Err(forgotten.clone()));
    assert_eq!(
        directory.look_up(&room(), &PeerOrName::Peer(a)).await,
        Err(forgotten.clone())
    );
    let other = Bucket::all()
        .find(|&bucket| bucket != Bucket::of(&room()))
        .expect("there are 64");
    directory.open_bucket(other).await.unwrap();
    assert_eq!(directory.roster(&room()).await, Err(forgotten));
    directory.open_bucket(Bucket::of(&room())).await.unwrap();
    directory.open_bucket(Bucket::of(&room())).await.unwrap();
    assert_eq!(roster(&node).await, RosterSnapshot::default());
    enter(&node, "gw-a").await;
}
