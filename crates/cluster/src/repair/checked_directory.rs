//! The directory as a node uses it: failures are counted, and whatever an answer says of lost memory is noticed, here and
//! nowhere else.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use switchboard_protocol::{NodeId, PeerId, RoomId, UserId};
use switchboard_traces::Traces;

use crate::backend::bucket::Bucket;
use crate::backend::directory::{
    Admission, Admitted, AssertMember, AssertOutcome, AssertPeerOutcome, Attach, AttachOutcome,
    BucketDirectory, CutOff, Directory, DirectoryError, JoinOutcome, JoinRequest, LeaveOutcome,
    LostEntries, NewRevocation, PeerDirectory, PeerOrName, Presence, Rename, RenameOutcome,
    Restored, RevocationDirectory, RoomDirectory, Sighting, TakeOver, TakeOverOutcome,
    UpdateOutcome,
};
use crate::backend::record::{Epoch, PeerRecord, Profile, RosterSnapshot};
use crate::backend::revocation::{Credential, LogPage, LogPosition, Revocation};
use crate::observe::about::About;
use crate::observe::{Observation, Observe};
use crate::repair::concerns::Concerns;
use crate::repair::doubt::Doubt;

/// A directory whose answers are looked at before the caller has them.
pub(crate) struct CheckedDirectory {
    inner: Arc<dyn Directory>,
    doubt: Arc<Doubt>,
    observe: Arc<dyn Observe>,
    traces: Traces,
}

impl CheckedDirectory {
    pub(crate) fn new(
        inner: Arc<dyn Directory>,
        doubt: Arc<Doubt>,
        observe: Arc<dyn Observe>,
        traces: Traces,
    ) -> Self {
        Self {
            inner,
            doubt,
            observe,
            traces,
        }
    }

    fn check(&self, call: &str, about: About<'_>, error: Option<&DirectoryError>) {
        let Some(error) = error else { return };
        self.observe.observe(Observation::DirectoryFailed);
        if *error == DirectoryError::Forgotten {
            self.doubt.note_forgotten();
        }
        tracing::debug!(
            session.id = about.session,
            room.id = about.room,
            node.id = about.node,
            call,
            %error,
            "the directory did not do as asked"
        );
    }

    /// An assertion that was ahead of the directory is a sign, and no failure.
    fn look_at(&self, answer: &dyn Any) {
        if let Some(AssertOutcome::Restored { behind: true, .. }) = answer.downcast_ref() {
            self.doubt.note_forgotten();
        }
    }
}

macro_rules! checked {
    ($part:ident { $($call:ident($($arg:ident: $type:ty),*) -> $answer:ty;)* }) => {
        #[async_trait]
        impl $part for CheckedDirectory {
            $(
                async fn $call(&self, $($arg: $type),*) -> Result<$answer, DirectoryError> {
                    let mut step = self.traces.step(stringify!($call));
                    let answer = self.inner.$call($($arg),*).await;
                    if let Some(step) = &mut step && answer.is_err() {
                        step.outcome("failed", true);
                    }
                    #[allow(unused_mut, reason = "some calls have no arguments")]
                    let mut about = About::default();
                    $($arg.add_to(&mut about);)*
                    self.check(stringify!($call), about, answer.as_ref().err());
                    answer.inspect(|answer| self.look_at(answer))
                }
            )*
        }
    };
}

crate::each_directory_call!(checked);
