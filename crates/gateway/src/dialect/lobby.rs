//! The room in which those meet who call one another by name: 001's clients and the MDN chat.

/// Its id.
pub(super) const ROOM: &str = "lobby";
/// It holds more than a call does.
pub(super) const CAPACITY: u32 = 1000;
