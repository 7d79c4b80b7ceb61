//! What the directory on Redis needs; its calls are in [`rooms`](super::rooms), [`peers`](super::peers) and
//! [`buckets`](super::buckets).

use std::sync::Arc;

use super::commands::Commands;
use super::keys::Keys;
use crate::observe::unreadable::Unreadable;

/// Rooms and peers on Redis.
pub(super) struct RedisDirectory {
    pub(super) commands: Commands,
    pub(super) keys: Keys,
    pub(super) unreadable: Arc<Unreadable>,
}
