//! Why an assertion did not succeed.

use tokio::task::JoinError;

use crate::backend::directory::DirectoryError;
use crate::backend::leases::LeaseError;

/// Why a cycle was broken off.
#[derive(Debug, thiserror::Error)]
pub(super) enum AssertError {
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    #[error(transparent)]
    Leases(#[from] LeaseError),
    #[error("a task ended early: {0}")]
    Task(#[from] JoinError),
}

/// A room that is being filled takes no step but assertions: any other is for the cycle after it has opened.
pub(super) fn once_filled(done: Result<(), DirectoryError>) -> Result<(), DirectoryError> {
    match done {
        Err(DirectoryError::Forgotten) => Ok(()),
        done => done,
    }
}
