//! What one node sends to another. Many envelopes travel in one [frame](crate::link::frame).
//!
//! ```text
//! envelope = tag (1 byte) · length of the body (4 bytes, little endian) · body (MessagePack, structs as arrays)
//! ```
//!
//! The length lets a node skip an envelope of a release newer than its own.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use switchboard_protocol::server_message::{LeaveReason, Reason};
use switchboard_protocol::{Encoding, PeerId, RoomId};

use crate::backend::record::{Epoch, MemberRecord, Profile};
use crate::backend::revocation::Revocation;

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub enum Envelope<'a> {
    /// A signal for sessions of the receiving node.
    Signal(SignalEnvelope<'a>),
    /// Answers to signals that the receiving node sent.
    Receipt(Receipt),
    /// A room changed.
    Roster(RosterChange),
    /// The revisions that the sending node has of rooms which both share.
    Revisions(Revisions),
    /// A session that was the receiving node's is another node's now.
    Moved(Moved),
    /// Something was revoked that sessions of the receiving node are to end for.
    Revoked(RevokedSessions),
}

/// A signal on its way, payload unread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignalEnvelope<'a> {
    /// The sending session.
    pub sender: PeerId,
    /// Its epoch.
    pub sender_epoch: Epoch,
    /// The sender's id for it, rising within its stream to each receiver.
    pub id: u64,
    /// Where both are members.
    pub room: &'a str,
    /// Of the roster by which the signal was taken: a node whose roster is older may not know the sender.
    pub revision: u64,
    /// Offer, answer, candidate or a word of the application.
    pub kind: &'a str,
    /// Of the payload.
    pub encoding: Encoding,
    /// As the sender's client wrote it.
    #[serde(with = "serde_bytes")]
    pub payload: &'a [u8],
    /// The sessions of the receiving node it is for.
    pub receivers: SmallVec<[(PeerId, Epoch); 1]>,
    /// W3C trace context.
    pub traceparent: Option<&'a str>,
}

/// What became of signals from one sender to one receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The sending session.
    pub sender: PeerId,
    /// Its epoch, as in the signals.
    pub sender_epoch: Epoch,
    /// The receiver.
    pub receiver: PeerId,
    /// Ids that arrived.
    pub delivered: SmallVec<[u64; 4]>,
    /// Ids that did not, and why.
    pub refused: SmallVec<[(u64, Reason); 1]>,
    /// Ids for an epoch whose connection is lost: they wait at the sender's node for the next one.
    pub moved: SmallVec<[MovedSignal; 1]>,
}

/// A signal that found no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovedSignal {
    /// The sender's id for it.
    pub id: u64,
    /// Of the receiver, as the signal named it.
    pub epoch: Epoch,
    /// Whether the receiver may have it all the same: a part, at least, was written to the lost connection.
    pub may_have: bool,
}

/// See [`Envelope::Moved`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// The session.
    pub peer: PeerId,
    /// Its epoch now.
    pub epoch: Epoch,
}

/// One step of a room's roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterChange {
    /// Which room.
    pub room: RoomId,
    /// The roster's revision after this step.
    pub revision: u64,
    /// The step.
    pub change: Change,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// A member came.
    Joined {
        /// Which.
        member: MemberRecord,
        /// This took the room from one visible member to two.
        ready: bool,
    },
    /// A member has another epoch, node or connection.
    Moved {
        /// The whole record.
        member: MemberRecord,
    },
    /// A member has another profile.
    Updated {
        /// Whose.
        peer: PeerId,
        /// The whole of it.
        profile: Profile,
    },
    /// A member is gone.
    Left {
        /// Who.
        peer: PeerId,
        /// Why.
        reason: LeaveReason,
    },
}

impl Change {
    /// The member.
    pub fn peer(&self) -> &PeerId {
        match self {
            Self::Joined { member, .. } | Self::Moved { member } => &member.peer,
            Self::Updated { peer, .. } | Self::Left { peer, .. } => peer,
        }
    }
}

/// See [`Envelope::Revisions`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revisions {
    /// Room and revision.
    pub rooms: Vec<(RoomId, u64)>,
    /// In answer to the other side's; no node answers an answer.
    pub answer: bool,
}

