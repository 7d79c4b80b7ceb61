//! Where the media of a room goes that is handed over to a media server (SFU).

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// `media` of `joined`, and of a room in `welcome`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// What kind of server it is: `livekit`.
    pub kind: Arc<str>,
    /// Where the member connects.
    pub url: Arc<str>,
    /// As the room is called there.
    pub room: Arc<str>,
    /// Lets this member in.
    pub token: MediaToken,
    /// When the token ends, in Unix time in milliseconds. A connection that it began goes on.
    pub expires_at: u64,
}

/// A token of a media server, which `Debug` does not show.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaToken(pub Arc<str>);

impl fmt::Debug for MediaToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MediaToken(…)")
    }
}
