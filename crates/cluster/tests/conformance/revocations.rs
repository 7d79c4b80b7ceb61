//! What is revoked: the log that every node reads, and the cut-offs of users.

use switchboard_cluster::Backend;
use switchboard_cluster::directory::{
    Admission, Admitted, CutOff, LostEntries, NewRevocation, Restored, RevokeRequest,
};
use switchboard_cluster::revocation::{LogPage, LogPosition, Revocation, Revoked};
use switchboard_protocol::{PeerId, UserId};

use crate::people::node;
use crate::stage::Stage;

const KEPT_S: u64 = 3600;

fn user() -> UserId {
    "alice {50%}".parse().expect("a user id")
}

async fn cut_off(backend: &Backend, before: u64) {
    let cut_off = CutOff {
        user: user(),
        before,
        kept_s: KEPT_S,
    };
    let noted = backend.directory.cut_off(&cut_off).await;
    noted.expect("the directory answers");
}

async fn admitted(backend: &Backend, peer: PeerId, issued_at: Option<u64>) -> Admitted {
    let admission = Admission {
        user: user(),
        peer,
        node: node("gw-a"),
        sessions_max: 5,
        issued_at,
    };
    let admitted = backend.directory.admit(&admission).await;
    admitted.expect("the directory answers")
}

async fn revoke(backend: &Backend, request: RevokeRequest, kept_s: u64) -> Revocation {
    let new = NewRevocation { request, kept_s };
    let entry = backend.directory.revoke(&new).await;
    entry.expect("the directory answers").expect("it has room")
}

async fn read(backend: &Backend, position: &LogPosition) -> LogPage {
    let page = backend.directory.log_after(position).await;
    page.expect("the directory answers")
}

async fn restore(backend: &Backend, read: &LogPosition, entries: &[Revocation]) -> Restored {
    let lost = LostEntries {
        read: read.clone(),
        entries: entries.to_vec(),
    };
    let restored = backend.directory.restore_log(&lost).await;
    restored.expect("the directory answers")
}

fn token(id: &str) -> RevokeRequest {
    RevokeRequest::Token(id.into())
}

pub(crate) async fn a_user_s_older_tokens_are_cut_off(stage: &Stage) {
    let backend = stage.node().await;
    let peer = PeerId::random();
    assert_eq!(admitted(&backend, peer, Some(99)).await, Admitted::Yes);
    cut_off(&backend, 100).await;
    // The later one counts.
    cut_off(&backend, 50).await;
    for (issued_at, expected) in [
        (Some(99), Admitted::CutOff(100)),
        (None, Admitted::CutOff(100)),
        (Some(100), Admitted::Yes),
        (Some(101), Admitted::Yes),
    ] {
        assert_eq!(admitted(&backend, peer, issued_at).await, expected);
    }
}

pub(crate) async fn the_directory_s_clock_says_when_now_is(stage: &Stage) {
    let backend = stage.node().await;
    let (user, before) = (user(), None);
    let entry = revoke(&backend, RevokeRequest::User { user, before }, KEPT_S).await;
    let Revoked::User { before, .. } = entry.revoked else {
        panic!("{entry:?}")
    };
    assert!(before > 1_700_000_000, "{before}");
    assert_eq!(entry.until, before + KEPT_S);
    let page = read(&backend, &LogPosition::default()).await;
    assert_eq!(page.entries, [entry]);
    assert!(page.now >= before);
}

pub(crate) async fn the_log_is_read_in_order_and_on_from_where_it_was_left(stage: &Stage) {
    let nodes = stage.nodes(2).await;
    let nothing = read(&nodes[1], &LogPosition::default()).await;
    assert_eq!((nothing.entries.len(), nothing.more), (0, false));
    let cut_off = RevokeRequest::User {
        user: user(),
        before: Some(7),
    };
    let mut written = Vec::new();
    for request in [
        cut_off,
        token("jti: \"1\" 한국어"),
        RevokeRequest::Peer(PeerId::random()),
    ] {
        written.push(revoke(&nodes[0], request, KEPT_S).await);
    }
    let page = read(&nodes[1], &nothing.position).await;
    assert_eq!(page.entries, written);
    let again = read(&nodes[1], &page.position).await;
    assert_eq!(
        (again.entries.len(), again.from_start, &again.position),
        (0, false, &page.position)
    );
    let more = revoke(&nodes[0], token("2"), KEPT_S).await;
    let page = read(&nodes[1], &page.position).await;
    assert_eq!(page.entries, [more]);
    assert!(!page.from_start);
}

pub(crate) async fn a_long_log_is_read_to_its_end(stage: &Stage) {
    let backend = stage.node().await;
    const COUNT: usize = 1100;
    for number in 0..COUNT {
        revoke(&backend, token(&number.to_string()), KEPT_S).await;
    }
    let (mut position, mut read_so_far) = (LogPosition::default(), Vec::new());
    loop {
        let page = read(&backend, &position).await;
        position = page.position;
        read_so_far.extend(page.entries);
        if !page.more {
            break;
        }
    }
    let expected = (0..COUNT).map(|number| Revoked::Token(number.to_string().into()));
    let revoked = read_so_far.into_iter().map(|entry| entry.revoked);
    assert!(revoked.eq(expected));
}

pub(crate) async fn a_log_that_was_lost_is_read_from_its_start_and_written_once(stage: &Stage) {
    let nodes = stage.nodes(2).await;
    let mut entries = Vec::new();
    for id in ["1", "2"] {
        entries.push(revoke(&nodes[0], token(id), KEPT_S).await);
    }
    let known = read(&nodes[0], &LogPosition::default()).await;
    stage.forget().await;
    let page = read(&nodes[0], &known.position).await;
    assert!(page.from_start && page.entries.is_empty(), "{page:?}");
    let restored = restore(&nodes[0], &page.position, &entries).await;
    // The other node has noticed the same loss, and was slower.
    let slower = restore(&nodes[1], &page.position, &entries).await;
    assert_eq!(slower, Restored::Behind);
    let page = read(&nodes[1], &LogPosition::default()).await;
    assert_eq!(page.entries, entries);
    assert_eq!(restored, Restored::Done(page.position.clone()));
    // Entries that are new now follow those that a node has read before the loss.
    let more = revoke(&nodes[1], token("3"), KEPT_S).await;
    let after = read(&nodes[0], &page.position).await;
    assert_eq!((after.entries, after.from_start), (vec![more], false));
}

pub(crate) async fn a_loss_is_noticed_also_after_something_new_was_written(stage: &Stage) {
    let backend = stage.node().await;
    revoke(&backend, token("1"), KEPT_S).await;
    let known = read(&backend, &LogPosition::default()).await;
    stage.forget().await;
    let new = revoke(&backend, token("2"), KEPT_S).await;
    let page = read(&backend, &known.position).await;
    assert_eq!((page.entries, page.from_start), (vec![new], true));
}

pub(crate) async fn what_may_be_forgotten_makes_room(stage: &Stage) {
    let backend = stage.node().await;
    // Its time is over as it is written.
    revoke(&backend, token("old"), 0).await;
    let kept = revoke(&backend, token("new"), KEPT_S).await;
    let page = read(&backend, &LogPosition::default()).await;
    assert_eq!(page.entries, [kept]);
}
