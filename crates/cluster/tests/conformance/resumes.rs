//! Sessions that come back: which secrets are good, and what a directory that lost its memory says and is told.

use switchboard_cluster::bucket::Bucket;
use switchboard_cluster::directory::{AssertPeerOutcome, Attach, AttachOutcome};
use switchboard_cluster::record::PeerRecord;
use switchboard_cluster::revocation::{Credential, TokenMark};
use switchboard_cluster::{Backend, DirectoryError};
use switchboard_protocol::{PeerId, RoomId};

use crate::people::{enter, node, room, roster};
use crate::stage::Stage;

fn resume(peer: PeerId, epoch: u64, on: &str, shown: u64) -> Attach {
    Attach {
        peer,
        epoch,
        node: node(on),
        user: "alice".parse().expect("a user id"),
        credential: None,
        shown: Some(shown),
    }
}

async fn begin(backend: &Backend, peer: PeerId, on: &str) {
    let attach = Attach {
        shown: None,
        ..resume(peer, 1, on, 0)
    };
    backend.directory.attach(&attach).await.unwrap();
}

async fn attach(backend: &Backend, attach: &Attach) -> AttachOutcome {
    let attached = backend.directory.attach(attach).await;
    attached.expect("the directory answers")
}

async fn known(backend: &Backend, peer: PeerId) -> PeerRecord {
    let record = backend.directory.peer(&peer).await.unwrap();
    record.expect("the session is known")
}

fn rooms(names: &[&str]) -> Vec<RoomId> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

pub(crate) async fn any_secret_from_the_proven_one_on_resumes(stage: &Stage) {
    let backend = stage.node().await;
    let directory = &backend.directory;
    let peer = PeerId::random();
    begin(&backend, peer, "gw-a").await;
    assert_eq!(known(&backend, peer).await.proven, 1);
    // Two welcomes in a row are lost: the client shows its first secret again.
    for epoch in [2, 3] {
        let outcome = attach(&backend, &resume(peer, epoch, "gw-b", 1)).await;
        assert!(matches!(outcome, AttachOutcome::Attached { .. }));
    }
    assert!(!directory.prove(&peer, 2).await.unwrap());
    assert!(!directory.prove(&peer, 4).await.unwrap());
    for _ in 0..2 {
        assert!(directory.prove(&peer, 3).await.unwrap());
    }
    let before = known(&backend, peer).await;
    assert_eq!((before.epoch, before.proven), (3, 3));
    for shown in [1, 2] {
        let outcome = attach(&backend, &resume(peer, 4, "gw-c", shown)).await;
        assert_eq!(outcome, AttachOutcome::Outdated);
    }
    assert_eq!(known(&backend, peer).await, before);
    let outcome = attach(&backend, &resume(peer, 4, "gw-c", 3)).await;
    let former = Some((node("gw-b"), 3));
    assert!(matches!(outcome, AttachOutcome::Attached { former: whose, .. } if whose == former));
    assert_eq!(known(&backend, peer).await.proven, 3);
}

pub(crate) async fn of_two_that_resume_at_once_one_succeeds(stage: &Stage) {
    let (one, two) = (stage.node().await, stage.node().await);
    let peer = PeerId::random();
    begin(&one, peer, "gw-a").await;
    let (b, c) = (resume(peer, 2, "gw-b", 1), resume(peer, 2, "gw-c", 1));
    let (b, c) = tokio::join!(attach(&one, &b), attach(&two, &c));
    let (first, second) = if known(&one, peer).await.node == node("gw-b") {
        (b, c)
    } else {
        (c, b)
    };
    assert!(matches!(first, AttachOutcome::Attached { .. }), "{first:?}");
    assert_eq!(second, AttachOutcome::Stale { known: 2 });
}

pub(crate) async fn a_session_that_is_no_more_is_unknown(stage: &Stage) {
    let backend = stage.node().await;
    let peer = PeerId::random();
    begin(&backend, peer, "gw-a").await;
    assert!(backend.directory.forget(&peer, 1).await.unwrap());
    let outcome = attach(&backend, &resume(peer, 2, "gw-b", 1)).await;
    assert_eq!(outcome, AttachOutcome::Unknown);
    assert_eq!(backend.directory.peer(&peer).await.unwrap(), None);
    assert!(!backend.directory.prove(&peer, 1).await.unwrap());
}

pub(crate) async fn what_may_have_been_lost_is_not_called_unknown(stage: &Stage) {
    let backend = stage.node().await;
    let directory = &backend.directory;
    let peer = PeerId::random();
    begin(&backend, peer, "gw-a").await;
    let record = known(&backend, peer).await;
    stage.forget().await;
    let wish = resume(peer, 2, "gw-b", 1);
    assert_eq!(
        directory.attach(&wish).await,
        Err(DirectoryError::Forgotten)
    );
    // Who is new needs no memory, and what was asserted is known in a closed bucket too.
    begin(&backend, PeerId::random(), "gw-a").await;
    let asserted = directory.assert_peer(&record).await.unwrap();
    assert_eq!(asserted, AssertPeerOutcome::Restored);
    let outcome = attach(&backend, &wish).await;
    assert!(matches!(outcome, AttachOutcome::Attached { .. }));
    for bucket in Bucket::all() {
        directory.open_bucket(bucket).await.unwrap();
    }
    let stranger = resume(PeerId::random(), 2, "gw-b", 1);
    assert_eq!(attach(&backend, &stranger).await, AttachOutcome::Unknown);
}

