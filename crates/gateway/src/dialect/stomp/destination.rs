//! What a STOMP client may send to, and what it may subscribe to.

use std::fmt;

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
        Ok((room.parse()?, action))
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
            Some((room, "members")) => Ok(Self::Members(room.parse()?)),
            Some((room, "signal")) => Ok(Self::Signal(room.parse()?)),
            _ => Err(BadDestination::Topic(shown(destination))),
        }
    }
}

/// As it is read: there is one way to write each.
impl fmt::Display for Topic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Members(room) => write!(out, "/topic/rooms/{room}/members"),
            Self::Signal(room) => write!(out, "/topic/rooms/{room}/signal"),
            Self::System => out.write_str("/user/queue/system"),
            Self::Me => out.write_str("/user/queue/me"),
        }
    }
}

fn room_and_name<'d>(prefix: &str, destination: &'d str) -> Option<(&'d str, &'d str)> {
    destination.strip_prefix(prefix)?.split_once('/')
}

fn shown(destination: &str) -> String {
    destination.chars().take(WORDS_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_is_written_as_it_is_read() {
        for destination in [
            "/topic/rooms/r-1/members",
            "/topic/rooms/video:r/signal",
            "/user/queue/me",
            "/user/queue/system",
        ] {
            let topic = Topic::read(destination).expect("a topic");
            assert_eq!(topic.to_string(), destination);
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
        for room in ["", "a b", "방", "*"] {
            let destination = format!("/topic/rooms/{room}/members");
            let refused = Topic::read(&destination).expect_err(room);
            assert!(refused.to_string().contains("A-Z"), "{refused}");
            let refused = Action::read(&format!("/app/rooms/{room}/join")).expect_err(room);
            assert!(matches!(refused, BadDestination::Room(_)), "{refused}");
        }
    }
}
