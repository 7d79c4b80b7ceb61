//! What is known of revocations, entry by entry.

use super::*;

fn user(name: &str) -> UserId {
    name.parse().expect("a user id")
}

fn cut_off(name: &str, before: u64) -> Revocation {
    Revocation {
        revoked: Revoked::User {
            user: user(name),
            before,
        },
        until: 1000,
    }
}

fn made(at: u64) -> Credential {
    Credential {
        issued_at: Some(at),
        ..Credential::default()
    }
}

#[test]
fn a_cut_off_covers_older_tokens_and_those_that_do_not_say_when_they_were_made() {
    let (mut known, peer) = (Known::default(), PeerId::random());
    assert!(known.note(&cut_off("alice", 100), 1));
    let covers = |name, shown| known.covers(&peer, &user(name), Some(&shown));
    assert!(covers("alice", made(99)));
    assert!(covers("alice", Credential::default()));
    assert!(!covers("alice", made(100)), "made in the same second");
    assert!(!covers("bob", made(1)));
}

#[test]
fn the_latest_of_several_cut_offs_counts_in_whichever_order_they_come() {
    let (mut known, peer) = (Known::default(), PeerId::random());
    assert!(known.note(&cut_off("alice", 100), 1));
    assert!(!known.note(&cut_off("alice", 50), 1));
    assert!(known.covers(&peer, &user("alice"), Some(&made(99))));
    assert!(known.note(&cut_off("alice", 200), 1));
    assert!(known.covers(&peer, &user("alice"), Some(&made(199))));
}

#[test]
fn a_token_and_a_peer_are_covered_by_their_names() {
    let (mut known, peer) = (Known::default(), PeerId::random());
    let token: Arc<str> = "jti-1".into();
    for revoked in [Revoked::Token(token.clone()), Revoked::Peer(peer)] {
        let entry = Revocation {
            revoked,
            until: 1000,
        };
        assert!(known.note(&entry, 1));
        assert!(!known.note(&entry, 1), "it is known");
    }
    let shown = Credential {
        token: Some(token),
        ..made(5)
    };
    assert!(known.covers(&PeerId::random(), &user("alice"), Some(&shown)));
    assert!(known.covers(&peer, &user("alice"), Some(&made(5))));
    assert!(!known.covers(&PeerId::random(), &user("alice"), Some(&made(5))));
}

#[test]
fn what_another_node_said_is_news_once_more_when_it_is_read() {
    let mut known = Known::default();
    let token = Revocation {
        revoked: Revoked::Token("jti-1".into()),
        until: 1000,
    };
    for entry in [cut_off("alice", 100), token] {
        assert!(known.note(&entry, 0));
        assert!(!known.note(&entry, 0));
        assert!(known.note(&entry, 1));
        assert!(!known.note(&entry, 1));
    }
}

#[test]
fn what_the_log_lacks_is_known_after_a_reading_from_its_start() {
    let mut known = Known::default();
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| cut_off(name, 100));
    known.note(&alice, 1);
    known.note(&bob, 1);
    known.note(&carol, 0);
    known.note(&alice, 2);
    let mut missing = known.missing_in(2);
    missing.sort_by_key(|entry| format!("{entry:?}"));
    assert_eq!(missing, [bob, carol]);
    known.read_at(1000);
    known.forget_old();
    assert_eq!(known.len(), 0);
}

#[test]
fn a_log_that_went_back_to_an_earlier_cut_off_has_lost_the_later_one() {
    let mut known = Known::default();
    known.note(&cut_off("alice", 50), 1);
    known.note(&cut_off("alice", 100), 1);
    assert!(!known.note(&cut_off("alice", 50), 2));
    assert_eq!(known.missing_in(2), [cut_off("alice", 100)]);
}

#[test]
fn of_a_session_whose_token_is_not_known_only_itself_can_be_revoked() {
    let (mut known, peer) = (Known::default(), PeerId::random());
    known.note(&cut_off("alice", 100), 1);
    assert!(!known.covers(&peer, &user("alice"), None));
    let revoked = Revoked::Peer(peer);
    let until = 1000;
    known.note(&Revocation { revoked, until }, 1);
    assert!(known.covers(&peer, &user("alice"), None));
}

#[test]
fn how_long_something_is_revoked_is_known() {
    let mut known = Known::default();
    let entry = cut_off("alice", 100);
    assert_eq!(known.until(&entry.revoked), None);
    known.note(&entry, 1);
    assert_eq!(known.until(&entry.revoked), Some(1000));
    assert_eq!(known.until(&cut_off("alice", 99).revoked), Some(1000));
    assert_eq!(known.until(&cut_off("alice", 101).revoked), None);
}
