//! What happened, in order: all that the invariants judge by, and what a person reads when one of them is broken.

mod event;
pub(crate) mod last;
mod rooms;

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::{Duration, Instant};

pub(crate) use self::event::{Event, Fate, Leaving, Secret, Weather, What};
use self::last::LastState;
pub(crate) use self::rooms::{News, Seen, View};

/// A client, for the whole run.
pub(crate) type ClientNo = usize;
/// A node, each start anew.
pub(crate) type NodeNo = usize;
/// A connection, over the whole run.
pub(crate) type ConnectionNo = u64;

/// Everything that happened in one run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trace {
    pub(crate) rules: Rules,
    pub(crate) events: Vec<Event>,
    /// What was found at the end, when all had come to rest.
    pub(crate) last: LastState,
}

/// What the invariants must know of the settings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) window: Duration,
    pub(crate) deadline: Duration,
    pub(crate) lease: Duration,
    /// Unanswered signals of one session.
    pub(crate) in_flight: usize,
    /// Whether Redis hears and answers what it is asked, but for the weather.
    pub(crate) answers_arrive: bool,
}

/// What is promised to a client, by what it speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Promises {
    /// `delivered` means that it has handled the signal, for it says `received`. Else, that the kernel of its gateway has
    /// the signal.
    pub(crate) receipts: bool,
    /// Its session goes on over another connection. Else it ends with its connection, and leaves its room at once.
    pub(crate) resumes: bool,
    /// It is told each step of its rooms, with revisions.
    pub(crate) rosters: bool,
    /// It hears of a member before it hears from it.
    pub(crate) joins_first: bool,
}

impl Promises {
    /// What is promised to all.
    pub(crate) const FEWEST: Self = Self {
        receipts: false,
        resumes: false,
        rosters: false,
        joins_first: false,
    };
}

impl Trace {
    /// The same run gives the same number.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for event in &self.events {
            event.to_string().hash(&mut hasher);
        }
        format!("{:?}", self.last).hash(&mut hasher);
        hasher.finish()
    }

    /// The last so many events, for people.
    pub fn tail(&self, most: usize) -> String {
        let from = self.events.len().saturating_sub(most);
        let lines: Vec<_> = self.events[from..].iter().map(Event::to_string).collect();
        lines.join("\n")
    }

    /// How much happened.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether nothing did.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for event in &self.events {
            writeln!(f, "{event}")?;
        }
        write!(f, "in the end: {:#?}", self.last)
    }
}

/// Writes the trace of the run that is under way. Clones write the same.
#[derive(Clone)]
pub(crate) struct Recorder {
    since: Instant,
    events: Arc<Mutex<Vec<Event>>>,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self {
            since: Instant::now(),
            events: Arc::default(),
        }
    }

    pub(crate) fn note(&self, what: What) {
        let at = self.since.elapsed();
        self.events.lock().push(Event { at, what });
    }

    /// Lets somebody look at what happened so far.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&[Event]) -> T) -> T {
        look(&self.events.lock())
    }

    pub(crate) fn weather(&self, weather: Weather) {
        self.note(What::Weather(weather));
    }

    pub(crate) fn finish(self, rules: Rules, last: LastState) -> Trace {
        Trace {
            rules,
            events: std::mem::take(&mut *self.events.lock()),
            last,
        }
    }
}
