//! Lengths of time that a gateway names.

use std::time::Duration;

/// Nothing here waits longer than a day, whatever a gateway says: a clock can only be added to within bounds.
const MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// So many milliseconds, a day at most.
pub(crate) fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms).min(MAX)
}
