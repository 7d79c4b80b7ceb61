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

use std::sync::Arc;

use self::doubt::Doubt;
use self::unverified::Unverified;
use crate::observe::repeated::Repeated;

/// What a node keeps for its repairs.
pub(crate) struct Repairs {
    pub(crate) doubt: Arc<Doubt>,
    unverified: Unverified,
    warnings: Warnings,
}

/// What a fault can repeat, and an operator need not read each time.
#[derive(Default)]
struct Warnings {
    went_back: Repeated,
    not_asserted: Repeated,
    resyncs: Repeated,
}

impl Repairs {
    /// Nothing is to be repaired yet.
    pub(crate) fn new(doubt: Arc<Doubt>) -> Self {
        Self {
            doubt,
            unverified: Unverified::default(),
            warnings: Warnings::default(),
        }
    }
}
