//! A peer as its room sees it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{PeerId, UserId};

/// Whether a member has a socket at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Connection {
    /// It has.
    Live,
    /// It lost its socket and may come back within the resume window.
    Away,
}

/// What a member says about itself (muted, sharing a screen…): a JSON object, kept as compact text. Changed by JSON
/// Merge Patch (RFC 7396); [`codec`](crate::codec) knows how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberState(pub(crate) Arc<str>);

impl MemberState {
    /// The object as compact JSON text.
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

impl Default for MemberState {
    fn default() -> Self {
        Self("{}".into())
    }
}

/// A member as listed in `joined` and told in `member-joined`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its public id.
    pub peer: PeerId,
    /// The identity behind it.
    pub user: UserId,
    /// Display name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<Arc<str>>,
    /// Usually a URL.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub avatar: Option<Arc<str>>,
    /// What it says about itself.
    pub state: MemberState,
    /// Place in the join order of the room: the lower one of a pair is impolite (W3C perfect negotiation).
    pub order: u64,
    /// Unix time of the join, milliseconds.
    pub joined_at: u64,
    /// Whether it has a socket.
    pub connection: Connection,
}
