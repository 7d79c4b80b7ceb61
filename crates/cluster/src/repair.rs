//! The two repairs: [`resync`] after a link lost something, and [assertions](cycle) after the directory did, for which a node
//! writes again what it knows.

mod assert;
pub(crate) mod checked_directory;
mod concerns;
pub(crate) mod cycle;
pub(crate) mod doubt;
mod failure;
mod opening;
mod orphans;
mod places;
pub(crate) mod resync;
mod retake;
pub(crate) mod unverified;
mod verify;
