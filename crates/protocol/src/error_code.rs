//! Why a request was refused, as a program reads it.

use crate::words::words;

words! {
    /// The `code` of an `error` message.
    pub enum ErrorCode {
        /// The message could not be read, or a field is missing or of the wrong type.
        BadMessage = "bad-message",
        /// No valid token.
        Unauthorized = "unauthorized",
        /// The token does not allow it.
        Forbidden = "forbidden",
        /// The room does not exist and this token may not create it.
        NoSuchRoom = "no-such-room",
        /// The peer is not in that room.
        NotAMember = "not-a-member",
        /// The peer is in that room already.
        AlreadyJoined = "already-joined",
        /// The room's capacity is reached.
        RoomFull = "room-full",
        /// The room was closed.
        RoomClosed = "room-closed",
        /// The name belongs to somebody else.
        NameTaken = "name-taken",
        /// The session is in as many rooms as it may be.
        TooManyRooms = "too-many-rooms",
        /// The user has as many sessions as he may have.
        TooManySessions = "too-many-sessions",
        /// A message or a field is over its bound.
        TooLarge = "too-large",
        /// More messages in a short time than are allowed.
        RateLimited = "rate-limited",
        /// The callee is in another call.
        Busy = "busy",
        /// The callee has no session.
        Offline = "offline",
        /// The invitation is over or never was.
        NoSuchCall = "no-such-call",
        /// The cluster cannot do this at the moment; trying again helps.
        Unavailable = "unavailable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_for_operators_names_every_code_once() {
        const PAGE: &str = include_str!("../../../docs/errors.md");
        let (_, part) = PAGE.split_once("## Error codes").expect("its heading");
        let (part, _) = part.split_once("\n## ").expect("the next heading");
        let rows = part.lines().filter_map(|line| line.strip_prefix("| `"));
        let documented: Vec<_> = rows.filter_map(|row| row.split('`').next()).collect();
        let codes: Vec<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(documented, codes);
    }
}
