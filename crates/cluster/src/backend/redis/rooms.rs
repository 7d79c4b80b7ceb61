//! Rooms: one script for each call, in the slot of the room's bucket.

use async_trait::async_trait;
use bytes::Bytes;
use fred::types::Value;
use switchboard_protocol::{NodeId, PeerId, RoomId};

use super::directory::RedisDirectory;
use super::failure::Failure;
use super::keys::encode_user;
use super::record::{self, ScriptRecord, flags_text, rest};
use super::reply::Reply;
use super::script::{
    ROOM_ASSERT, ROOM_JOIN, ROOM_LEAVE, ROOM_MEMBER, ROOM_RENAME, ROOM_ROSTER, ROOM_TAKE_OVER,
    ROOM_UPDATE,
};
use crate::backend::directory::{
    AssertMember, AssertOutcome, Claim, DirectoryError, JoinOutcome, JoinRequest, LeaveOutcome,
    PeerOrName, Place, REVISION_LEAP, Rename, RenameOutcome, RoomDirectory, Sighting, TakeOver,
    TakeOverOutcome, UpdateOutcome,
};
use crate::backend::record::{Epoch, MemberRecord, Profile, RosterSnapshot};
use crate::observe::about::About;
use crate::observe::record_kind::RecordKind;
use crate::observe::unreadable::read_one;

#[async_trait]
impl RoomDirectory for RedisDirectory {
    async fn join(&self, join: &JoinRequest) -> Result<JoinOutcome, DirectoryError> {
        let keys = self.keys.room(&join.room);
        let (claim, name) = claim_words(join);
        let args: Vec<Value> = vec![
            join.peer.as_str().into(),
            join.epoch.to_string().into(),
            join.node.as_str().into(),
            flags_text(join.flags).into(),
            encode_user(&join.user).into(),
            join.capacity.to_string().into(),
            flag(join.may_create),
            Value::Bytes(rest(&join.profile)),
            claim.into(),
            name.into(),
            flag(join.whole),
        ];
        let mut reply = self.commands.run(&ROOM_JOIN, &keys.all(), args).await?;
        match &*reply.text()? {
            "joined" => Ok(JoinOutcome::Joined {
                evicted: self.members(&join.room, reply.list()?).0.pop(),
                roster: self.snapshot(&join.room, &mut reply)?,
            }),
            "entered" => Ok(JoinOutcome::Entered {
                evicted: self.members(&join.room, reply.list()?).0.pop(),
                place: self.place(&join.room, &mut reply)?,
            }),
            "full" => Ok(JoinOutcome::Full {
                capacity: capacity(&mut reply)?,
            }),
            "taken" => Ok(JoinOutcome::NameTaken),
            "none" => Ok(JoinOutcome::NoSuchRoom),
            "stale" => Ok(JoinOutcome::Stale {
                known: reply.number()?,
            }),
            _ => Err(reply.odd().into()),
        }
    }

    async fn leave(
        &self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
    ) -> Result<LeaveOutcome, DirectoryError> {
        Ok(self.leave_room(room, peer, epoch, None).await?)
    }

    async fn leave_kept(
        &self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
        keeper: &NodeId,
    ) -> Result<LeaveOutcome, DirectoryError> {
        Ok(self.leave_room(room, peer, epoch, Some(keeper)).await?)
    }

    async fn update(
        &self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
        profile: &Profile,
    ) -> Result<UpdateOutcome, DirectoryError> {
        let keys = self.keys.room(room);
        let args: Vec<Value> = vec![
            peer.as_str().into(),
            epoch.to_string().into(),
            Value::Bytes(rest(profile)),
        ];
        let keys = [&keys.members, &keys.roster, &keys.meta, &keys.alive].map(String::as_str);
        let mut reply = self.commands.run(&ROOM_UPDATE, &keys, args).await?;
        match &*reply.text()? {
            "updated" => Ok(UpdateOutcome::Updated {
                revision: reply.number()?,
                changed: reply.flag()?,
                nodes: nodes(&mut reply)?,
            }),
            "none" => Ok(UpdateOutcome::NotAMember),
            _ => Err(reply.odd().into()),
        }
    }

