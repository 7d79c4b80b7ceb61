//! The entries of the log that are in force, by what they name. The latest of several about the same counts.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use switchboard_protocol::{PeerId, UserId};

use crate::backend::directory::REVOCATIONS_MAX;
use crate::backend::revocation::{Credential, Revocation, Revoked};

/// No more than the log can have, and what nodes tell one another before it is read.
const ENTRIES_MAX: usize = 2 * REVOCATIONS_MAX;

/// What is revoked.
#[derive(Default)]
pub(super) struct Known {
    users: HashMap<UserId, Entry<u64>>,
    tokens: HashMap<Arc<str>, Entry<()>>,
    peers: HashMap<PeerId, Entry<()>>,
}

#[derive(Default)]
struct Entry<T> {
    until: u64,
    /// The reading from the start in which, or after which, the log was last seen to have it. 0: it was not.
    seen_in: u64,
    /// Of a user: the cut-off.
    more: T,
}

impl Known {
    pub(super) fn len(&self) -> usize {
        self.users.len() + self.tokens.len() + self.peers.len()
    }

    /// See [`Revocations::covers`](super::Revocations::covers).
    pub(super) fn covers(&self, peer: &PeerId, user: &UserId, shown: &Credential) -> bool {
        let by_user = self
            .users
            .get(user)
            .is_some_and(|cut_off| shown.issued_at.is_none_or(|at| at < cut_off.more));
        let by_token = || {
            let token = shown.token.as_ref();
            token.is_some_and(|token| self.tokens.contains_key(token))
        };
        by_user || by_token() || self.peers.contains_key(peer)
    }

    /// `pass`: the reading of the log that brought it; 0: it comes from elsewhere. True: it was not known, or not read in the
    /// log before: a node that said it may not have found every session that it concerns.
    pub(super) fn note(&mut self, entry: &Revocation, pass: u64) -> bool {
        if self.len() >= ENTRIES_MAX {
            return false;
        }
        let until = entry.until;
        match &entry.revoked {
            Revoked::User { user, before } => {
                let known = self.users.entry(user.clone()).or_default();
                let is_later = *before > known.more;
                let is_read_first = pass > 0 && known.seen_in == 0;
                known.until = known.until.max(until);
                // A log that has an earlier one alone has lost the later one.
                if *before >= known.more {
                    known.more = *before;
                    known.seen_in = if is_later {
                        pass
                    } else {
                        known.seen_in.max(pass)
                    };
                }
                is_later || is_read_first
            }
            Revoked::Token(token) => note_named(&mut self.tokens, token, (until, pass)),
            Revoked::Peer(peer) => note_named(&mut self.peers, peer, (until, pass)),
        }
    }

    /// Forgets what may be forgotten. `now`: seconds since 1970.
    pub(super) fn forget_old(&mut self, now: u64) {
        self.users.retain(|_, entry| entry.until > now);
        self.tokens.retain(|_, entry| entry.until > now);
        self.peers.retain(|_, entry| entry.until > now);
    }

    /// What the log was not seen to have in that reading, which has come to its end.
    pub(super) fn missing_in(&self, pass: u64) -> Vec<Revocation> {
        let mut missing = Vec::new();
        let mut add = |revoked, until| missing.push(Revocation { revoked, until });
        for (user, entry) in self.users.iter().filter(|(_, entry)| entry.seen_in < pass) {
            let user = user.clone();
            let before = entry.more;
            add(Revoked::User { user, before }, entry.until);
        }
        for (token, entry) in self.tokens.iter().filter(|(_, entry)| entry.seen_in < pass) {
            add(Revoked::Token(token.clone()), entry.until);
        }
        for (peer, entry) in self.peers.iter().filter(|(_, entry)| entry.seen_in < pass) {
            add(Revoked::Peer(*peer), entry.until);
        }
        missing
    }
}

/// See [`Known::note`].
fn note_named<K: Hash + Eq + Clone>(
    entries: &mut HashMap<K, Entry<()>>,
    key: &K,
    (until, pass): (u64, u64),
) -> bool {
    let is_new = !entries.contains_key(key);
    let entry = entries.entry(key.clone()).or_default();
    let is_read_first = pass > 0 && entry.seen_in == 0;
    entry.until = entry.until.max(until);
    entry.seen_in = entry.seen_in.max(pass);
    is_new || is_read_first
}

#[cfg(test)]
mod tests {
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
            token: None,
        }
    }

    #[test]
    fn a_cut_off_covers_older_tokens_and_those_that_do_not_say_when_they_were_made() {
        let (mut known, peer) = (Known::default(), PeerId::random());
        assert!(known.note(&cut_off("alice", 100), 1));
        let covers = |name, shown| known.covers(&peer, &user(name), &shown);
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
        assert!(known.covers(&peer, &user("alice"), &made(99)));
        assert!(known.note(&cut_off("alice", 200), 1));
        assert!(known.covers(&peer, &user("alice"), &made(199)));
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
        assert!(known.covers(&PeerId::random(), &user("alice"), &shown));
        assert!(known.covers(&peer, &user("alice"), &made(5)));
        assert!(!known.covers(&PeerId::random(), &user("alice"), &made(5)));
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
        known.forget_old(1000);
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
}
