//! Waiting until processes agree among themselves.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// Time between two checks.
const LOOK: Duration = Duration::from_millis(20);
/// Failovers take one to three seconds; a loaded machine may take its time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until the condition holds. Panics with that sentence if it never does.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(
            Instant::now() < deadline,
            "{what}: not so within {PATIENCE:?}"
        );
        sleep(LOOK);
    }
}
