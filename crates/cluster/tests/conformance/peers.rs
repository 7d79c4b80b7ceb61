//! Sessions: who owns each, how many a user has, and what is noted for a node.

use switchboard_cluster::Backend;
use switchboard_cluster::directory::{Admission, Admitted, Attach, AttachOutcome, Presence};
use switchboard_cluster::record::PeerRecord;
use switchboard_protocol::{NodeId, PeerId, RoomId, UserId};
use tokio::task::JoinSet;

use crate::people::node;
use crate::stage::Stage;

fn user() -> UserId {
    "alice".parse().expect("a user id")
}

fn coming(peer: PeerId, epoch: u64, on: &NodeId) -> Attach {
    Attach {
        peer,
        epoch,
        node: on.clone(),
        user: user(),
        credential: None,
        shown: None,
    }
}

async fn attach(backend: &Backend, peer: PeerId, epoch: u64, on: &NodeId) -> AttachOutcome {
    let attached = backend.directory.attach(&coming(peer, epoch, on)).await;
    attached.expect("the directory answers")
}

/// An attach that answers with no rooms.
fn from(former: Option<(NodeId, u64)>) -> AttachOutcome {
    AttachOutcome::Attached {
        former,
        rooms: vec![],
    }
}

pub(crate) async fn an_attach_names_the_former_owner_and_so_does_its_repeat(stage: &Stage) {
    let backend = stage.node().await;
    let (peer, a, b) = (PeerId::random(), node("gw-a"), node("gw-b"));
    for _ in 0..2 {
        assert_eq!(attach(&backend, peer, 1, &a).await, from(None));
    }
    for _ in 0..2 {
        let former = Some((a.clone(), 1));
        assert_eq!(attach(&backend, peer, 2, &b).await, from(former));
    }
    let former = Some((b.clone(), 2));
    assert_eq!(attach(&backend, peer, 5, &b).await, from(former));
}

pub(crate) async fn a_lower_epoch_cannot_attach(stage: &Stage) {
    let backend = stage.node().await;
    let (peer, a, b) = (PeerId::random(), node("gw-a"), node("gw-b"));
    attach(&backend, peer, 3, &a).await;
    let stale = AttachOutcome::Stale { known: 3 };
    assert_eq!(attach(&backend, peer, 2, &b).await, stale);
    assert_eq!(attach(&backend, peer, 3, &b).await, stale);
    let record = backend
        .directory
        .peer(&peer)
        .await
        .unwrap()
        .expect("it is attached");
    assert_eq!((record.node, record.epoch), (a, 3));
}

pub(crate) async fn intended_rooms_are_kept_for_the_known_epoch(stage: &Stage) {
    let backend = stage.node().await;
    let directory = &backend.directory;
    let (peer, a) = (PeerId::random(), node("gw-a"));
    let rooms: [RoomId; 3] = ["z:1", "a@2", "m.3"].map(|room| room.parse().unwrap());
    assert!(!directory.intend(&peer, 1, &rooms[0], true).await.unwrap());
    attach(&backend, peer, 1, &a).await;
    for room in &rooms {
        assert!(directory.intend(&peer, 1, room, true).await.unwrap());
    }
    assert!(directory.intend(&peer, 1, &rooms[2], false).await.unwrap());
    assert!(!directory.intend(&peer, 2, &rooms[0], false).await.unwrap());
    let kept = vec![rooms[1].clone(), rooms[0].clone()];
    let record = PeerRecord {
        peer,
        node: a.clone(),
        epoch: 1,
        proven: 1,
        user: user(),
        credential: None,
        rooms: kept.clone(),
    };
    assert_eq!(directory.peer(&peer).await.unwrap(), Some(record));
    // A resume adopts them.
    let adopted = AttachOutcome::Attached {
        former: Some((a, 1)),
        rooms: kept.clone(),
    };
    for _ in 0..2 {
        assert_eq!(attach(&backend, peer, 2, &node("gw-b")).await, adopted);
    }
    assert_eq!(directory.peer(&peer).await.unwrap().unwrap().rooms, kept);
}

pub(crate) async fn a_late_goodbye_does_not_forget_the_successor(stage: &Stage) {
    let backend = stage.node().await;
    let directory = &backend.directory;
    let peer = PeerId::random();
    attach(&backend, peer, 2, &node("gw-a")).await;
    assert!(!directory.forget(&peer, 1).await.unwrap());
    assert!(directory.peer(&peer).await.unwrap().is_some());
    assert!(directory.forget(&peer, 2).await.unwrap());
    assert_eq!(directory.peer(&peer).await.unwrap(), None);
    assert!(directory.forget(&peer, 2).await.unwrap());
}

/// Whether a session may come whose token does not say when it was made.
pub(crate) async fn admits(
    backend: &Backend,
    user: &UserId,
    peer: &PeerId,
    on: &NodeId,
    sessions_max: u32,
) -> bool {
    let admission = Admission {
        user: user.clone(),
        peer: *peer,
        node: on.clone(),
        sessions_max,
        issued_at: None,
    };
    let admitted = backend.directory.admit(&admission).await;
    admitted.expect("the directory answers") == Admitted::Yes
}

pub(crate) async fn a_user_has_so_many_sessions_and_no_more(stage: &Stage) {
    let backend = stage.node().await;
    let directory = &backend.directory;
    let (a, [first, second, third]) = (node("gw-a"), [(); 3].map(|()| PeerId::random()));
    assert!(admits(&backend, &user(), &first, &a, 2).await);
    assert!(admits(&backend, &user(), &second, &a, 2).await);
    assert!(!admits(&backend, &user(), &third, &a, 2).await);
    assert!(admits(&backend, &user(), &first, &node("gw-b"), 2).await);
    assert!(admits(&backend, &"bob".parse().unwrap(), &third, &a, 2).await);
    directory.dismiss(&user(), &first).await.unwrap();
    directory.dismiss(&user(), &first).await.unwrap();
    assert!(admits(&backend, &user(), &third, &a, 2).await);
}

