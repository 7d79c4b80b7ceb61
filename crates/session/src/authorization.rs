//! What a session may do, and until when.

use std::time::Instant;

use crate::grants::Grants;

/// As the client's token says, or open mode.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authorization {
    /// What it may do.
    pub grants: Grants,
    /// When the session ends. `None`: never by itself.
    pub ends_at: Option<Instant>,
    /// Whether the client can put that off with another token, and is told in time.
    pub can_refresh: bool,
}
