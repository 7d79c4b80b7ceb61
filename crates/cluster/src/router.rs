//! From a session of this node to the others: who a signal is for, and onto which links it goes.

use std::sync::Arc;

use smallvec::SmallVec;
use switchboard_protocol::client_message::Signal;
use switchboard_protocol::server_message::{Done, Reason, Receiver, Undelivered};
use switchboard_protocol::{NodeId, PeerId};
use tokio::time::Duration;

use crate::local::Local;
use crate::node::{Inner, Node};
use crate::observe::{KindClass, Observation};
use crate::room::Room;
use crate::unanswered::{Overloaded, Target};

/// The session is not in that room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a member of the room")]
pub struct NotAMember;

impl Node {
    /// Takes a signal. From now on each receiver is answered for, through the session's outbox. One that its client may
    /// have sent before (`repeated`), over another connection, may have arrived at somebody who is gone now.
    pub fn relay(
        &self,
        local: &Arc<Local>,
        signal: &Signal<'_>,
        repeated: bool,
    ) -> Result<(), NotAMember> {
        let node = &self.0;
        let room = node.rooms.get(&signal.room).ok_or(NotAMember)?;
        // Held until the signal is in the table, so that a receiver whose node dies meanwhile is answered for.
        let room = room.lock();
        let (mut targets, unknown) = addressees(&room, local, signal)?;
        if let Some(unknown) = unknown {
            let reason = match unknown {
                Receiver::Peer(_) if repeated => Reason::Unconfirmed,
                Receiver::Peer(_) | Receiver::Nobody(_) => Reason::NoSuchPeer,
            };
            node.undelivered(local, signal, unknown, reason);
            return Ok(());
        }
        let visible = || {
            targets
                .iter()
                .filter(|target| !target.silent)
                .map(|target| target.peer)
        };
        if signal.to.is_none() {
            local.tell(Done {
                re: signal.id,
                to: Some(visible().collect()),
            });
        }
        if targets.is_empty() {
            return Ok(());
        }
        let receivers: SmallVec<[PeerId; 1]> = visible().collect();
        let taken_in = (room.id(), room.revision());
        let mut unanswered = local.unanswered.lock();
        for peer in unanswered.aim(&mut targets) {
            if let Some(member) = room.roster().and_then(|roster| roster.member(&peer)) {
                node.retarget(local, &mut unanswered, member);
            }
        }
        for target in &mut targets {
            // It may have arrived the first time, whatever becomes of it now.
            target.sent_elsewhere = repeated;
        }
        let nodes = nodes_of(&targets);
        if let Err(Overloaded) =
            unanswered.take(signal, taken_in, targets, &node.settings.in_flight)
        {
            drop(unanswered);
            let reason = match repeated {
                true => Reason::Unconfirmed,
                false => Reason::Overloaded,
            };
            for peer in receivers {
                node.undelivered(local, signal, Receiver::Peer(peer), reason);
            }
            return Ok(());
        }
        for to in nodes {
            unanswered.queue((local.peer, local.epoch), &node.link(&to));
        }
        if !std::mem::replace(&mut unanswered.watched, true) {
            node.waiting.lock().push(local.clone());
        }
        Ok(())
    }
}

/// Whom a signal is for; or what it names instead of a member.
fn addressees(
    room: &Room,
    local: &Local,
    signal: &Signal<'_>,
) -> Result<(SmallVec<[Target; 1]>, Option<Receiver>), NotAMember> {
    let roster = room
        .roster()
        .filter(|_| room.local(&local.peer).is_some())
        .ok_or(NotAMember)?;
    let target = |member: &crate::record::MemberRecord| Target {
        peer: member.peer,
        epoch: member.epoch,
        node: member.node.clone(),
        silent: member.flags.hidden,
        queued: None,
        sent: false,
        sent_elsewhere: false,
        held: member.flags.away,
    };
    let Some(to) = &signal.to else {
        let others = roster.members().filter(|member| member.peer != local.peer);
        return Ok((others.map(target).collect(), None));
    };
    let Ok(peer) = to.parse::<PeerId>() else {
        return Ok((SmallVec::new(), Some(Receiver::Nobody((**to).into()))));
    };
    match roster
        .member(&peer)
        .filter(|member| !member.flags.hidden && member.peer != local.peer)
    {
        Some(member) => Ok((SmallVec::from_iter([target(member)]), None)),
        None => Ok((SmallVec::new(), Some(Receiver::Peer(peer)))),
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
    fn undelivered(&self, local: &Local, signal: &Signal<'_>, to: Receiver, reason: Reason) {
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
