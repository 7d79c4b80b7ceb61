//! What a handle asks of the client's task.

use std::time::Duration;

use super::answer::Waiter;
use crate::session::Command;

/// Carried out in order.
pub(super) type Asked = (Command, Waiter);

/// What holds at once, whatever waits.
#[derive(Clone, Default)]
pub(super) struct Control {
    /// The newest token, to be used from the next connection on.
    pub(super) token: Option<String>,
    /// How many were given.
    pub(super) tokens: u64,
    /// Say goodbye and end.
    pub(super) stop: bool,
    /// Stay away for so long instead of leaving at once.
    pub(super) hold: Option<Duration>,
}
