//! What can go wrong between us and Redis.

use fred::error::{Error, ErrorKind};

use super::words::{in_words, is_refusal};
use crate::backend::bus::BusError;
use crate::backend::directory::DirectoryError;
use crate::backend::leases::LeaseError;

/// Why a call failed, before it is known whose call it was.
#[derive(Debug)]
pub(super) enum Failure {
    /// It was never sent: there is no connection.
    Unreachable(String),
    /// It was sent, and not answered or refused.
    Unanswered(String),
    /// The bucket has no marker.
    Forgotten,
    /// An answer or an entry that makes no sense here.
    Unreadable(String),
}

impl From<Error> for Failure {
    /// fred cancels what it has not sent, and what it refuses to queue it does not send either. What Redis refuses does not
    /// happen either, unless it is a part of a script; no call to the directory relies on it. Of all else that is
    /// not certain.
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::Canceled | ErrorKind::Backpressure => Self::Unreachable(in_words(&error)),
            _ if is_refusal(&error) => Self::Unreachable(in_words(&error)),
            // Another program wrote there: asking again does not help.
            _ if error.details().contains("WRONGTYPE") => Self::Unreadable(format!(
                "a key is of another type than this one writes: delete it ({})",
                error.details()
            )),
            _ => Self::Unanswered(in_words(&error)),
        }
    }
}

impl From<Failure> for DirectoryError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unreachable(why) | Failure::Unanswered(why) => Self::Unavailable(why),
            Failure::Forgotten => Self::Forgotten,
            Failure::Unreadable(what) => Self::Corrupt(what),
        }
    }
}

impl From<Error> for DirectoryError {
    fn from(error: Error) -> Self {
        Failure::from(error).into()
    }
}

impl From<Failure> for LeaseError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unreachable(why) | Failure::Unanswered(why) | Failure::Unreadable(why) => {
                Self(why)
            }
            Failure::Forgotten => Self(DirectoryError::Forgotten.to_string()),
        }
    }
}

impl From<Failure> for BusError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unreachable(why) => Self::Unreachable(why),
            failure => Self::Unanswered(LeaseError::from(failure).0),
        }
    }
}
