//! Key sets of issuers that were asked for.

use super::by_label::CountersBy;

/// What came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyReads {
    /// Keys.
    Read,
    /// Nothing, or nothing of use.
    Failed,
}

impl KeyReads {
    pub(crate) const ALL: [Self; 2] = [Self::Read, Self::Failed];

    /// The label.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Failed => "failed",
        }
    }
}

pub(crate) type KeyReadsCounter = CountersBy<KeyReads, { KeyReads::ALL.len() }>;