/// See [`Envelope::Revoked`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedSessions {
    /// What was.
    pub entry: Revocation,
    /// The sessions that the sending node found at the receiving one.
    pub sessions: Vec<PeerId>,
}

const HEAD: usize = 5;

impl Envelope<'_> {
    /// The trace that a signal is part of.
    pub(crate) fn traceparent(&self) -> Option<&str> {
        match self {
            Self::Signal(signal) => signal.traceparent,
            _ => None,
        }
    }

    /// Appends the envelope to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0; HEAD]);
        let (tag, written) = match self {
            Self::Signal(signal) => (b'S', rmp_serde::encode::write(out, signal)),
            Self::Receipt(receipt) => (b'R', rmp_serde::encode::write(out, receipt)),
            Self::Roster(change) => (b'M', rmp_serde::encode::write(out, change)),
            Self::Revisions(revisions) => (b'V', rmp_serde::encode::write(out, revisions)),
            Self::Moved(moved) => (b'O', rmp_serde::encode::write(out, moved)),
            Self::Revoked(revoked) => (b'X', rmp_serde::encode::write(out, revoked)),
        };
        written.expect("an envelope holds only what MessagePack can say, and a Vec takes it");
        let length =
            u32::try_from(out.len() - start - HEAD).expect("an envelope is far below 4 GiB");
        out[start] = tag;
        out[start + 1..start + HEAD].copy_from_slice(&length.to_le_bytes());
    }

    /// Reads the first envelope of `bytes`, and gives what follows it. `Ok(None)` stands for an envelope of a kind that this
    /// release does not know. One that cannot be read takes none of those behind it along, unless it is cut short.
    pub fn read(bytes: &[u8]) -> (Result<Option<Envelope<'_>>, BadEnvelope>, &[u8]) {
        let Some((tag, body, rest)) = split(bytes) else {
            return (Err(BadEnvelope::Cut), &[]);
        };
        let envelope = match tag {
            b'S' => parse(body).map(Envelope::Signal),
            b'R' => parse(body).map(Envelope::Receipt),
            b'M' => return (read_step(body).map(Some), rest),
            b'V' => parse(body).map(Envelope::Revisions),
            b'O' => parse(body).map(Envelope::Moved),
            b'X' => parse(body).map(Envelope::Revoked),
            _ => return (Ok(None), rest),
        };
        (envelope.map(Some).ok_or(BadEnvelope::Unknown), rest)
    }
}

/// Tag, body and what follows.
fn split(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let ([tag, length @ ..], rest) = bytes.split_first_chunk::<HEAD>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (body, rest) = rest.split_at_checked(length)?;
    Some((*tag, body, rest))
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Option<T> {
    rmp_serde::from_slice(body).ok()
}

/// A step of a later release may hold more, or be of another kind: its room and revision can be read all the same.
fn read_step(body: &[u8]) -> Result<Envelope<'_>, BadEnvelope> {
    if let Some(step) = parse(body) {
        return Ok(Envelope::Roster(step));
    }
    let head: Option<(RoomId, u64, IgnoredAny)> = parse(body);
    Err(match head {
        Some((room, revision, _)) => BadEnvelope::Step { room, revision },
        None => BadEnvelope::Unknown,
    })
}

/// An envelope that this release does not understand, or that is cut short.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadEnvelope {
    /// What follows in the frame is lost with it.
    #[error("an envelope is cut short")]
    Cut,
    /// Those behind it can be read.
    #[error("an envelope cannot be read")]
    Unknown,
    /// A step of a room's roster: that this revision exists is known by it.
    #[error("a step of the roster of room {room} cannot be read")]
    Step {
        /// The room.
        room: RoomId,
        /// After the step.
        revision: u64,
    },
}

#[cfg(test)]
mod tests {
    use smallvec::smallvec;

    use super::*;
    use crate::backend::record::{Flags, Unread};

