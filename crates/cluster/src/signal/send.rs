//! From a session of this node to the others: who a signal is for, and whether the sender is told at once that it reaches
//! no one. What is taken is [unanswered](crate::signal::unanswered) from then on.

use std::sync::Arc;

use switchboard_protocol::PeerId;
use switchboard_protocol::client_message::Signal;
use switchboard_protocol::limits::NAME_BYTES_MAX;
use switchboard_protocol::server_message::{Done, Reason, Receiver};

use crate::backend::directory::PeerOrName;
use crate::backend::record::MemberRecord;
use crate::node::{Inner, Node};
use crate::room::Room;
use crate::room::roster::Roster;
use crate::sessions::local_session::LocalSession;
use crate::signal::unanswered::sought::Sought;

/// The session is not in that room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a member of the room")]
pub struct NotAMember;

impl Node {
    /// Takes a signal. From now on each receiver is answered for, through the session's outbox. One that its client may
    /// have sent before (`repeated`), over another connection, may have arrived at a receiver that is gone now.
    pub fn relay(
        &self,
        local: &Arc<LocalSession>,
        signal: &Signal<'_>,
        repeated: bool,
    ) -> Result<(), NotAMember> {
        let to = match &signal.to {
            None => To::All,
            Some(to) => match to.parse() {
                Ok(peer) => To::One(PeerOrName::Peer(peer)),
                Err(_) => To::Nobody((**to).into()),
            },
        };
        self.0.send(local, (signal, repeated), to)
    }

    /// Takes a signal for the member that has that name in the room, whatever its `to` is.
    pub fn relay_to_name(
        &self,
        local: &Arc<LocalSession>,
        signal: &Signal<'_>,
        name: &str,
    ) -> Result<(), NotAMember> {
        let to = match name.len() {
            1..=NAME_BYTES_MAX => To::One(PeerOrName::Name(name.into())),
            _ => To::Nobody(name.into()),
        };
        self.0.send(local, (signal, false), to)
    }
}

/// The receivers of a signal, as its client names them.
enum To {
    /// Every other member.
    All,
    One(PeerOrName),
    /// Text that is no peer's id.
    Nobody(Arc<str>),
}

/// The same, as far as this node knows the room.
enum Addressees<'a> {
    Everyone,
    Member(&'a MemberRecord),
    /// The roster here does not have it.
    Unknown(PeerOrName),
    /// No receiver that it could be for.
    Nobody(Receiver),
}

impl Inner {
    fn send(
        self: &Arc<Self>,
        local: &Arc<LocalSession>,
        (signal, repeated): (&Signal<'_>, bool),
        to: To,
    ) -> Result<(), NotAMember> {
        let shared = self.rooms.get(&signal.room).ok_or(NotAMember)?;
        // Held until the signal is in the table, so that a receiver whose node dies meanwhile is answered for.
        let room = shared.lock();
        let roster = room.roster().filter(|_| room.local(&local.peer).is_some());
        let roster = roster.ok_or(NotAMember)?;
        match addressees(&room, local, to) {
            Addressees::Everyone => {
                let others = || others(roster, local);
                let visible = others().filter(|member| !member.flags.hidden);
                local.tell(Done {
                    re: signal.id,
                    to: Some(visible.map(|member| member.peer).collect()),
                });
                self.send_to(&room, roster, local, (signal, repeated), others());
            }
            Addressees::Member(member) => {
                let one = std::iter::once(member);
                self.send_to(&room, roster, local, (signal, repeated), one);
            }
            Addressees::Unknown(wanted) => {
                let sought = Sought::new(wanted, repeated);
                self.send_to_unknown((&shared, room), local, signal, sought);
            }
            Addressees::Nobody(to) => {
                self.tell_not_taken(local, (signal, repeated), to, Reason::NoSuchPeer);
            }
        }
        Ok(())
    }

    fn send_to<'a>(
        &self,
        room: &Room,
        roster: &Roster,
        local: &Arc<LocalSession>,
        (signal, repeated): (&Signal<'_>, bool),
        receivers: impl Iterator<Item = &'a MemberRecord>,
    ) {
        let mut unanswered = local.streams.unanswered.lock();
        let taken_in = (room.id(), roster);
        let refused = unanswered.relay(signal, taken_in, receivers, repeated, &self.links);
        self.signals.watch(local, &mut unanswered);
        drop(unanswered);
        for peer in refused {
            let to = Receiver::Peer(peer);
            self.tell_not_taken(local, (signal, repeated), to, Reason::Overloaded);
        }
    }
}

fn addressees<'a>(room: &'a Room, local: &LocalSession, to: To) -> Addressees<'a> {
    let wanted = match to {
        To::All => return Addressees::Everyone,
        To::One(wanted) => wanted,
        To::Nobody(text) => return Addressees::Nobody(Receiver::Nobody(text)),
    };
    match room.known(&wanted) {
        Some(member) if member.peer == local.peer => Addressees::Nobody(Receiver::Peer(local.peer)),
        Some(member) => Addressees::Member(member),
        None if wanted == PeerOrName::Peer(local.peer) => {
            Addressees::Nobody(Receiver::Peer(local.peer))
        }
        None => Addressees::Unknown(wanted),
    }
}

fn others<'a>(roster: &'a Roster, local: &LocalSession) -> impl Iterator<Item = &'a MemberRecord> {
    let own: PeerId = local.peer;
    roster.members().filter(move |member| member.peer != own)
}
