//! A directory that does what servers do: answers get lost, calls fail, or take their time.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;
use switchboard_cluster::bucket::Bucket;
use switchboard_cluster::directory::{
    Admission, Admitted, AssertMember, AssertOutcome, AssertPeerOutcome, Attach, AttachOutcome,
    BucketDirectory, CutOff, JoinOutcome, JoinRequest, LeaveOutcome, LostEntries, NewRevocation,
    PeerDirectory, PeerOrName, Presence, Rename, RenameOutcome, Restored, RevocationDirectory,
    RoomDirectory, Sighting, TakeOver, TakeOverOutcome, UpdateOutcome,
};
use switchboard_cluster::record::{Epoch, PeerRecord, RosterSnapshot};
use switchboard_cluster::revocation::{Credential, LogPage, LogPosition, Revocation};
use switchboard_cluster::{Directory, DirectoryError, Profile};
use switchboard_protocol::{NodeId, PeerId, RoomId, UserId};
use tokio::sync::oneshot;

/// What happens to one call.
enum Fault {
    /// It has no effect.
    Fails,
    /// It has its effect, and nobody hears of it.
    LosesAnswer,
    /// It waits before it has its effect.
    Waits(oneshot::Sender<()>, oneshot::Receiver<()>),
    /// It has its effect at once, and its answer waits.
    AnswersLate(oneshot::Sender<()>, oneshot::Receiver<()>),
    /// It finds something unreadable.
    Corrupt,
    /// It panics.
    Panics,
}

/// What follows the call.
enum Then {
    Answer,
    AnswerLate(oneshot::Sender<()>, oneshot::Receiver<()>),
    Nothing,
}

/// A call that waits.
pub(crate) struct Waiting {
    begun: oneshot::Receiver<()>,
    go_on: oneshot::Sender<()>,
}

impl Waiting {
    /// Waits until the call has come.
    pub(crate) async fn begun(&mut self) {
        (&mut self.begun).await.expect("the call comes");
    }

    /// Lets the call go on.
    pub(crate) fn go_on(self) {
        // Whoever called may have given up.
        let _ = self.go_on.send(());
    }
}

/// Wraps a good one. Calls are named as the methods are.
pub(crate) struct FaultyDirectory {
    inner: Arc<dyn Directory>,
    faults: Mutex<HashMap<&'static str, VecDeque<Fault>>>,
    calls: Mutex<HashMap<&'static str, usize>>,
    cut: AtomicBool,
}

impl FaultyDirectory {
    pub(crate) fn new(inner: Arc<dyn Directory>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            faults: Mutex::default(),
            calls: Mutex::default(),
            cut: AtomicBool::new(false),
        })
    }

    /// Cuts the directory off, or mends it.
    pub(crate) fn cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::Relaxed);
    }

    /// How many such calls there were.
    pub(crate) fn calls(&self, call: &str) -> usize {
        self.calls.lock().get(call).copied().unwrap_or_default()
    }

    /// The next such call fails.
    pub(crate) fn fail(&self, call: &'static str) {
        self.add(call, Fault::Fails);
    }

    /// The answer of the next such call is lost.
    pub(crate) fn lose_answer_of(&self, call: &'static str) {
        self.add(call, Fault::LosesAnswer);
    }

    /// The next such call waits before it does anything.
    pub(crate) fn hold(&self, call: &'static str) -> Waiting {
        let ((has_begun, begun), (go_on, may_go_on)) = (oneshot::channel(), oneshot::channel());
        self.add(call, Fault::Waits(has_begun, may_go_on));
        Waiting { begun, go_on }
    }

    /// The next such call has its effect, and its answer waits.
    pub(crate) fn hold_answer_of(&self, call: &'static str) -> Waiting {
        let ((has_begun, begun), (go_on, may_go_on)) = (oneshot::channel(), oneshot::channel());
        self.add(call, Fault::AnswersLate(has_begun, may_go_on));
        Waiting { begun, go_on }
    }

    /// The next such call finds something unreadable.
    pub(crate) fn corrupt(&self, call: &'static str) {
        self.add(call, Fault::Corrupt);
    }

    /// The next such call panics.
    pub(crate) fn panic_in(&self, call: &'static str) {
        self.add(call, Fault::Panics);
    }

    fn add(&self, call: &'static str, fault: Fault) {
        self.faults.lock().entry(call).or_default().push_back(fault);
    }

    async fn before(&self, call: &'static str) -> Result<Then, DirectoryError> {
        *self.calls.lock().entry(call).or_default() += 1;
        let no_answer = || Err(DirectoryError::Unavailable("no answer".into()));
        if self.cut.load(Ordering::Relaxed) {
            return no_answer();
        }
        let fault = self
            .faults
            .lock()
            .get_mut(call)
            .and_then(VecDeque::pop_front);
        match fault {
            None => Ok(Then::Answer),
            Some(Fault::Fails) => no_answer(),
            Some(Fault::LosesAnswer) => Ok(Then::Nothing),
            Some(Fault::Panics) => panic!("by a test, in {call}"),
            Some(Fault::Corrupt) => Err(DirectoryError::Corrupt("by a test".into())),
            Some(Fault::AnswersLate(has_begun, may_go_on)) => {
                Ok(Then::AnswerLate(has_begun, may_go_on))
            }
            Some(Fault::Waits(has_begun, may_go_on)) => {
                let _ = has_begun.send(());
                let _ = may_go_on.await;
                Ok(Then::Answer)
            }
        }
    }
}

macro_rules! faulty {
    ($part:ident { $($call:ident($($arg:ident: $type:ty),*) -> $answer:ty;)* }) => {
        #[async_trait]
        impl $part for FaultyDirectory {
            $(
                async fn $call(&self, $($arg: $type),*) -> Result<$answer, DirectoryError> {
                    let then = self.before(stringify!($call)).await?;
                    let answer = self.inner.$call($($arg),*).await;
                    let answer_is_lost = matches!(then, Then::Nothing);
                    if let Then::AnswerLate(has_begun, may_go_on) = then {
                        let _ = has_begun.send(());
                        let _ = may_go_on.await;
                    }
                    if answer_is_lost || self.cut.load(Ordering::Relaxed) {
                        return Err(DirectoryError::Unavailable("no answer".into()));
                    }
                    answer
                }
            )*
        }
    };
}

switchboard_cluster::each_directory_call!(faulty);