    fn signal() -> Envelope<'static> {
        Envelope::Signal(SignalEnvelope {
            sender: PeerId::random(),
            sender_epoch: 1,
            id: 7,
            room: "r",
            revision: 12,
            kind: "offer",
            encoding: Encoding::Json,
            payload: b"{\"sdp\":\"v=0\"}",
            receivers: smallvec![(PeerId::random(), 3)],
            traceparent: None,
        })
    }

    #[test]
    fn envelopes_follow_one_another() {
        let receipt = Envelope::Receipt(Receipt {
            sender: PeerId::random(),
            sender_epoch: 2,
            receiver: PeerId::random(),
            delivered: smallvec![1, 2, 300],
            refused: smallvec![(4, Reason::Overloaded)],
            moved: smallvec![MovedSignal {
                id: 5,
                epoch: 2,
                may_have: true,
            }],
        });
        let signal = signal();
        let mut bytes = Vec::new();
        signal.write(&mut bytes);
        receipt.write(&mut bytes);
        let (first, rest) = Envelope::read(&bytes);
        let (second, rest) = Envelope::read(rest);
        assert_eq!((first, second), (Ok(Some(signal)), Ok(Some(receipt))));
        assert!(rest.is_empty());
    }

    #[test]
    fn flags_have_a_fourth_only_where_a_name_is_held() {
        let [unnamed, named] = [false, true].map(|named| Flags {
            resumable: true,
            named,
            ..Flags::default()
        });
        let written = |flags| rmp_serde::to_vec(&flags).expect("it can be written");
        let earlier = rmp_serde::to_vec(&(false, false, true)).expect("it can be written");
        assert_eq!(written(unnamed), earlier);
        for flags in [unnamed, named] {
            let read: Flags = rmp_serde::from_slice(&written(flags)).expect("it can be read");
            assert_eq!(read, flags);
        }
    }

    #[test]
    fn an_unknown_kind_is_skipped_and_a_cut_one_is_an_error() {
        let mut bytes = Vec::new();
        signal().write(&mut bytes);
        let cut = Envelope::read(&bytes[..bytes.len() - 1]);
        assert_eq!(cut, (Err(BadEnvelope::Cut), &[][..]));
        bytes[0] = b'?';
        assert_eq!(Envelope::read(&bytes), (Ok(None), &[][..]));
    }

    /// An envelope with this tag and body, and one that can be read behind it.
    fn before_a_signal(tag: u8, body: &impl Serialize) -> Vec<u8> {
        let body = rmp_serde::to_vec(body).expect("it can be written");
        let length = u32::try_from(body.len()).expect("it is short");
        let mut bytes = [&[tag][..], &length.to_le_bytes(), &body].concat();
        signal().write(&mut bytes);
        bytes
    }

    #[test]
    fn one_that_cannot_be_read_takes_none_of_the_others_along() {
        for tag in [b'S', b'R', b'M', b'V', b'O', b'X'] {
            let bytes = before_a_signal(tag, &"odd");
            let (odd, rest) = Envelope::read(&bytes);
            assert_eq!(odd, Err(BadEnvelope::Unknown));
            let (next, _) = Envelope::read(rest);
            assert!(matches!(next, Ok(Some(Envelope::Signal(_)))), "{next:?}");
        }
    }

    #[test]
    fn the_revision_of_a_step_that_a_later_release_writes_otherwise_is_known() {
        let room: RoomId = "r".parse().expect("a room id");
        let later = [("Renamed", "peer, and more")];
        let bytes = before_a_signal(b'M', &(&room, 12, later));
        let (step, _) = Envelope::read(&bytes);
        assert_eq!(step, Err(BadEnvelope::Step { room, revision: 12 }));
    }

    #[test]
    fn what_cannot_be_read_of_a_member_is_passed_on_as_it_is() {
        let plain = MemberRecord {
            peer: PeerId::random(),
            epoch: 1,
            node: "gw-a".parse().expect("a node id"),
            order: 1,
            flags: Flags::default(),
            user: "alice".parse().expect("a user id"),
            joined_at: 5,
            profile: Profile::default(),
            unread: None,
        };
        let later = MemberRecord {
            unread: Some(Box::new(Unread {
                version: 2,
                flags: "x".into(),
                rest: b"3:abc".to_vec(),
            })),
            ..plain.clone()
        };
        let written = |member: &MemberRecord| rmp_serde::to_vec(member).expect("it can be written");
        // As earlier releases read it: an array of eight.
        assert_eq!(written(&plain)[0], 0x98);
        for member in [plain, later] {
            let read: MemberRecord = rmp_serde::from_slice(&written(&member)).expect("readable");
            assert_eq!(read, member);
        }
    }
}
