//! What a session asks of the cluster and has to wait for. The operations of one session are carried out one after
//! another, in the order the client asked.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use switchboard_protocol::client_message::StatePatch;
use switchboard_protocol::server_message::Error;
use switchboard_protocol::{ErrorCode, MemberState, RoomId};

use crate::rule::Rule;

/// What a member is called in one room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomName {
    /// At most [`NAME_BYTES_MAX`](switchboard_protocol::limits::NAME_BYTES_MAX) bytes.
    pub text: Arc<str>,
    /// Whether no other member of the room may be called so.
    pub claim: Option<Claim>,
}

/// A name that one member at a time has in a room, over the whole cluster. Where another one has it:
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// That member leaves the room. Where tokens name users, only if it is the same user; else the join is
    /// refused with [`ErrorCode::NameTaken`].
    Newest,
    /// A number is put behind it.
    Numbered,
}

/// A JWT, which nothing shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(pub Box<str>);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// One request of the client that takes its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Enter a room. The cluster itself answers `joined`, in its place among the room's events.
    Join {
        /// The request's id.
        re: u64,
        /// Which room.
        room: RoomId,
        /// Its capacity if this join creates it.
        capacity: u32,
        /// Whether it may.
        may_create: bool,
        /// First state of the member.
        state: MemberState,
        /// What it is called there, where that is not what the session is called.
        name: Option<RoomName>,
    },
    /// Be called otherwise in a room where one is.
    Rename {
        /// The request's id.
        re: u64,
        /// Which room.
        room: RoomId,
        /// It has a claim.
        name: RoomName,
    },
    /// Leave a room.
    Leave {
        /// The request's id.
        re: u64,
        /// Which room.
        room: RoomId,
    },
    /// Go on with another token. What it says is [told](crate::Input::Authorized) first.
    Refresh {
        /// The request's id.
        re: u64,
        /// JWT.
        token: Token,
    },
    /// Change one's state in a room.
    Update {
        /// The request's id.
        re: u64,
        /// Which room.
        room: RoomId,
        /// What changes.
        patch: StatePatch,
    },
}

impl Operation {
    /// The request's id.
    pub fn re(&self) -> u64 {
        match self {
            Self::Join { re, .. }
            | Self::Rename { re, .. }
            | Self::Leave { re, .. }
            | Self::Refresh { re, .. }
            | Self::Update { re, .. } => *re,
        }
    }
}

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// For programs.
    pub code: ErrorCode,
    /// For people: a sentence that says what to do.
    pub message: String,
    /// When trying again helps.
    pub retry_after: Option<Duration>,
    /// The limit that is the reason.
    pub rule: Option<Rule>,
}

impl Refused {
    /// A refusal that trying again does not change.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            retry_after: None,
            rule: None,
        }
    }

    /// A refusal that passes.
    pub fn for_now(code: ErrorCode, message: impl Into<String>, retry_after: Duration) -> Self {
        Self {
            code,
            message: message.into(),
            retry_after: Some(retry_after),
            rule: None,
        }
    }

    /// More than a rate allows. `words` name the rate; clients that see nothing but the message are told the time in it.
    pub fn limited(rule: Rule, words: impl fmt::Display, retry_after: Duration) -> Self {
        let message = format!("{words}; go on in {} ms", millis_up(retry_after));
        Self::for_now(ErrorCode::RateLimited, message, retry_after).by(rule)
    }

    /// A limit is the reason.
    pub fn by(mut self, rule: Rule) -> Self {
        self.rule = Some(rule);
        self
    }

    /// As the answer to the request `re`.
    pub fn to_error(self, re: Option<u64>) -> Error {
        let retry_after_ms = self.retry_after.map(millis_up);
        Error {
            re,
            code: self.code,
            message: self.message,
            retry_after_ms,
        }
    }
}

/// A time that clients are told, as `retry_after_ms`. Rounded up: one that comes back at that moment finds it passed.
pub fn millis_up(pause: Duration) -> u64 {
    u64::try_from(pause.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_millisecond_counts_as_a_whole_one() {
        for (pause, ms) in [
            (Duration::ZERO, 0),
            (Duration::from_nanos(1), 1),
            (Duration::from_micros(999_001), 1000),
            (Duration::from_millis(1500), 1500),
            (Duration::MAX, u64::MAX),
        ] {
            assert_eq!(millis_up(pause), ms, "{pause:?}");
        }
    }
}
