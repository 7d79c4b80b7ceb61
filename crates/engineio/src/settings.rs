//! The times and sizes of a server.

use std::time::Duration;

/// What holds for all sessions of a server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The client is asked for a sign of life so long after the session began, and after its last one.
    pub ping_interval: Duration,
    /// It has so long to answer.
    pub ping_timeout: Duration,
    /// A WebSocket that is to take over from polling has so long to do it.
    pub upgrade_timeout: Duration,
    /// The largest body of a request, the largest answer to a poll (unless one packet is larger), and the largest frame,
    /// bytes.
    pub max_payload: usize,
    /// Messages are taken for a client while less than this waits for it, bytes.
    pub outbox_bytes_max: usize,
    /// What a client has said and nobody has read yet; above this its session ends. Bytes, with [`MESSAGE_COST`] for each
    /// message.
    ///
    /// [`MESSAGE_COST`]: Settings::MESSAGE_COST
    pub inbox_bytes_max: usize,
}

impl Settings {
    /// What a message costs besides its bytes where messages wait: many small ones are bounded too.
    pub const MESSAGE_COST: usize = 64;
    /// An empty queue keeps room for so many: an idle session is small.
    pub(crate) const KEPT: usize = 4;
}

impl Default for Settings {
    /// The times and the size that the protocol's own servers have.
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            upgrade_timeout: Duration::from_secs(10),
            max_payload: 1_000_000,
            outbox_bytes_max: 64 * 1024,
            inbox_bytes_max: 4 * 1024 * 1024,
        }
    }
}