    async fn rename(&self, rename: &Rename) -> Result<RenameOutcome, DirectoryError> {
        let keys = self.keys.room(&rename.room);
        let args: Vec<Value> = vec![
            rename.peer.as_str().into(),
            rename.epoch.to_string().into(),
            Value::Bytes(rest(&rename.profile)),
            claim_word(rename.claim).into(),
            rename.profile.name.as_deref().unwrap_or_default().into(),
        ];
        let keys = [&keys.members, &keys.roster, &keys.meta, &keys.alive].map(String::as_str);
        let mut reply = self.commands.run(&ROOM_RENAME, &keys, args).await?;
        match &*reply.text()? {
            "renamed" => Ok(RenameOutcome::Renamed {
                changed: reply.flag()?,
                evicted: self.members(&rename.room, reply.list()?).0.pop(),
                place: Box::new(self.place(&rename.room, &mut reply)?),
            }),
            "taken" => Ok(RenameOutcome::NameTaken),
            "none" => Ok(RenameOutcome::NotAMember),
            _ => Err(reply.odd().into()),
        }
    }

    async fn roster(&self, room: &RoomId) -> Result<RosterSnapshot, DirectoryError> {
        let keys = self.keys.room(room);
        let keys = [&keys.roster, &keys.meta, &keys.alive].map(String::as_str);
        let mut reply = self.commands.run(&ROOM_ROSTER, &keys, Vec::new()).await?;
        match &*reply.text()? {
            "roster" => Ok(self.snapshot(room, &mut reply)?),
            _ => Err(reply.odd().into()),
        }
    }

    async fn look_up(
        &self,
        room: &RoomId,
        wanted: &PeerOrName,
    ) -> Result<Sighting, DirectoryError> {
        let keys = self.keys.room(room);
        let keys = [&keys.members, &keys.roster, &keys.meta, &keys.alive].map(String::as_str);
        let (by, which) = match wanted {
            PeerOrName::Peer(peer) => ("peer", peer.as_str()),
            PeerOrName::Name(name) => ("name", &**name),
        };
        let args: Vec<Value> = vec![by.into(), which.into()];
        let mut reply = self.commands.run(&ROOM_MEMBER, &keys, args).await?;
        match &*reply.text()? {
            "member" => Ok(Sighting {
                revision: reply.number()?,
                member: self.one_member(room, reply.list()?)?,
            }),
            _ => Err(reply.odd().into()),
        }
    }

    async fn take_over(&self, wish: &TakeOver) -> Result<TakeOverOutcome, DirectoryError> {
        let keys = self.keys.room(&wish.room);
        let args: Vec<Value> = vec![
            wish.peer.as_str().into(),
            wish.epoch.to_string().into(),
            wish.node.as_str().into(),
            flag(wish.away),
            flag(wish.whole),
        ];
        let keys = [&keys.members, &keys.roster, &keys.meta, &keys.alive].map(String::as_str);
        let mut reply = self.commands.run(&ROOM_TAKE_OVER, &keys, args).await?;
        match &*reply.text()? {
            "taken" => Ok(TakeOverOutcome::Taken {
                changed: reply.flag()?,
                roster: self.snapshot(&wish.room, &mut reply)?,
            }),
            "moved" => Ok(TakeOverOutcome::Moved {
                changed: reply.flag()?,
                place: self.place(&wish.room, &mut reply)?,
            }),
            "none" => Ok(TakeOverOutcome::NotAMember),
            "stale" => Ok(TakeOverOutcome::Stale {
                known: reply.number()?,
            }),
            _ => Err(reply.odd().into()),
        }
    }

    async fn assert_member(&self, assert: &AssertMember) -> Result<AssertOutcome, DirectoryError> {
        let keys = self.keys.room(&assert.room);
        let member = &assert.member;
        let written = ScriptRecord::of(member);
        let args: Vec<Value> = vec![
            member.peer.as_str().into(),
            member.epoch.to_string().into(),
            member.node.as_str().into(),
            member.order.to_string().into(),
            written.flags.into(),
            encode_user(&member.user).into(),
            member.joined_at.to_string().into(),
            Value::Bytes(written.rest),
            assert.revision.to_string().into(),
            assert.ready.to_string().into(),
            assert.capacity.to_string().into(),
            assert.order_max.to_string().into(),
            flag(assert.lift),
            member.profile.name.as_deref().unwrap_or_default().into(),
            written.version.to_string().into(),
            flag(assert.own),
            REVISION_LEAP.to_string().into(),
        ];
        let mut reply = self.commands.run(&ROOM_ASSERT, &keys.all(), args).await?;
        match &*reply.text()? {
            "known" => Ok(AssertOutcome::Known {
                revision: reply.number()?,
            }),
            "restored" => Ok(AssertOutcome::Restored {
                revision: reply.number()?,
                behind: reply.flag()?,
                nodes: nodes(&mut reply)?,
            }),
            "stale" => Ok(AssertOutcome::Stale {
                known: reply.number()?,
            }),
            _ => Err(reply.odd().into()),
        }
    }
}