pub(crate) async fn buckets_are_closed_until_each_is_opened(stage: &Stage) {
    let backend = stage.node().await;
    let directory = &backend.directory;
    assert_eq!(directory.closed_buckets().await.unwrap(), []);
    stage.forget().await;
    let all: Vec<_> = Bucket::all().collect();
    assert_eq!(directory.closed_buckets().await.unwrap(), all);
    directory.open_bucket(all[7]).await.unwrap();
    directory.open_bucket(all[63]).await.unwrap();
    let closed = directory.closed_buckets().await.unwrap();
    assert_eq!(closed, [&all[..7], &all[8..63]].concat());
}

pub(crate) async fn buckets_that_are_closed_keep_what_they_have(stage: &Stage) {
    let backend = stage.node().await;
    let directory = &backend.directory;
    let (_, before) = enter(&backend, "gw-a").await;
    directory.close_buckets().await.unwrap();
    let all: Vec<_> = Bucket::all().collect();
    assert_eq!(directory.closed_buckets().await.unwrap(), all);
    directory.open_bucket(Bucket::of(&room())).await.unwrap();
    assert_eq!(roster(&backend).await, before);
}

pub(crate) async fn a_forgotten_session_is_written_again(stage: &Stage) {
    let backend = stage.node().await;
    let directory = &backend.directory;
    let record = PeerRecord {
        peer: PeerId::random(),
        node: node("gw-a"),
        epoch: 7,
        proven: 5,
        user: "한글 %".parse().unwrap(),
        credential: None,
        rooms: rooms(&["a", "b"]),
    };
    let assert = async |record: &PeerRecord| directory.assert_peer(record).await.unwrap();
    assert_eq!(assert(&record).await, AssertPeerOutcome::Restored);
    assert_eq!(known(&backend, record.peer).await, record);
    assert_eq!(assert(&record).await, AssertPeerOutcome::Known);
    // What is missing of it is added, and nothing taken away.
    let more = PeerRecord {
        proven: 6,
        credential: None,
        rooms: rooms(&["b", "c"]),
        ..record.clone()
    };
    assert_eq!(assert(&more).await, AssertPeerOutcome::Restored);
    assert_eq!(assert(&more).await, AssertPeerOutcome::Known);
    assert_eq!(assert(&record).await, AssertPeerOutcome::Known);
    let all = PeerRecord {
        credential: None,
        rooms: rooms(&["a", "b", "c"]),
        ..more
    };
    assert_eq!(known(&backend, record.peer).await, all);
}

pub(crate) async fn an_asserted_session_yields_to_its_owner(stage: &Stage) {
    let backend = stage.node().await;
    let directory = &backend.directory;
    let peer = PeerId::random();
    let record = |on: &str, epoch| PeerRecord {
        peer,
        node: node(on),
        epoch,
        proven: epoch,
        user: "alice".parse().unwrap(),
        credential: None,
        rooms: rooms(&[on]),
    };
    let assert = async |record: PeerRecord| directory.assert_peer(&record).await.unwrap();
    assert_eq!(assert(record("gw-a", 2)).await, AssertPeerOutcome::Restored);
    let elsewhere = AssertPeerOutcome::Elsewhere {
        node: node("gw-a"),
        epoch: 2,
    };
    assert_eq!(assert(record("gw-b", 1)).await, elsewhere);
    assert_eq!(assert(record("gw-b", 2)).await, elsewhere);
    assert_eq!(assert(record("gw-b", 3)).await, AssertPeerOutcome::Restored);
    // The rooms of a former connection may list it still.
    let now = PeerRecord {
        credential: None,
        rooms: rooms(&["gw-a", "gw-b"]),
        ..record("gw-b", 3)
    };
    assert_eq!(known(&backend, now.peer).await, now);
    // Nobody was asked who had it before.
    let outcome = attach(&backend, &resume(now.peer, 3, "gw-b", 3)).await;
    assert!(matches!(
        outcome,
        AttachOutcome::Attached { former: None, .. }
    ));
}

pub(crate) async fn what_a_client_has_shown_is_known_for_its_epoch(stage: &Stage) {
    let backend = stage.node().await;
    let directory = &backend.directory;
    let peer = PeerId::random();
    let shown = |token: &str| Credential {
        token: Some(token.into()),
        issued_at: Some(7),
        mark: Some(TokenMark("bWFyaw".into())),
    };
    let [first, second, third] = ["a b", "-", "한국어"].map(shown);
    let comes = |epoch, credential: Option<&Credential>| Attach {
        credential: credential.cloned(),
        ..resume(peer, epoch, "gw-a", epoch)
    };
    let new = Attach {
        shown: None,
        ..comes(1, Some(&first))
    };
    attach(&backend, &new).await;
    assert_eq!(known(&backend, peer).await.credential, Some(first));
    assert!(directory.note_credential(&peer, 1, &second).await.unwrap());
    assert_eq!(known(&backend, peer).await.credential, Some(second.clone()));
    // As a release before does it.
    attach(&backend, &comes(2, None)).await;
    assert_eq!(known(&backend, peer).await.credential, None);
    assert!(!directory.note_credential(&peer, 1, &second).await.unwrap());
    attach(&backend, &comes(3, Some(&third))).await;
    assert_eq!(known(&backend, peer).await.credential, Some(third.clone()));
    let mut record = known(&backend, peer).await;
    let asserted = directory.assert_peer(&record).await.unwrap();
    assert_eq!(asserted, AssertPeerOutcome::Known);
    record.credential = Some(second.clone());
    let asserted = directory.assert_peer(&record).await.unwrap();
    assert_eq!(asserted, AssertPeerOutcome::Restored);
    assert_eq!(known(&backend, peer).await.credential, Some(second));
}
