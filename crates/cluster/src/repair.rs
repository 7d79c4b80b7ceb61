//! The repair of what the directory lost: this node writes again what it knows.

pub(crate) mod assert;
pub(crate) mod doubt;
