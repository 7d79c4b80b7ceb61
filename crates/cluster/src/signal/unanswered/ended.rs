//! What is told of a signal that has ended for one receiver.

use tokio::time::Instant;

use crate::observe::KindClass;
use crate::signal::traced::Answered;

/// A signal has ended for one receiver: for a [target](super::target) by its answer or for want of one, for one that was
/// [sought](super::sought) because it was not found.
#[derive(Debug)]
pub(crate) struct Ended<R> {
    pub(crate) id: u64,
    pub(crate) kind: KindClass,
    pub(crate) receiver: R,
    pub(crate) taken_at: Instant,
    /// What that adds to the trace.
    pub(crate) answered: Option<Box<Answered>>,
}
