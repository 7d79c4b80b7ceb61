//! What must always be true, an invariant to a file. Each judges a trace by itself, and each has tests in which a bad
//! trace fails.

use std::fmt;

use crate::trace::Trace;

/// Something that must not happen did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which invariant.
    pub invariant: &'static str,
    /// What happened, for people.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}

/// Everything in `trace` that must not be.
pub(crate) fn check(_trace: &Trace) -> Vec<Violation> {
    Vec::new()
}
