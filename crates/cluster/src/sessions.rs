//! The sessions of this node: how they come, go on over another connection, are away, and end.

pub(crate) mod attach;
pub(crate) mod away;
pub(crate) mod evict;
pub(crate) mod local_session;
pub(crate) mod resume;
pub(crate) mod secret;
