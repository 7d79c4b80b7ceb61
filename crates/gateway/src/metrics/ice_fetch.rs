//! TURN credentials that a provider was asked for.

use super::by_label::CountersBy;

/// What came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IceFetch {
    /// Credentials.
    Fetched,
    /// No answer, or more than is read.
    Unreachable,
    /// A status that is no success.
    Refused,
    /// Nothing of use.
    Unreadable,
}

impl IceFetch {
    pub(crate) const ALL: [Self; 4] = [
        Self::Fetched,
        Self::Unreachable,
        Self::Refused,
        Self::Unreadable,
    ];

    /// The label.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Fetched => "fetched",
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Unreadable => "unreadable",
        }
    }
}

pub(crate) type IceFetchCounter = CountersBy<IceFetch, { IceFetch::ALL.len() }>;
