//! A member as text: `version epoch node order flags user joined_at length:tail`.
//!
//! The scripts write everything before the tail, the head (`scripts/room.lua`). The tail is what the peer tells of itself, as
//! MessagePack, and Lua never opens it. Of a record of another version only the head is read.

use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use switchboard_protocol::{MemberState, PeerId, UserId};

use super::keys::decode_user;
use crate::backend::record::{Flags, MemberRecord, Profile, Unread};

const VERSION: u32 = 1;
/// How many flags this version has.
const FLAGS: usize = 4;
/// What follows the head is not kept where it is longer: no peer can tell so much of itself.
const REST_BYTES_MAX: usize = 65_536;
/// As in the scripts: where Lua's doubles are exact.
const NUMBER_MAX: u64 = (1 << 53) - 1;

/// Letters at fixed places, `harn`, with `-` for what is not so.
pub(crate) fn flags_text(flags: Flags) -> String {
    let letters: [_; FLAGS] = [
        (flags.hidden, 'h'),
        (flags.away, 'a'),
        (flags.resumable, 'r'),
        (flags.named, 'n'),
    ];
    letters
        .map(|(set, letter)| if set { letter } else { '-' })
        .iter()
        .collect()
}

/// What the peer tells of itself, with its length in front.
pub(crate) fn rest(profile: &Profile) -> Bytes {
    let fields = (
        profile.name.as_deref(),
        profile.avatar.as_deref(),
        profile.state.as_json(),
    );
    let tail = rmp_serde::to_vec(&fields).expect("texts in memory can be written to memory");
    [format!("{}:", tail.len()).as_bytes(), &tail]
        .concat()
        .into()
}

/// A member's record in the words in which scripts write it again.
pub(crate) struct ScriptRecord {
    pub(crate) version: u32,
    pub(crate) flags: String,
    pub(crate) rest: Bytes,
}

impl ScriptRecord {
    pub(crate) fn of(member: &MemberRecord) -> Self {
        let flags = flags_text(member.flags);
        match &member.unread {
            None => Self {
                version: VERSION,
                flags,
                rest: rest(&member.profile),
            },
            Some(unread) => Self {
                version: unread.version,
                flags: flags + &unread.flags,
                rest: unread.rest.clone().into(),
            },
        }
    }
}

/// A member from its record; `None`: the head cannot be read.
pub(crate) fn read(peer: PeerId, record: &[u8]) -> Option<MemberRecord> {
    let mut words = record.splitn(8, |&byte| byte == b' ');
    let mut word = || words.next().and_then(|word| std::str::from_utf8(word).ok());
    let version: u32 = parsed(word()?)?;
    let (epoch, node, order) = (number(word()?)?, parsed(word()?)?, number(word()?)?);
    let (flags, more_flags) = parse_flags(word()?)?;
    let (user, joined_at) = (parse_user(word()?)?, number(word()?)?);
    let rest = words.next()?;
    let profile = match version {
        VERSION => parse_rest(rest),
        _ => None,
    };
    let unread = profile.is_none().then(|| {
        let is_kept = rest.len() <= REST_BYTES_MAX;
        Box::new(Unread {
            version,
            flags: more_flags.into(),
            rest: if is_kept { rest.into() } else { Vec::new() },
        })
    });
    Some(MemberRecord {
        peer,
        epoch,
        node,
        order,
        flags,
        user,
        joined_at,
        profile: profile.unwrap_or_default(),
        unread,
    })
}

fn parsed<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

fn number(text: &str) -> Option<u64> {
    parsed(text).filter(|number| *number <= NUMBER_MAX)
}

/// And those beyond, of a later version.
fn parse_flags(text: &str) -> Option<(Flags, &str)> {
    let letters = text.as_bytes();
    let [hidden, away, resumable] = letters.first_chunk()?;
    let flags = Flags {
        hidden: *hidden == b'h',
        away: *away == b'a',
        resumable: *resumable == b'r',
        // Earlier releases write three.
        named: letters.get(3) == Some(&b'n'),
    };
    Some((flags, text.get(FLAGS..).unwrap_or_default()))
}

fn parse_user(text: &str) -> Option<UserId> {
    decode_user(text).decode_utf8().ok()?.parse().ok()
}

fn parse_rest(bytes: &[u8]) -> Option<Profile> {
    if bytes.len() > REST_BYTES_MAX {
        return None;
    }
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
    use crate::backend::redis::keys::encode_user;

    fn read(record: &[u8]) -> Option<MemberRecord> {
        super::read("AAAAAAAAAAAAAAAAAAAA".parse().expect("a peer id"), record)
    }

    fn text(version: &str, user: &UserId, profile: &Profile) -> Vec<u8> {
        text_with("-a-n", version, user, profile)
    }

    fn text_with(flags: &str, version: &str, user: &UserId, profile: &Profile) -> Vec<u8> {
        let head = format!(
            "{version} 7 gw-a 3 {flags} {} 1700000000123 ",
            encode_user(user)
        );
        [head.as_bytes(), &rest(profile)].concat()
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let user: UserId = "어머니 50% {a}".parse().expect("a user id");
        let profile = Profile {
            name: Some("two\nlines \"and\" 한글".into()),
            avatar: None,
            state: MemberState::from_json(r#"{"muted":true}"#).expect("a state"),
        };
        let member = read(&text("1", &user, &profile)).expect("it was just written");
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
            assert_eq!(read(&record).expect("it is readable").flags, flags);
        }
    }

    #[test]
    fn of_another_version_or_a_broken_tail_the_head_is_read_and_the_rest_kept() {
        let user: UserId = "a".parse().expect("a user id");
        let whole = text("1", &user, &Profile::default());
        let cut = whole[..whole.len() - 1].to_vec();
        let later = text_with("har-xy", "23", &user, &Profile::default());
        for (record, version, flags) in [(cut, 1, "-a-n"), (later, 23, "har-xy")] {
            let member = read(&record).expect("its head is readable");
            assert_eq!((member.epoch, member.node.as_str()), (7, "gw-a"));
            assert_eq!(member.profile, Profile::default());
            let written = ScriptRecord::of(&member);
            assert_eq!((written.version, &*written.flags), (version, flags));
            assert!(record.ends_with(&written.rest) && !written.rest.is_empty());
        }
    }

    #[test]
    fn a_tail_that_is_too_long_is_not_kept() {
        let mut record = b"2 7 gw-a 3 har- a 5 ".to_vec();
        record.resize(record.len() + REST_BYTES_MAX + 1, b'x');
        let unread = read(&record).and_then(|member| member.unread);
        assert_eq!(unread.map(|unread| unread.rest.len()), Some(0));
    }

    #[test]
    fn without_a_whole_head_there_is_no_member() {
        for record in [
            "",
            "odd",
            "1 7 gw-a 3",
            "1 7 gw-a 3 har- a 5",
            "x 7 gw-a 3 har- a 5 0:",
            "1 99999999999999999999 gw-a 3 har- a 5 0:",
            "1 7 g{w 3 har- a 5 0:",
            "1 7 gw-a 3 h a 5 0:",
            "1 7 gw-a 3 har- %FF 5 0:",
        ] {
            assert_eq!(read(record.as_bytes()), None, "{record}");
        }
    }
}
