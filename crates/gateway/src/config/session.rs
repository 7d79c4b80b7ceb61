//! Timings of a session and sizes of rooms.

use std::time::Duration;

/// A signal outlives its receiver's window by this at least.
pub(super) const DEADLINE_MARGIN: Duration = Duration::from_secs(15);

/// Keys `session.*`.
#[derive(Debug, Clone)]
pub struct SessionConfig {
    /// How long a new connection may take to say `hello`. Default 10 s; 0 is refused.
    pub hello_timeout: Duration,
    /// How often the gateway sends a WebSocket ping. Default 15 s; 0 is refused.
    pub heartbeat: Duration,
    /// Silence after which a connection is closed with 4408; a pong, like any frame, is life. Default 40 s; must exceed
    /// `heartbeat`.
    pub heartbeat_timeout: Duration,
    /// How long a session that lost its connection is held: it is `away` and may resume. Default 60 s; not below twice
    /// (`heartbeat` + 5 s), in which both sides notice the loss.
    pub resume_window: Duration,
    /// The longest that a sender waits for `delivered` or `undelivered`. Default `resume_window` + 15 s, and not less.
    pub delivery_deadline: Duration,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            hello_timeout: Duration::from_secs(10),
            heartbeat: Duration::from_secs(15),
            heartbeat_timeout: Duration::from_secs(40),
            resume_window: Duration::from_secs(60),
            delivery_deadline: Duration::from_secs(60) + DEADLINE_MARGIN,
        }
    }
}

/// Keys `room.*`.
#[derive(Debug, Clone)]
pub struct RoomConfig {
    /// Members of a room whose creator asks for nothing else. Default 64; 0 is refused.
    pub capacity: u32,
    /// The most that a creator may ask for. Default 1000; not below `capacity`.
    pub capacity_max: u32,
    /// Rooms that one session may be in. Default 16; 0 is refused.
    pub max_per_session: u32,
}

impl Default for RoomConfig {
    fn default() -> Self {
        Self {
            capacity: 64,
            capacity_max: 1000,
            max_per_session: 16,
        }
    }
}
