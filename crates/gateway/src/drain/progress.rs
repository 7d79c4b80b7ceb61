//! How far a drain has come.

use serde::{Deserialize, Serialize};

use super::Share;

/// Counts of the drain that is under way, or of the last one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Whether one is under way.
    pub(crate) draining: bool,
    /// The part of the sessions that it moves; `None` if the node stops.
    pub(crate) share: Option<Share>,
    /// Connections that are part of it.
    pub(crate) picked: u64,
    /// Of them, those whose clients were told to resume elsewhere.
    pub(crate) told: u64,
    /// Those whose clients resumed elsewhere.
    pub(crate) moved: u64,
    /// Those that the node closed.
    pub(crate) closed: u64,
    /// Those that ended by themselves, by a goodbye or a lost connection.
    pub(crate) left: u64,
    /// Those that are still here.
    pub(crate) remaining: u64,
}
