//! What an operator may want to count. The gateway turns observations into metrics; this crate knows none.

pub(crate) mod about;
pub(crate) mod record_kind;
pub(crate) mod repeated;
pub(crate) mod unreadable;

use std::time::Duration;

use switchboard_protocol::server_message::{LeaveReason, Reason};

use crate::observe::record_kind::RecordKind;
use crate::tasks::Task;

/// Takes observations, on the path of a signal: must be quick and must not block.
pub trait Observe: Send + Sync + 'static {
    /// Something happened.
    fn observe(&self, observation: Observation);
}

/// Kinds of signals, as a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KindClass {
    /// `offer`
    Offer,
    /// `answer`
    Answer,
    /// `candidate`
    Candidate,
    /// Any word of an application.
    Other,
}

impl KindClass {
    /// The class of a kind.
    pub fn of(kind: &str) -> Self {
        match kind {
            "offer" => Self::Offer,
            "answer" => Self::Answer,
            "candidate" => Self::Candidate,
            _ => Self::Other,
        }
    }
}

/// What became of a wish to resume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResumeOutcome {
    /// The session goes on.
    Resumed,
    /// A wrong or outdated secret, or a session that is no more.
    Refused,
    /// Another connection was faster.
    Superseded,
    /// The directory could not tell.
    Unavailable,
}

impl ResumeOutcome {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Resumed,
        Self::Refused,
        Self::Superseded,
        Self::Unavailable,
    ];

    /// In one word, for a label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resumed => "resumed",
            Self::Refused => "refused",
            Self::Superseded => "superseded",
            Self::Unavailable => "unavailable",
        }
    }
}

/// Why a session without a connection ends before its window does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AwayEnd {
    /// Its user came with a new one and had as many as allowed.
    UserLimit,
    /// Those that this node keeps would have been over their bound.
    Bytes,
}

impl AwayEnd {
    /// Both.
    pub const ALL: [Self; 2] = [Self::UserLimit, Self::Bytes];

    /// In one word, for a label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UserLimit => "sessions-per-user",
            Self::Bytes => "away-bytes",
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Observation {
    /// A local sender's signal was answered for one receiver: `Ok` delivered.
    Answered {
        /// What it was.
        kind: KindClass,
        /// How it ended.
        outcome: Result<(), Reason>,
        /// Since it was taken.
        after: Duration,
    },
    /// A signal was put into a local session's outbox.
    HandedOn,
    /// A signal for a local session came again, or for one that is not here.
    Refused,
    /// A new frame went out.
    FramePublished {
        /// So many envelopes.
        envelopes: u32,
    },
    /// Another node has a frame.
    FrameConfirmed {
        /// So many envelopes.
        envelopes: u32,
        /// Since the first of them was queued.
        after: Duration,
    },
    /// A frame went out once more.
    FrameRepeated,
    /// The bus refused a frame, or did not answer.
    PublishFailed,
    /// A frame came that is not authentic or not readable.
    FrameRejected,
    /// A link forgot what it had and started again.
    LinkReset,
    /// What is unanswered by one node was queued again, and revisions were compared.
    Resync,
    /// The bus may have lost frames.
    BusGap,
    /// A member was looked up before its absence was said.
    MemberLookedUp,
    /// A room was read again because a step of its roster was missed.
    RosterFetched,
    /// A call to the directory failed.
    DirectoryFailed,
    /// This node raised its lease.
    LeaseRenewed,
    /// A client asked to resume its session.
    Resume(ResumeOutcome),
    /// The directory had lost something, and this node wrote it again.
    Restored,
    /// The lease could not be raised or read.
    LeaseFailed,
    /// Another node took this one for dead, or its lease is forgotten.
    LeaseLost,
    /// This node cleaned up after a dead one.
    NodeReaped,
    /// A session without a connection ended before its window did.
    AwayEnded(AwayEnd),
    /// A session of this node ended because it is revoked.
    SessionRevoked,
    /// A member left a room, seen by the node that wrote it.
    MemberLeft(LeaveReason),
    /// A member joined a room, seen by the node that wrote it.
    MemberJoined,
    /// Something panicked.
    Panicked(Task),
    /// Something in the directory, or said by another node, was skipped: it cannot be read.
    Unreadable(RecordKind),
}

/// Observes nothing.
impl Observe for () {
    fn observe(&self, _: Observation) {}
}
