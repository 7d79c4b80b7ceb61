//! What must always be true, an invariant to a file. Each judges a trace by itself, and each has tests in which a bad
//! trace fails.

mod answers;
mod bounds;
mod foreigners;
mod hearing;
mod memory;
mod nothing_lost;
mod order;
mod owners;
mod panics;
mod places;
mod privacy;
mod reading;
mod resumption;
mod revisions;
mod rosters;
mod sockets;
mod story;
#[cfg(test)]
mod telling;
mod thefts;
mod truth;

use std::fmt;

use self::story::Story;
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

/// Judges a trace: a sentence for each thing that must not be.
type Invariant = fn(&Trace, &Story) -> Vec<String>;

/// In the order of DESIGN 5.
const ALL: [(&str, Invariant); 14] = [
    ("answers", answers::check),
    ("truth", truth::check),
    ("order", order::check),
    ("nothing lost", nothing_lost::check),
    ("resumption", resumption::check),
    ("rosters", rosters::check),
    ("places", places::check),
    ("owners", owners::check),
    ("bounds", bounds::check),
    ("privacy", privacy::check),
    ("hearing", hearing::check),
    ("sockets", sockets::check),
    ("foreigners", foreigners::check),
    ("panics", panics::check),
];

/// Everything in `trace` that must not be.
pub(crate) fn check(trace: &Trace) -> Vec<Violation> {
    let story = Story::of(trace);
    ALL.iter()
        .flat_map(|(invariant, check)| {
            check(trace, &story)
                .into_iter()
                .map(|what| Violation { invariant, what })
        })
        .collect()
}
