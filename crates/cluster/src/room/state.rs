//! What this node knows of a room.

use std::collections::VecDeque;
use std::sync::Arc;

use switchboard_protocol::server_message::{LeaveReason, RoomSnapshot};
use switchboard_protocol::{NodeId, PeerId, RoomId};
use tokio::sync::oneshot;
use tokio::time::{Duration, Instant};

use crate::backend::directory::{AssertMember, PeerOrName};
use crate::backend::record::MemberRecord;
use crate::link::envelope::RosterChange;
use crate::room::roster::Roster;
use crate::sessions::local_session::LocalSession;

/// A missing step is waited for so long before the roster is read; twice as long before each further try.
pub(super) const READ_AFTER: Duration = Duration::from_millis(50);
const READ_PAUSE_MAX: Duration = Duration::from_secs(2);

/// A room with members on this node.
pub(crate) struct Room {
    pub(super) id: RoomId,
    /// `None` until the first join from this node was answered.
    pub(super) roster: Option<Roster>,
    /// Sessions of this node that were told `joined`, by peer id.
    pub(super) locals: Vec<Arc<LocalSession>>,
    pub(super) arrivals: Arrivals,
    /// What waits until the roster has a revision.
    pub(super) awaiting: Vec<(u64, oneshot::Sender<()>)>,
    /// Steps that wait for those before them.
    pub(super) out_of_order: VecDeque<RosterChange>,
    pub(super) highest: Highest,
    /// Members that are being looked up.
    pub(super) look_ups: Vec<LookUp>,
    /// Members that were looked up, each with the revision at which it was there, beyond the roster's.
    pub(super) sighted: Vec<(u64, MemberRecord)>,
    /// When to read the roster again: a step is missing.
    pub(super) read_at: Option<Instant>,
    pub(super) read_pause: Duration,
}

/// Sessions of this node that are about to be in the room.
#[derive(Default)]
pub(super) struct Arrivals {
    /// Those whose joins are under way, before the directory's answer. It may have them in already, and others know.
    pub(super) opening: Vec<PeerId>,
    /// While there is no roster: held by the one join that reads it. What comes at the same time waits, and needs no more
    /// than its own step then.
    pub(super) first: Option<Arc<tokio::sync::Mutex<()>>>,
    /// Joins the directory has carried out, waiting for the roster to reach their step.
    pub(super) joining: Vec<Joining>,
}

/// The highest revisions of the room, beside the roster's.
#[derive(Default)]
pub(super) struct Highest {
    /// That is known to exist.
    pub(super) known: u64,
    /// That any node told. The directory may have gone back in time since: reading what it has now does not lower this.
    pub(super) told: u64,
    /// That a node supposes which knows only that the roster here is wrong.
    pub(super) supposed: u64,
}

/// A join that the directory has carried out.
pub(super) struct Joining {
    pub(super) local: Arc<LocalSession>,
    pub(super) entry: EnteredBy,
    pub(super) revision: u64,
    pub(super) joined: oneshot::Sender<RoomSnapshot>,
}

/// A look-up under way, for all who ask.
pub(super) struct LookUp {
    pub(super) wanted: PeerOrName,
    pub(super) askers: Vec<Arc<LocalSession>>,
}

/// How a session of this node comes into a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EnteredBy {
    /// It joins, with this message id: it is told `joined`.
    Join(u64),
    /// It was in the room before, over another connection: it is told with its `welcome`.
    Resume,
}

/// Whether a signal that came for this room is from a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SenderKnown {
    /// It is.
    Yes,
    /// It may be: a step is missing.
    Perhaps,
    /// It is not.
    No,
}

/// What follows from a change, before anybody else gets at the room.
#[derive(Default)]
pub(crate) struct After {
    /// Sessions of this node that came in.
    pub(crate) entered: Vec<Arc<LocalSession>>,
    /// Members that came in, or have another name.
    pub(crate) joined: Vec<MemberRecord>,
    /// Members with another epoch, node or connection than before.
    pub(crate) moved: Vec<MemberRecord>,
    /// Members that are gone, and how.
    pub(crate) lost: Vec<(PeerId, LeaveReason)>,
}

impl Room {
    pub(crate) fn new(id: RoomId) -> Self {
        Self {
            id,
            roster: None,
            locals: Vec::new(),
            arrivals: Arrivals::default(),
            awaiting: Vec::new(),
            out_of_order: VecDeque::new(),
            highest: Highest::default(),
            look_ups: Vec::new(),
            sighted: Vec::new(),
            read_at: None,
            read_pause: READ_AFTER,
        }
    }

    pub(crate) fn id(&self) -> &RoomId {
        &self.id
    }

    pub(crate) fn roster(&self) -> Option<&Roster> {
        self.roster.as_ref()
    }

    /// What to assert of a member: also that there was a revision beyond the roster's. The directory may have forgotten it,
    /// and would give it again, to another change than the one that was told or waits here.
    pub(crate) fn place_of(&self, peer: &PeerId) -> Option<AssertMember> {
        let roster = self.roster.as_ref()?;
        Some(AssertMember {
            revision: self.highest.known.max(self.told()),
            ..roster.place(&self.id, roster.member(peer)?)
        })
    }

    /// The highest revision that anybody told of it, in whichever past of the directory.
    pub(crate) fn told(&self) -> u64 {
        self.highest.told.max(self.revision())
    }

    /// Of the roster; 0 before the first join from this node was answered.
    pub(crate) fn revision(&self) -> u64 {
        self.roster.as_ref().map_or(0, |roster| roster.revision)
    }

    pub(crate) fn locals(&self) -> &[Arc<LocalSession>] {
        &self.locals
    }

    pub(crate) fn local(&self, peer: &PeerId) -> Option<&Arc<LocalSession>> {
        self.locals
            .binary_search_by_key(peer, |local| local.peer)
            .ok()
            .map(|index| &self.locals[index])
    }

    /// The room's revision, if `node` has members in it as well.
    pub(crate) fn revision_shared_with(&self, node: &NodeId) -> Option<(RoomId, u64)> {
        let roster = self.roster.as_ref()?;
        roster
            .members()
            .any(|member| member.node == *node)
            .then(|| (self.id.clone(), self.highest.known.max(roster.revision)))
    }

    /// No session of this node is in it or about to be.
    pub(crate) fn is_unused(&self) -> bool {
        self.locals.is_empty()
            && self.arrivals.joining.is_empty()
            && self.arrivals.opening.is_empty()
    }

    /// When the roster should be read again, if a step is missing then still.
    pub(crate) fn read_at(&self) -> Option<Instant> {
        self.read_at
    }

    /// It is being read now; the next time is later.
    pub(crate) fn reading(&mut self) {
        self.read_pause = (self.read_pause * 2).min(READ_PAUSE_MAX);
        self.read_at = Some(Instant::now() + self.read_pause);
    }
}
