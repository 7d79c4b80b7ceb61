//! A directory at the other end of a [`Path`].

use std::sync::Arc;

use async_trait::async_trait;
use switchboard_cluster::bucket::Bucket;
use switchboard_cluster::directory::{
    Admission, Admitted, AssertMember, AssertOutcome, AssertPeerOutcome, Attach, AttachOutcome,
    BucketDirectory, CutOff, JoinOutcome, JoinRequest, LeaveOutcome, LostEntries, NewRevocation,
    PeerDirectory, PeerOrName, Presence, Rename, RenameOutcome, Restored, RevocationDirectory,
    RoomDirectory, Sighting, TakeOver, TakeOverOutcome, UpdateOutcome,
};
use switchboard_cluster::record::{Epoch, PeerRecord, Profile, RosterSnapshot};
use switchboard_cluster::revocation::{Credential, LogPage, LogPosition, Revocation};
use switchboard_cluster::{Directory, DirectoryError};
use switchboard_protocol::{NodeId, PeerId, RoomId, UserId};

use crate::path::Path;

/// What one node has instead of the directory itself.
pub(crate) struct FakeDirectory {
    path: Arc<Path>,
    inner: Arc<dyn Directory>,
}

impl FakeDirectory {
    pub(crate) fn new(path: Arc<Path>, inner: Arc<dyn Directory>) -> Self {
        Self { path, inner }
    }

    async fn ask<T: Send + 'static>(
        &self,
        command: impl Future<Output = Result<T, DirectoryError>> + Send + 'static,
    ) -> Result<T, DirectoryError> {
        let answer = self.path.ask(command).await;
        answer.unwrap_or_else(|_| Err(DirectoryError::Unavailable("no answer".into())))
    }
}

/// Each call with arguments of its own: it may take effect when its caller has given up.
macro_rules! on_a_path {
    ($part:ident {
        $($name:ident($($argument:ident: $(&$lent:ident)? $($given:ident)?),*) -> $outcome:ty;)*
    }) => {
        #[async_trait]
        impl $part for FakeDirectory {$(
            async fn $name(
                &self,
                $($argument: $(&$lent)? $($given)?),*
            ) -> Result<$outcome, DirectoryError> {
                let inner = self.inner.clone();
                $(let $argument = $argument.to_owned();)*
                self.ask(async move {
                    inner.$name($(on_a_path!(@ $argument $(&$lent)?)),*).await
                }).await
            }
        )*}
    };
    (@ $argument:ident &$lent:ident) => { &$argument };
    (@ $argument:ident) => { $argument };
}

switchboard_cluster::each_directory_call!(on_a_path);
