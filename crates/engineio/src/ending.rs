//! How a session ends.

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ending {
    /// This side closed it.
    #[error("closed by this side")]
    ClosedHere,
    /// The client said so.
    #[error("closed by the client")]
    ClosedByClient,
    /// A ping was not answered in time.
    #[error("a ping was not answered in time")]
    PingTimeout,
    /// A second poll came while one waited, or a second POST while one was being read.
    #[error("two requests of the same kind at a time")]
    Overlap,
    /// What came is no packet, or none for this side.
    #[error("what came is no packet that a client may send")]
    BadPacket,
    /// A body was larger than it may be, or the client says more than is read.
    #[error("the client sent more than it may")]
    TooMuch,
    /// A request was given up before it was answered, or before it was there as a whole.
    #[error("a request broke off")]
    BrokenOff,
    /// Its WebSocket was closed, or lost.
    #[error("its WebSocket is gone")]
    SocketGone,
}
