//! What a STOMP client may send to, and what it may subscribe to. A room in a destination is percent-encoded (RFC 3986 section
//! 2.1), as in a URL, and decoded once: `a/b` is `/topic/rooms/a%2Fb/signal`. What needs no encoding there may have it or not.

use percent_encoding::percent_decode_str;
use switchboard_protocol::{InvalidId, RoomId};

/// What is repeated to a client of its own words.
const WORDS_SHOWN: usize = 64;

/// What a client asks of a room by sending to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Join,
    Signal,
    Leave,
}

/// What a client hears of by subscribing to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Topic {
    /// Who is in a room.
    Members(RoomId),
    /// What its members say to one another.
    Signal(RoomId),
    /// What was refused.
    System,
    /// Who it is.
    Me,
}

/// A destination that is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadDestination {
    #[error(
        "nothing can be sent to {0:?}; send to /app/rooms/ROOM/join, /app/rooms/ROOM/signal or /app/rooms/ROOM/leave"
    )]
    Action(String),
    #[error(
        "there is no {0:?} to subscribe to; there are /topic/rooms/ROOM/members, /topic/rooms/ROOM/signal, \
         /user/queue/me and /user/queue/system"
    )]
    Topic(String),
    #[error("the destination names no room: {0}")]
    Room(#[from] InvalidId),
    #[error(
        "the destination names no room: a room is percent-encoded UTF-8, each % with two hexadecimal digits behind it"
    )]
    Escape,
}

impl Action {
    pub(super) fn read(destination: &str) -> Result<(RoomId, Self), BadDestination> {
        let (room, name) = room_and_name("/app/rooms/", destination)
            .ok_or_else(|| BadDestination::Action(shown(destination)))?;
        let action = match name {
            "join" => Self::Join,
            "signal" => Self::Signal,
            "leave" => Self::Leave,
            _ => return Err(BadDestination::Action(shown(destination))),
        };
        Ok((decoded(room)?, action))
    }
}

impl Topic {
    pub(super) fn read(destination: &str) -> Result<Self, BadDestination> {
        match destination {
            "/user/queue/system" => return Ok(Self::System),
            "/user/queue/me" => return Ok(Self::Me),
            _ => {}
        }
        match room_and_name("/topic/rooms/", destination) {
            Some((room, "members")) => Ok(Self::Members(decoded(room)?)),
            Some((room, "signal")) => Ok(Self::Signal(decoded(room)?)),
            _ => Err(BadDestination::Topic(shown(destination))),
        }
    }
}

fn room_and_name<'d>(prefix: &str, destination: &'d str) -> Option<(&'d str, &'d str)> {
    destination.strip_prefix(prefix)?.split_once('/')
}

fn decoded(room: &str) -> Result<RoomId, BadDestination> {
    let mut behind_percents = room.split('%').skip(1);
    let is_escape = |behind: &str| {
        let digits = behind.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !behind_percents.all(is_escape) {
        return Err(BadDestination::Escape);
    }
    let room = percent_decode_str(room).decode_utf8();
    Ok(room.map_err(|_| BadDestination::Escape)?.parse()?)
}

fn shown(destination: &str) -> String {
    destination.chars().take(WORDS_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_decoded_once() {
        for (written, room) in [
            ("r-1", "r-1"),
            ("video:r", "video:r"),
            ("video%3Ar", "video:r"),
            ("a%2Fb", "a/b"),
            ("a%2fb", "a/b"),
            ("my%20room", "my room"),
            ("my room", "my room"),
            ("%ED%9A%8C%EC%9D%98%EC%8B%A4", "회의실"),
            ("회의실", "회의실"),
            ("x%7Bb%7Dy", "x{b}y"),
            ("100%25", "100%"),
            ("%2525", "%25"),
            ("a+b", "a+b"),
        ] {
            let room: RoomId = room.parse().expect("a room");
            let topic = Topic::read(&format!("/topic/rooms/{written}/members"));
            assert_eq!(topic, Ok(Topic::Members(room.clone())), "{written}");
            let action = Action::read(&format!("/app/rooms/{written}/signal"));
            assert_eq!(action, Ok((room, Action::Signal)), "{written}");
        }
    }

    #[test]
    fn a_bad_escape_is_refused() {
        for room in [
            "%", "a%2", "%zz", "%+1", "100%", "%ff", "%ED%9A", "%%41", "%é1",
        ] {
            let refused = Topic::read(&format!("/topic/rooms/{room}/members"));
            assert_eq!(refused, Err(BadDestination::Escape), "{room}");
            let refused = Action::read(&format!("/app/rooms/{room}/join"));
            assert_eq!(refused, Err(BadDestination::Escape), "{room}");
        }
    }

    #[test]
    fn a_destination_that_is_none_is_refused_with_those_that_are() {
        for destination in [
            "",
            "/app/rooms/r",
            "/app/rooms/r/kick",
            "/app/rooms/r/join/",
            "/topic/rooms/r/signal",
        ] {
            let refused = Action::read(destination).expect_err(destination);
            assert!(
                refused.to_string().contains("/app/rooms/ROOM/join"),
                "{refused}"
            );
        }
        for destination in [
            "/topic/rooms/r",
            "/topic/rooms/a/b/signal",
            "/user/queue/me/",
            "/user/ada/queue/me",
        ] {
            let refused = Topic::read(destination).expect_err(destination);
            assert!(refused.to_string().contains("/user/queue/me"), "{refused}");
        }
    }

    #[test]
    fn a_room_that_is_none_is_refused_with_what_one_looks_like() {
        for room in ["", " a", "a%20", ".", "%2E%2E", "*", "%2A", "a%0Ab"] {
            let destination = format!("/topic/rooms/{room}/members");
            let refused = Topic::read(&destination).expect_err(room);
            assert!(refused.to_string().contains("1 to 128 bytes"), "{refused}");
            let refused = Action::read(&format!("/app/rooms/{room}/join")).expect_err(room);
            assert!(matches!(refused, BadDestination::Room(_)), "{refused}");
        }
    }
}
