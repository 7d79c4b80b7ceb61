//! Which dialects there are.

/// A dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialectName {
    /// At `/v1/connect`.
    Native,
    /// At `/socket.io/`.
    SocketIo,
    /// At `/ws`.
    Stomp,
    /// WebSockets at `/`.
    Mdn,
}

impl DialectName {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Native, Self::SocketIo, Self::Stomp, Self::Mdn];

    /// As the configuration and labels have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::SocketIo => "socketio",
            Self::Stomp => "stomp",
            Self::Mdn => "mdn",
        }
    }
}
