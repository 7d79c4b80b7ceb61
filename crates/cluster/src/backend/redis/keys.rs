//! The names of keys and channels: the table at the head of [`redis`](super).

use std::sync::Arc;

use percent_encoding::{
    AsciiSet, NON_ALPHANUMERIC, PercentDecode, percent_decode_str, utf8_percent_encode,
};
use switchboard_protocol::{NodeId, PeerId, RoomId, UserId};

use crate::backend::bucket::Bucket;

/// Users are free text; what is left as it is can neither end a hash tag nor a word of a record.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':')
    .remove(b'@');

/// A user without spaces, braces or anything beyond ASCII.
pub(crate) fn encode_user(user: &UserId) -> String {
    utf8_percent_encode(user.as_str(), PLAIN).to_string()
}

/// The way back.
pub(super) fn decode_user(text: &str) -> PercentDecode<'_> {
    percent_decode_str(text)
}

/// Makes keys with the operator's prefix.
#[derive(Clone)]
pub(super) struct Keys {
    prefix: Arc<str>,
}

/// The keys of one room, all in its bucket's slot.
pub(super) struct RoomKeys {
    pub(super) members: String,
    pub(super) roster: String,
    pub(super) meta: String,
    pub(super) revision: String,
    pub(super) alive: String,
}

impl RoomKeys {
    /// In the order in which scripts take them.
    pub(super) fn all(&self) -> [&str; 5] {
        [
            &self.members,
            &self.roster,
            &self.meta,
            &self.revision,
            &self.alive,
        ]
    }
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.into(),
        }
    }

    pub(super) fn room(&self, room: &RoomId) -> RoomKeys {
        let bucket = Bucket::of(room);
        let (prefix, tag) = (&self.prefix, bucket.tag());
        let key = |what| format!("{prefix}{{{tag}}}:room:{room}:{what}");
        RoomKeys {
            members: key("members"),
            roster: key("roster"),
            meta: key("meta"),
            revision: format!("{prefix}{{{tag}}}:revision"),
            alive: self.alive(bucket),
        }
    }

    pub(super) fn alive(&self, bucket: Bucket) -> String {
        format!("{}{{{}}}:alive", self.prefix, bucket.tag())
    }

    /// A key and a channel that nothing is kept in, for trying what works.
    pub(super) fn probe(&self, bucket: Bucket) -> String {
        format!("{}{{{}}}:probe", self.prefix, bucket.tag())
    }

    /// A channel of this backend alone, for hearing itself before it has a node's.
    pub(super) fn own_probe(&self) -> String {
        format!("{}probe:{}", self.prefix, PeerId::random())
    }

    pub(super) fn peer(&self, peer: &PeerId) -> String {
        format!("{}{{peer:{peer}}}", self.prefix)
    }

    pub(super) fn user_peers(&self, user: &UserId) -> String {
        format!("{}{{user:{}}}:peers", self.prefix, encode_user(user))
    }

    /// In one slot with the user's sessions.
    pub(super) fn user_cut_off(&self, user: &UserId) -> String {
        format!("{}{{user:{}}}:cutoff", self.prefix, encode_user(user))
    }

    pub(super) fn revocations(&self) -> String {
        format!("{}{{revoked}}:log", self.prefix)
    }

    pub(super) fn node_peers(&self, node: &NodeId) -> String {
        format!("{}{{node:{node}}}:peers", self.prefix)
    }

    pub(super) fn nodes(&self) -> String {
        format!("{}nodes", self.prefix)
    }

    /// What a node tells of itself; as a channel, where it listens.
    pub(super) fn node(&self, node: &NodeId) -> String {
        format!("{}node:{node}", self.prefix)
    }

    pub(super) fn cluster(&self) -> String {
        format!("{}cluster", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_braces_do_not_move_its_key_to_another_slot() {
        let keys = Keys::new("sb:");
        assert_eq!(
            keys.user_peers(&"a}b {c%".parse().expect("an id")),
            "sb:{user:a%7Db%20%7Bc%25}:peers"
        );
    }

    #[test]
    fn a_rooms_keys_share_the_tag_of_its_bucket() {
        for room in ["video:1", "x{b}y", "}{", "{}", "회의실"] {
            let room: RoomId = room.parse().expect("an id");
            let tag = format!("{{{}}}", Bucket::of(&room).tag());
            let keys = Keys::new("sb:").room(&room);
            for key in keys.all() {
                // Of several braces, Redis takes what is in the first ones.
                assert!(key.starts_with(&format!("sb:{tag}:")), "{key}");
            }
        }
    }
}
