//! Why a call to the directory fails.

/// Why a call could not be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// No answer. Whether the call took effect is unknown; it may be repeated.
    #[error("the directory cannot be reached: {0}")]
    Unavailable(String),
    /// The room's bucket lost its contents and is being filled again.
    #[error("the directory lost this part of its memory and is being filled again")]
    Forgotten,
    /// An entry that this version does not understand.
    #[error("the directory holds something unreadable: {0}")]
    Corrupt(String),
}