impl RedisDirectory {
    async fn leave_room(
        &self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
        keeper: Option<&NodeId>,
    ) -> Result<LeaveOutcome, Failure> {
        let keys = self.keys.room(room);
        let args: Vec<Value> = vec![
            peer.as_str().into(),
            epoch.to_string().into(),
            keeper.map(NodeId::as_str).unwrap_or_default().into(),
        ];
        let mut reply = self.commands.run(&ROOM_LEAVE, &keys.all(), args).await?;
        match &*reply.text()? {
            "left" => Ok(LeaveOutcome {
                changed: reply.flag()?,
                revision: reply.number()?,
                nodes: nodes(&mut reply)?,
            }),
            _ => Err(reply.odd()),
        }
    }

    /// `revision ready capacity {peer, record, …}`.
    fn snapshot(&self, room: &RoomId, reply: &mut Reply) -> Result<RosterSnapshot, Failure> {
        let (revision, ready, capacity) = (reply.number()?, reply.number()?, capacity(reply)?);
        let (members, unreadable) = self.members(room, reply.list()?);
        Ok(RosterSnapshot {
            unreadable,
            ..RosterSnapshot::of(revision, ready, capacity, members)
        })
    }

    /// One whose record cannot be read is not absent.
    fn one_member(
        &self,
        room: &RoomId,
        fields: Vec<Bytes>,
    ) -> Result<Option<MemberRecord>, Failure> {
        let (mut members, unreadable) = self.members(room, fields);
        match unreadable.first() {
            None => Ok(members.pop()),
            Some(peer) => Err(Failure::Unreadable(format!("the record of {peer}"))),
        }
    }

    /// Peer and record, one after another; then those of whose records not even the head can be read.
    fn members(&self, room: &RoomId, fields: Vec<Bytes>) -> (Vec<MemberRecord>, Vec<PeerId>) {
        let (pairs, _) = fields.as_chunks::<2>();
        let (mut members, mut unreadable) = (Vec::with_capacity(pairs.len()), Vec::new());
        for [field, text] in pairs {
            let peer: Option<PeerId> = std::str::from_utf8(field)
                .ok()
                .and_then(|peer| peer.parse().ok());
            let member = peer.and_then(|peer| read_one(|| record::read(peer, text)));
            if member.as_ref().is_none_or(|member| member.unread.is_some()) {
                let of_it = if member.is_some() {
                    "a part of the"
                } else {
                    "the"
                };
                let whose = String::from_utf8_lossy(field);
                let about = About {
                    session: Some(&whose),
                    ..About::room(room)
                };
                let what = format_args!("{of_it} record of {whose:?} in the roster of room {room}");
                self.unreadable.note(RecordKind::Member, about, what);
            }
            match (member, peer) {
                (Some(member), _) => members.push(member),
                (None, Some(peer)) => unreadable.push(peer),
                // Nobody's field: that is in no set.
                (None, None) => {}
            }
        }
        (members, unreadable)
    }

    /// `revision ready capacity order {peer, record} {node, …}`.
    fn place(&self, room: &RoomId, reply: &mut Reply) -> Result<Place, Failure> {
        let (revision, ready, capacity) = (reply.number()?, reply.number()?, capacity(reply)?);
        let order_max = reply.number()?;
        let member = self.members(room, reply.list()?).0.pop();
        Ok(Place {
            member: member.ok_or_else(|| reply.odd())?,
            revision,
            ready,
            capacity,
            order_max,
            nodes: nodes(reply)?,
        })
    }
}

/// A yes or no for a script.
pub(super) fn flag(set: bool) -> Value {
    if set { "1".into() } else { "0".into() }
}

/// How a join claims a name, and the name; both empty where it does not.
fn claim_words(join: &JoinRequest) -> (&'static str, &str) {
    let Some((claim, name)) = join.claimed() else {
        return ("", "");
    };
    (claim_word(claim), name)
}

fn claim_word(claim: Claim) -> &'static str {
    match claim {
        Claim::IfFree => "free",
        Claim::FromSameUser => "own",
        Claim::FromAnybody => "any",
    }
}

fn capacity(reply: &mut Reply) -> Result<u32, Failure> {
    u32::try_from(reply.number()?).map_err(|_| reply.odd())
}

/// One that is no node's id can be told nothing.
fn nodes(reply: &mut Reply) -> Result<Vec<NodeId>, Failure> {
    let node = |bytes: &Bytes| std::str::from_utf8(bytes).ok()?.parse().ok();
    Ok(reply.list()?.iter().filter_map(node).collect())
}
