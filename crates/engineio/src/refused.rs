//! Requests that are answered with an error, in the protocol's own words.

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It names no transport, or another than polling and WebSocket.
    #[error("Transport unknown")]
    UnknownTransport,
    /// There is no session with this id, or not any more.
    #[error("Session ID unknown")]
    UnknownSid,
    /// A session is opened with GET.
    #[error("Bad handshake method")]
    BadHandshakeMethod,
    /// It does not fit the state of its session, or cannot be read.
    #[error("Bad request")]
    BadRequest,
    /// Its client may not connect.
    #[error("Forbidden")]
    Forbidden,
    /// It speaks another version than 4.
    #[error("Unsupported protocol version")]
    UnsupportedVersion,
    /// Its body is larger than the server says that bodies may be.
    #[error("Payload too large")]
    TooLarge,
    /// Its body did not come in time.
    #[error("Request timeout")]
    TooSlow,
}

impl Refused {
    /// The status of the answer.
    pub fn status(self) -> u16 {
        match self {
            Self::Forbidden => 403,
            Self::TooSlow => 408,
            Self::TooLarge => 413,
            _ => 400,
        }
    }

    /// The body of the answer, JSON.
    pub fn body(self) -> String {
        let code = match self {
            Self::UnknownTransport => 0,
            Self::UnknownSid => 1,
            Self::BadHandshakeMethod => 2,
            Self::BadRequest | Self::TooLarge | Self::TooSlow => 3,
            Self::Forbidden => 4,
            Self::UnsupportedVersion => 5,
        };
        format!(r#"{{"code":{code},"message":"{self}"}}"#)
    }
}
