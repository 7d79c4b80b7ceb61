//! A member as text: `version epoch node order flags user joined_at length:tail`.
//!
//! The scripts write everything before the tail (`scripts/room.lua`). The tail is what the peer tells of itself, as
//! MessagePack, and Lua never opens it.

use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use switchboard_protocol::{MemberState, PeerId, UserId};

use super::failure::Failure;
use super::keys::decode_user;
use crate::record::{Flags, MemberRecord, Profile};

const VERSION: &str = "1";

/// Letters at fixed places, `harn`, with `-` for what is not so.
pub(super) fn flags_text(flags: Flags) -> String {
    [
        (flags.hidden, 'h'),
        (flags.away, 'a'),
        (flags.resumable, 'r'),
        (flags.named, 'n'),
    ]
    .map(|(set, letter)| if set { letter } else { '-' })
    .iter()
    .collect()
}

/// What the peer tells of itself.
pub(super) fn tail(profile: &Profile) -> Bytes {
    let fields = (
        profile.name.as_deref(),
        profile.avatar.as_deref(),
        profile.state.as_json(),
    );
    rmp_serde::to_vec(&fields)
        .expect("texts in memory can be written to memory")
        .into()
}

/// A member from its record.
pub(super) fn read(peer: &[u8], record: &[u8]) -> Result<MemberRecord, Failure> {
    let unreadable =
        || Failure::Unreadable(format!("the record of {}", String::from_utf8_lossy(peer)));
    let peer = std::str::from_utf8(peer)
        .ok()
        .and_then(|peer| peer.parse().ok())
        .ok_or_else(unreadable)?;
    parse(peer, record).ok_or_else(unreadable)
}

fn parse(peer: PeerId, record: &[u8]) -> Option<MemberRecord> {
    let mut words = record.splitn(8, |&byte| byte == b' ');
    let mut word = || words.next().and_then(|word| std::str::from_utf8(word).ok());
    if word()? != VERSION {
        return None;
    }
    Some(MemberRecord {
        peer,
        epoch: parsed(word()?)?,
        node: parsed(word()?)?,
        order: parsed(word()?)?,
        flags: parse_flags(word()?)?,
        user: parse_user(word()?)?,
        joined_at: parsed(word()?)?,
        profile: parse_tail(words.next()?)?,
    })
}

fn parsed<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

fn parse_flags(text: &str) -> Option<Flags> {
    let letters = text.as_bytes();
    let [hidden, away, resumable] = letters.first_chunk()?;
    Some(Flags {
        hidden: *hidden == b'h',
        away: *away == b'a',
        resumable: *resumable == b'r',
        // Earlier releases write three.
        named: letters.get(3) == Some(&b'n'),
    })
}

fn parse_user(text: &str) -> Option<UserId> {
    decode_user(text).decode_utf8().ok()?.parse().ok()
}

fn parse_tail(bytes: &[u8]) -> Option<Profile> {
    let colon = bytes.iter().position(|&byte| byte == b':')?;
    let (length, tail) = (
        std::str::from_utf8(&bytes[..colon]).ok()?,
        &bytes[colon + 1..],
    );
    if length.parse() != Ok(tail.len()) {
        return None;
    }
    let (name, avatar, state): (Option<Arc<str>>, Option<Arc<str>>, &str) =
        rmp_serde::from_slice(tail).ok()?;
    Some(Profile {
        name,
        avatar,
        state: MemberState::from_json(state).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::keys::encode_user;

    const PEER: &[u8] = b"AAAAAAAAAAAAAAAAAAAA";

    fn text(version: &str, user: &UserId, profile: &Profile) -> Vec<u8> {
        text_with("-a-n", version, user, profile)
    }

    fn text_with(flags: &str, version: &str, user: &UserId, profile: &Profile) -> Vec<u8> {
        let tail = tail(profile);
        let head = format!(
            "{version} 7 gw-a 3 {flags} {} 1700000000123 {}:",
            encode_user(user),
            tail.len()
        );
        [head.as_bytes(), &tail].concat()
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let user: UserId = "어머니 50% {a}".parse().expect("a user id");
        let profile = Profile {
            name: Some("two\nlines \"and\" 한글".into()),
            avatar: None,
            state: MemberState::from_json(r#"{"muted":true}"#).expect("a state"),
        };
        let member = read(PEER, &text("1", &user, &profile)).expect("it was just written");
        assert_eq!(
            (member.epoch, member.order, member.joined_at),
            (7, 3, 1_700_000_000_123)
        );
        assert_eq!(
            member.flags,
            Flags {
                away: true,
                named: true,
                ..Flags::default()
            }
        );
        assert_eq!(
            (member.node.as_str(), member.user, member.profile),
            ("gw-a", user, profile)
        );
    }

    #[test]
    fn flags_come_back_as_they_went_and_the_three_of_an_earlier_release_name_nobody() {
        let user: UserId = "a".parse().expect("a user id");
        let all = Flags {
            hidden: true,
            away: true,
            resumable: true,
            named: true,
        };
        let unnamed = Flags {
            named: false,
            ..all
        };
        for (letters, flags) in [
            (flags_text(all), all),
            (flags_text(unnamed), unnamed),
            ("har".into(), unnamed),
        ] {
            let record = text_with(&letters, "1", &user, &Profile::default());
            assert_eq!(read(PEER, &record).expect("it is readable").flags, flags);
        }
    }

    #[test]
    fn a_record_of_another_version_or_length_is_unreadable() {
        let user: UserId = "a".parse().expect("a user id");
        let whole = text("1", &user, &Profile::default());
        for record in [
            &text("2", &user, &Profile::default()),
            &whole[..whole.len() - 1],
            b"",
            b"1 7 gw-a 3",
        ] {
            let failure = read(PEER, record).expect_err("it is unreadable");
            assert!(matches!(failure, Failure::Unreadable(what) if what.contains("AAAA")));
        }
    }
}
