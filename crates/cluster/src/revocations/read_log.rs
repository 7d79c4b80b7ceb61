//! How far a node has read the log of revocations.

use crate::backend::revocation::LogPosition;

/// What this node has read of the log.
#[derive(Default)]
pub(super) struct ReadLog {
    pub(super) position: LogPosition,
    /// Counts the readings from the log's start.
    pub(super) pass: u64,
    /// Such a reading has begun and not come to its end.
    pub(super) is_in_pass: bool,
    /// The backend's doubts that are taken into account: after another one, the log is read from its start.
    pub(super) doubts: u64,
    /// Something was read for which sessions may have to end.
    pub(super) is_news: bool,
}

impl ReadLog {
    pub(super) fn begin_pass(&mut self) {
        self.pass += 1;
        self.is_in_pass = true;
    }
}
