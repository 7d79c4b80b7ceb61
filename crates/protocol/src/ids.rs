//! Names of things, each a type of its own so that one cannot be passed for another.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

/// Why a text is not an id, in words for the person who sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {rule}")]
pub struct InvalidId {
    what: &'static str,
    rule: &'static str,
}

/// The public id of a session: 20 characters of `[A-Za-z0-9_-]`, as Socket.IO's ids look.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerId([u8; 20]);

impl PeerId {
    /// 120 random bits from the operating system.
    pub fn random() -> Self {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
        let mut id = [0; 20];
        getrandom::fill(&mut id).expect("the operating system gives random bytes");
        for byte in &mut id {
            *byte = ALPHABET[usize::from(*byte & 63)];
        }
        Self(id)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a peer id is made of ASCII only")
    }
}

impl FromStr for PeerId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let bytes: [u8; 20] = text.as_bytes().try_into().map_err(|_| Self::INVALID)?;
        if bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
        {
            Ok(Self(bytes))
        } else {
            Err(Self::INVALID)
        }
    }
}

impl PeerId {
    const INVALID: InvalidId = InvalidId {
        what: "a peer id",
        rule: "20 characters of A-Z a-z 0-9 _ -",
    };
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for PeerId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Reads an id from text, borrowed or not, with the id's own rule as the error.
struct IdVisitor<T>(std::marker::PhantomData<T>);

impl<T: FromStr<Err = InvalidId>> de::Visitor<'_> for IdVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for PeerId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(IdVisitor(std::marker::PhantomData))
    }
}

/// An id that is shared text: cloning one counts a reference.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether `text` may be such an id; the error says what one looks like.
            pub fn check(text: &str) -> Result<(), InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) { Ok(()) } else { Err(InvalidId { what: $what, rule: $rule }) }
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::check(text)?;
                Ok(Self(text.into()))
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(IdVisitor(std::marker::PhantomData))
            }
        }
    };
}

text_id!(
    /// A room: 1 to 128 bytes of text, as people write it. Two ids are the same where their bytes are; clients that mean the
    /// same by «é» in one character and in two send Unicode's form NFC.
    ///
    /// `*` ends a pattern of rooms in a token, and `.` and `..` are no segment of a URL's path.
    RoomId,
    "a room id",
    "1 to 128 bytes of text without control characters, without *, without white space at its ends, and neither . nor ..",
    is_room
);

text_id!(
    /// One start of one gateway process: its name and a random part, `[A-Za-z0-9._-]{1,128}`.
    NodeId,
    "a node id",
    "1 to 128 characters of A-Z a-z 0-9 . _ -",
    |text| is_word(text, 128, b"._-")
);

text_id!(
    /// The authenticated identity behind a session: 1 to 256 bytes of text without control characters.
    UserId,
    "a user id",
    "1 to 256 bytes of text without control characters",
    |text| (1..=256).contains(&text.len()) && !text.chars().any(char::is_control)
);

impl UserId {
    /// The user of a client that names none, in open mode.
    pub fn anonymous(peer: &PeerId) -> Self {
        Self(format!("anon:{peer}").into())
    }
}

impl NodeId {
    /// A new id for a node of this name. Characters that an id cannot hold become `-`.
    pub fn start(name: &str) -> Self {
        let name: String = name
            .chars()
            .take(100)
            .map(|c| {
                if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') {
                    c
                } else {
                    '-'
                }
            })
            .collect();
        let random = PeerId::random();
        Self(format!("{name}-{}", &random.as_str().replace(['_', '-'], "x")[..8]).into())
    }
}

/// The kind of a signal is `offer`, `answer`, `candidate` or any word of `[A-Za-z0-9._:-]{1,64}`.
pub fn check_kind(text: &str) -> Result<(), InvalidId> {
    if is_word(text, 64, b"._:-") {
        Ok(())
    } else {
        Err(InvalidId {
            what: "a signal's kind",
            rule: "1 to 64 characters of A-Z a-z 0-9 . _ : -",
        })
    }
}

fn is_room(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.trim().len() == text.len()
        && !matches!(text, "." | "..")
        && !text.chars().any(|c| c.is_control() || c == '*')
}

fn is_word(text: &str, most: usize, punctuation: &[u8]) -> bool {
    (1..=most).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || punctuation.contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_peer_ids_are_valid_and_differ() {
        let (a, b) = (PeerId::random(), PeerId::random());
        assert_ne!(a, b);
        assert_eq!(a.as_str().parse(), Ok(a));
    }

    #[test]
    fn a_room_is_called_as_people_call_it() {
        for room in [
            "video:study-1.2@x",
            "회의실",
            "my room",
            "a/b",
            "x{b}y",
            "100%",
            "...",
            "a\u{a0}b",
            "\u{1f600}",
            "e\u{301}",
            &"r".repeat(128),
            &"방".repeat(42),
        ] {
            assert_eq!(RoomId::check(room), Ok(()), "{room}");
        }
    }

    #[test]
    fn a_room_id_that_is_none_is_refused_in_words() {
        for room in [
            "",
            ".",
            "..",
            "*",
            "study-*",
            "a*b",
            " a",
            "a ",
            "\u{a0}a",
            "a\u{3000}",
            "a\nb",
            "a\0",
            "a\u{7f}",
            "a\u{85}b",
            &"r".repeat(129),
            &"방".repeat(43),
        ] {
            let error = room.parse::<RoomId>().expect_err(room);
            assert_eq!(
                error.to_string(),
                "a room id is 1 to 128 bytes of text without control characters, without *, without white space at its \
                 ends, and neither . nor .."
            );
        }
    }

    #[test]
    fn a_node_id_keeps_a_readable_name() {
        let id = NodeId::start("gw a/1");
        assert!(id.as_str().starts_with("gw-a-1-"), "{id}");
        assert!(NodeId::check(id.as_str()).is_ok());
    }
}
