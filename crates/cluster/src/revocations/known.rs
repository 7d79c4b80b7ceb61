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
    /// Tokens of a user from before a moment, seconds since 1970.
    users: HashMap<UserId, (u64, Entry)>,
    tokens: HashMap<Arc<str>, Entry>,
    peers: HashMap<PeerId, Entry>,
    /// The directory's clock when the log was read last, seconds since 1970.
    now: u64,
}

/// When it may be forgotten, and where it was read.
#[derive(Default)]
struct Entry {
    /// Seconds since 1970.
    until: u64,
    /// The reading from the log's start in which, or after which, it was last read there. 0: it was not yet.
    seen_in: u64,
}

impl Known {
    pub(super) fn len(&self) -> usize {
        self.users.len() + self.tokens.len() + self.peers.len()
    }

    /// See [`Revocations::covers`](super::Revocations::covers).
    pub(super) fn covers(&self, peer: &PeerId, user: &UserId, shown: Option<&Credential>) -> bool {
        shown.is_some_and(|shown| self.covers_shown(user, shown)) || self.peers.contains_key(peer)
    }

    /// See [`Revocations::covers_shown`](super::Revocations::covers_shown).
    pub(super) fn covers_shown(&self, user: &UserId, shown: &Credential) -> bool {
        let cut_off = self.users.get(user);
        let by_user =
            cut_off.is_some_and(|(before, _)| shown.issued_at.is_none_or(|made| made < *before));
        let token = shown.token.as_ref();
        by_user || token.is_some_and(|token| self.tokens.contains_key(token))
    }

    /// The directory's clock when the log was read last, seconds since 1970.
    pub(super) fn now(&self) -> u64 {
        self.now
    }

    /// The log was read at that moment.
    pub(super) fn read_at(&mut self, now: u64) {
        self.now = now;
    }

    /// Until when just that is revoked, or more.
    pub(super) fn until(&self, revoked: &Revoked) -> Option<u64> {
        let entry = match revoked {
            Revoked::User { user, before } => {
                let (known, entry) = self.users.get(user)?;
                (known >= before).then_some(entry)?
            }
            Revoked::Token(token) => self.tokens.get(token)?,
            Revoked::Peer(peer) => self.peers.get(peer)?,
        };
        Some(entry.until)
    }

    /// `pass`: the reading of the log that brought it; 0: it comes from elsewhere. True: it was not known, or not read in the
    /// log before: a node that said it may not have found every session that it concerns.
    pub(super) fn note(&mut self, new: &Revocation, pass: u64) -> bool {
        let has_room = self.len() < ENTRIES_MAX;
        let until = new.until;
        match &new.revoked {
            Revoked::User { user, before } => {
                let Some((known, entry)) = entry_of(&mut self.users, user, has_room) else {
                    return false;
                };
                if *before < *known {
                    // A log that has an earlier one alone has lost the later one.
                    return false;
                }
                let is_later = *before > *known;
                if is_later {
                    (*known, entry.seen_in) = (*before, 0);
                }
                entry.is_read(until, pass) || is_later
            }
            Revoked::Token(token) => note_named(&mut self.tokens, token, has_room, (until, pass)),
            Revoked::Peer(peer) => note_named(&mut self.peers, peer, has_room, (until, pass)),
        }
    }

    /// Forgets what may be forgotten.
    pub(super) fn forget_old(&mut self) {
        let now = self.now;
        self.users.retain(|_, (_, entry)| entry.until > now);
        self.tokens.retain(|_, entry| entry.until > now);
        self.peers.retain(|_, entry| entry.until > now);
    }

    /// What was not read in the log in that reading, which has come to its end.
    pub(super) fn missing_in(&self, pass: u64) -> Vec<Revocation> {
        let users = self.users.iter().map(|(user, (before, entry))| {
            let (user, before) = (user.clone(), *before);
            (Revoked::User { user, before }, entry)
        });
        let tokens = self.tokens.iter();
        let tokens = tokens.map(|(token, entry)| (Revoked::Token(token.clone()), entry));
        let peers = self.peers.iter();
        let peers = peers.map(|(peer, entry)| (Revoked::Peer(*peer), entry));
        let missing = users.chain(tokens).chain(peers);
        let missing = missing.filter(|(_, entry)| entry.seen_in < pass);
        missing
            .map(|(revoked, entry)| Revocation {
                revoked,
                until: entry.until,
            })
            .collect()
    }
}

impl Entry {
    /// True: the log was not seen to have it before.
    fn is_read(&mut self, until: u64, pass: u64) -> bool {
        let is_first = pass > 0 && self.seen_in == 0;
        self.until = self.until.max(until);
        self.seen_in = self.seen_in.max(pass);
        is_first
    }
}

/// The entry about that, known or new. `None`: it is new, and there is no room.
fn entry_of<'a, K: Hash + Eq + Clone, T: Default>(
    entries: &'a mut HashMap<K, T>,
    key: &K,
    has_room: bool,
) -> Option<&'a mut T> {
    match has_room {
        true => Some(entries.entry(key.clone()).or_default()),
        false => entries.get_mut(key),
    }
}

/// See [`Known::note`].
fn note_named<K: Hash + Eq + Clone>(
    entries: &mut HashMap<K, Entry>,
    key: &K,
    has_room: bool,
    (until, pass): (u64, u64),
) -> bool {
    let is_new = !entries.contains_key(key);
    let entry = entry_of(entries, key, has_room);
    entry.is_some_and(|entry| entry.is_read(until, pass) || is_new)
}

#[cfg(test)]
mod tests;
