//! The room of clients that call one another by name: those of the calls vocabulary and of MDN's chat.

/// Its id.
pub(super) const ROOM: &str = "lobby";
/// It holds more than a call does.
pub(super) const CAPACITY: u32 = 1000;
