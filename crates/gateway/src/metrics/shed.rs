//! Connections that the node closes to make room for others.

use super::by_label::CountersBy;

/// Why one had to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shed {
    /// Too many had not said hello.
    NoHello,
    /// Too many connections had no session, and it had no whole request under way.
    Http,
    /// The system had no file left for another one.
    OpenFiles,
}

impl Shed {
    pub(super) const ALL: [Self; 3] = [Self::NoHello, Self::Http, Self::OpenFiles];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::NoHello => "no-hello",
            Self::Http => "http",
            Self::OpenFiles => "open-files",
        }
    }
}

/// Counters by reason.
pub(crate) type ShedCounters = CountersBy<Shed, { Shed::ALL.len() }>;