pub(crate) async fn a_race_of_sessions_admits_the_limit(stage: &Stage) {
    let mut race = JoinSet::new();
    for backend in stage.nodes(3).await {
        for _ in 0..5 {
            let backend = backend.clone();
            race.spawn(async move {
                admits(&backend, &user(), &PeerId::random(), &node("gw-a"), 5).await
            });
        }
    }
    let admitted = race
        .join_all()
        .await
        .into_iter()
        .filter(|admitted| *admitted)
        .count();
    assert_eq!(admitted, 5);
}

pub(crate) async fn a_node_s_peers_are_noted_and_struck_out(stage: &Stage) {
    let backend = stage.node().await;
    let directory = &backend.directory;
    let (a, [first, second]) = (node("gw-a"), [(); 2].map(|()| PeerId::random()));
    for peer in [first, second, first] {
        directory.enlist(&a, &peer).await.unwrap();
    }
    directory.enlist(&node("gw-b"), &first).await.unwrap();
    let mut noted = directory.enlisted(&a).await.unwrap();
    noted.sort_unstable();
    let mut both = vec![first, second];
    both.sort_unstable();
    assert_eq!(noted, both);
    directory.delist(&a, &first).await.unwrap();
    directory.delist(&a, &first).await.unwrap();
    assert_eq!(directory.enlisted(&a).await.unwrap(), [second]);
    assert_eq!(directory.enlisted(&node("gw-c")).await.unwrap(), []);
}

async fn presence(backend: &Backend, peer: PeerId) -> Presence {
    let presence = backend.directory.presence(&peer).await;
    presence.expect("the directory answers")
}

async fn goes_away(backend: &Backend, peer: PeerId, epoch: u64, on: &NodeId) -> bool {
    let noted = backend.directory.note_away(&peer, epoch, on).await;
    noted.expect("the directory answers")
}

pub(crate) async fn a_session_is_away_until_somebody_takes_it(stage: &Stage) {
    let backend = stage.node().await;
    let directory = &backend.directory;
    let ([first, second], a, b) = (
        [(); 2].map(|()| PeerId::random()),
        node("gw-a"),
        node("gw-b"),
    );
    assert_eq!(presence(&backend, first).await, Presence::Unknown);
    assert!(goes_away(&backend, first, 1, &a).await, "nobody else's");
    assert_eq!(presence(&backend, first).await, Presence::Unknown);
    for peer in [first, second] {
        attach(&backend, peer, 2, &a).await;
        assert_eq!(presence(&backend, peer).await, Presence::Live);
        assert!(!goes_away(&backend, peer, 1, &a).await);
        assert!(!goes_away(&backend, peer, 2, &b).await);
        assert!(
            goes_away(&backend, peer, 3, &a).await,
            "it is to be written"
        );
        assert_eq!(presence(&backend, peer).await, Presence::Live);
        assert!(goes_away(&backend, peer, 2, &a).await);
    }
    let since = async |peer| match presence(&backend, peer).await {
        Presence::Away { epoch: 2, since } => since,
        presence => panic!("{presence:?}"),
    };
    let (earlier, later) = (since(first).await, since(second).await);
    assert!(earlier < later);
    assert!(goes_away(&backend, first, 2, &a).await);
    assert_eq!(since(first).await, earlier, "a repeat keeps the time");
    attach(&backend, first, 3, &b).await;
    assert_eq!(presence(&backend, first).await, Presence::Live);
    // Another node keeps it, and has yet to say so.
    assert!(directory.hand_over(&second, 2, &a, &b).await.unwrap());
    assert_eq!(presence(&backend, second).await, Presence::Live);
}

pub(crate) async fn of_two_that_evict_a_session_one_gets_it(stage: &Stage) {
    let backend = stage.node().await;
    let directory = &backend.directory;
    let (peer, a, b) = (PeerId::random(), node("gw-a"), node("gw-b"));
    attach(&backend, peer, 1, &a).await;
    assert!(admits(&backend, &user(), &peer, &a, 1).await);
    assert_eq!(directory.user_sessions(&user()).await.unwrap(), [peer]);
    assert_eq!(
        directory.evict(&peer, 1, &b).await.unwrap(),
        None,
        "it is live"
    );
    assert!(goes_away(&backend, peer, 1, &a).await);
    assert_eq!(directory.evict(&peer, 2, &b).await.unwrap(), None);
    assert_eq!(
        directory.evict(&peer, 1, &b).await.unwrap(),
        Some(a.clone())
    );
    assert_eq!(directory.evict(&peer, 1, &a).await.unwrap(), None);
    let record = directory.peer(&peer).await.unwrap().expect("it is there");
    assert_eq!((record.epoch, record.node), (2, b.clone()));
    let resume = Attach {
        credential: None,
        shown: Some(1),
        ..coming(peer, 3, &a)
    };
    let resumed = directory.attach(&resume).await.unwrap();
    assert_eq!(resumed, AttachOutcome::Outdated, "it is ended");
    // Whoever wants to come back with what it had is too late or first, and never both.
    let stale = AttachOutcome::Stale { known: 2 };
    assert_eq!(attach(&backend, peer, 2, &a).await, stale);
    let nobody: UserId = "nobody".parse().expect("a user id");
    assert_eq!(directory.user_sessions(&nobody).await.unwrap(), []);
}
