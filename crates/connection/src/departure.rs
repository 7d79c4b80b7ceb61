//! How a connection ends, and what becomes of its session then.

use std::time::Duration;

use switchboard_cluster::{AttachError, Departure, Repeated};
use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{CloseCode, PeerId};
use switchboard_session::{Closing, Rule};

use crate::RETRY_AFTER;
use crate::host::Host;
use crate::transport::Ended;

/// What a session, its token or its user being revoked means for its connection. Its places are not held.
pub(crate) fn revoked() -> Closing {
    Closing::because(CloseCode::Unauthorized, REVOKED)
}

/// What a client hears that may not go on.
pub(crate) const REVOKED: &str = "revoked: sign in again";

/// How a connection ended.
pub(crate) enum End {
    /// The client's connection is gone.
    Gone,
    /// This side ends it.
    Close(Closing),
    /// Its task panicked, and the client is to find its connection lost.
    Panicked,
}

impl From<Ended> for End {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Gone => Self::Gone,
            Ended::Unreadable(closing) => Self::Close(closing),
        }
    }
}

impl End {
    /// The session may not come in.
    pub(crate) fn refused(error: &AttachError) -> Self {
        match error {
            AttachError::TooManySessions => Self::Close(
                Closing::because(
                    CloseCode::Limit,
                    "too many sessions (limits.sessions_per_user); close one",
                )
                .retry_after(RETRY_AFTER * 10)
                .by(Rule::SessionsPerUser),
            ),
            AttachError::Revoked => Self::Close(revoked()),
            AttachError::Unavailable => Self::unavailable(),
        }
    }

    /// Whether the session may come in, the cluster cannot say now.
    pub(crate) fn unavailable() -> Self {
        Self::Close(
            Closing::because(CloseCode::Unavailable, "the cluster is not available now")
                .retry_after(RETRY_AFTER),
        )
    }

    /// The task of a session panicked. Once may be chance; a client that makes it panic again would do so for ever.
    pub(crate) fn panicked(host: &Host, session: &PeerId) -> Self {
        static SESSIONS: Repeated = Repeated::new();
        let again = host.note_panic(*session);
        if let Some(said) = SESSIONS.happened() {
            let outcome = match again {
                false => "its connection counts as lost",
                true => "not for the first time, and it is closed",
            };
            tracing::error!(session.id = %session, "a session's task panicked: {outcome}{said}");
        }
        match again {
            false => Self::Panicked,
            true => Self::Close(Closing::because(
                CloseCode::Protocol,
                "what this session says has made the server fail, again",
            )),
        }
    }

    /// What becomes of a session whose connection ended so.
    pub(crate) fn departure(&self, window: Duration) -> Departure {
        let closing = match self {
            Self::Gone | Self::Panicked => return Departure::Away(window),
            Self::Close(closing) => closing,
        };
        match (closing.code, closing.holds(window)) {
            (CloseCode::Superseded, _) => Departure::Superseded,
            (_, Some(hold)) => Departure::Away(hold),
            (CloseCode::Bye, None) => Departure::Leave(LeaveReason::Left),
            (_, None) => Departure::Leave(LeaveReason::Disconnected),
        }
    }
}
