//! What a client that resumes has handled already.

use std::collections::BTreeMap;

use switchboard_protocol::PeerId;
use switchboard_protocol::client_message::Resume;

/// Which signals a client that resumes has handled, as it tells.
#[derive(Debug, Default)]
pub struct Seen {
    /// For each sender, up to which id.
    pub up_to: BTreeMap<PeerId, u64>,
    /// For each sender the last of these ids, rising; `None` where the client does not list them.
    pub listed: Option<BTreeMap<PeerId, Vec<u64>>>,
}

impl From<BTreeMap<PeerId, u64>> for Seen {
    fn from(up_to: BTreeMap<PeerId, u64>) -> Self {
        Self {
            up_to,
            listed: None,
        }
    }
}

impl From<&Resume<'_>> for Seen {
    fn from(resume: &Resume<'_>) -> Self {
        Self {
            up_to: resume.seen.clone(),
            listed: resume.handled.clone(),
        }
    }
}
