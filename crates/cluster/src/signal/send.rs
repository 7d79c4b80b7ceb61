//! From a session of this node to the others: who a signal is for, and onto which links it goes.

use std::sync::Arc;

use smallvec::SmallVec;
use switchboard_protocol::client_message::Signal;
use switchboard_protocol::limits::NAME_BYTES_MAX;
use switchboard_protocol::server_message::{Done, Reason, Receiver, Undelivered};
use switchboard_protocol::{NodeId, PeerId};
use tokio::time::Duration;

use crate::backend::directory::Whom;
use crate::node::{Inner, Node};
use crate::observe::{KindClass, Observation};
use crate::room::Room;
use crate::sessions::local_session::LocalSession;
use crate::signal::unanswered::{Overloaded, Sought, Target, Unanswered};

/// The session is not in that room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a member of the room")]
pub struct NotAMember;

impl Node {
    /// Takes a signal. From now on each receiver is answered for, through the session's outbox. One that its client may
    /// have sent before (`repeated`), over another connection, may have arrived at somebody who is gone now.
    pub fn relay(
        &self,
        local: &Arc<LocalSession>,
        signal: &Signal<'_>,
        repeated: bool,
    ) -> Result<(), NotAMember> {
        let to = match &signal.to {
            None => To::All,
            Some(to) => match to.parse() {
                Ok(peer) => To::One(Whom::Peer(peer)),
                Err(_) => To::Nobody((**to).into()),
            },
        };
        self.0.relay(local, signal, to, repeated)
    }

    /// Takes a signal for whoever has that name in the room, whatever its `to` says.
    pub fn relay_to_name(
        &self,
        local: &Arc<LocalSession>,
        signal: &Signal<'_>,
        name: &str,
    ) -> Result<(), NotAMember> {
        let to = match name.len() {
            1..=NAME_BYTES_MAX => To::One(Whom::Name(name.into())),
            _ => To::Nobody(name.into()),
        };
        self.0.relay(local, signal, to, false)
    }
}

/// Whom a signal is for.
enum To {
    /// Every other member.
    All,
    One(Whom),
    /// What can be nobody's id.
    Nobody(Arc<str>),
}

/// The same, as far as this node knows the room.
enum Addressees {
    Members(SmallVec<[Target; 1]>),
    /// The roster here does not have it.
    Unknown(Whom),
    /// Nobody that it could be for.
    Nobody(Receiver),
}

impl Inner {
    fn relay(
        self: &Arc<Self>,
        local: &Arc<LocalSession>,
        signal: &Signal<'_>,
        to: To,
        repeated: bool,
    ) -> Result<(), NotAMember> {
        let shared = self.rooms.get(&signal.room).ok_or(NotAMember)?;
        // Held until the signal is in the table, so that a receiver whose node dies meanwhile is answered for.
        let room = shared.lock();
        if room.roster().is_none() || room.local(&local.peer).is_none() {
            return Err(NotAMember);
        }
        let is_broadcast = matches!(to, To::All);
        let targets = match addressees(&room, local, to) {
            Addressees::Members(targets) => targets,
            Addressees::Unknown(whom) => {
                let sought = Sought::new(whom, repeated);
                self.relay_sought((&shared, room), local, signal, sought);
                return Ok(());
            }
            Addressees::Nobody(receiver) => {
                let reason = match receiver {
                    Receiver::Peer(_) if repeated => Reason::Unconfirmed,
                    Receiver::Peer(_) | Receiver::Nobody(_) => Reason::NoSuchPeer,
                };
                self.undelivered(local, signal, receiver, reason);
                return Ok(());
            }
        };
        if is_broadcast {
            local.tell(Done {
                re: signal.id,
                to: Some(visible(&targets).into_vec()),
            });
        }
        self.relay_to_members(&room, local, (signal, targets), repeated);
        Ok(())
    }

    fn relay_to_members(
        &self,
        room: &Room,
        local: &Arc<LocalSession>,
        (signal, mut targets): (&Signal<'_>, SmallVec<[Target; 1]>),
        repeated: bool,
    ) {
        let max = &self.settings.in_flight;
        let mut unanswered = local.unanswered.lock();
        let bytes = signal.payload.bytes.len();
        let overloaded = unanswered.take_out_overloaded(&mut targets, bytes, max);
        let mut refused = visible(&overloaded);
        for peer in unanswered.aim(&mut targets) {
            if let Some(member) = room.roster().and_then(|roster| roster.member(&peer)) {
                self.retarget(local, &mut unanswered, member);
            }
        }
        for target in &mut targets {
            // It may have arrived the first time, whatever becomes of it now.
            target.sent_elsewhere = repeated;
        }
        let (nodes, receivers) = (nodes_of(&targets), visible(&targets));
        if !targets.is_empty() {
            let taken_in = (room.id(), room.revision());
            match unanswered.take(signal, taken_in, targets, max) {
                Ok(()) => {
                    for to in nodes {
                        unanswered.queue((local.peer, local.epoch), &self.links.to(&to));
                    }
                    self.watch(local, &mut unanswered);
                }
                Err(Overloaded) => refused.extend(receivers),
            }
        }
        drop(unanswered);
        let reason = match repeated {
            true => Reason::Unconfirmed,
            false => Reason::Overloaded,
        };
        for peer in refused {
            self.undelivered(local, signal, Receiver::Peer(peer), reason);
        }
    }

    /// From now on the sweeper looks after the session's signals.
    pub(crate) fn watch(&self, local: &Arc<LocalSession>, unanswered: &mut Unanswered) {
        if !std::mem::replace(&mut unanswered.watched, true) {
            self.waiting.lock().push(local.clone());
        }
    }
}

/// Those for whom the sender is told an answer.
fn visible(targets: &[Target]) -> SmallVec<[PeerId; 1]> {
    let visible = targets.iter().filter(|target| !target.silent);
    visible.map(|target| target.peer).collect()
}

fn addressees(room: &Room, local: &LocalSession, to: To) -> Addressees {
    let whom = match to {
        To::All => {
            let roster = room.roster().into_iter();
            let members = roster.flat_map(|roster| roster.members());
            let others = members.filter(|member| member.peer != local.peer);
            return Addressees::Members(others.map(Target::of).collect());
        }
        To::One(whom) => whom,
        To::Nobody(text) => return Addressees::Nobody(Receiver::Nobody(text)),
    };
    match room.known(&whom) {
        Some(member) if member.peer == local.peer => Addressees::Nobody(Receiver::Peer(local.peer)),
        Some(member) => Addressees::Members(SmallVec::from_iter([Target::of(member)])),
        None if whom == Whom::Peer(local.peer) => Addressees::Nobody(Receiver::Peer(local.peer)),
        None => Addressees::Unknown(whom),
    }
}

fn nodes_of(targets: &[Target]) -> SmallVec<[NodeId; 1]> {
    let mut nodes: SmallVec<[NodeId; 1]> = SmallVec::new();
    for target in targets.iter().filter(|target| !target.held) {
        if !nodes.contains(&target.node) {
            nodes.push(target.node.clone());
        }
    }
    nodes
}

impl Inner {
    pub(crate) fn undelivered(
        &self,
        local: &LocalSession,
        signal: &Signal<'_>,
        to: Receiver,
        reason: Reason,
    ) {
        let kind = KindClass::of(&signal.kind);
        self.observe.observe(Observation::Answered {
            kind,
            outcome: Err(reason),
            after: Duration::ZERO,
        });
        local.tell(Undelivered {
            id: signal.id,
            to: SmallVec::from_iter([to]),
            reason,
        });
    }
}
