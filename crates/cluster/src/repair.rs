//! The repair of what the directory lost: this node writes again what it knows.

pub(crate) mod assert;
pub(crate) mod checked_directory;
mod concerns;
pub(crate) mod doubt;
pub(crate) mod resync;
