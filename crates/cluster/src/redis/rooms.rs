//! Rooms: one script for each call, in the slot of the room's bucket.

use bytes::Bytes;
use fred::types::Value;
use switchboard_protocol::{NodeId, PeerId, RoomId};

use super::directory::RedisDirectory;
use super::failure::Failure;
use super::keys::encode_user;
use super::record::{self, flags_text, tail};
use super::reply::Reply;
use super::script::{ROOM_ASSERT, ROOM_JOIN, ROOM_LEAVE, ROOM_ROSTER, ROOM_TAKE_OVER, ROOM_UPDATE};
use crate::directory::{
    AssertMember, AssertOutcome, Claim, JoinOutcome, JoinRequest, LeaveOutcome, TakeOver,
    TakeOverOutcome, UpdateOutcome,
};
use crate::record::{Epoch, MemberRecord, Profile, RosterSnapshot};

impl RedisDirectory {
    pub(super) async fn join_room(&self, join: &JoinRequest) -> Result<JoinOutcome, Failure> {
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
            Value::Bytes(tail(&join.profile)),
            claim.into(),
            name.into(),
        ];
        let mut reply = self.commands.run(&ROOM_JOIN, &keys.all(), args).await?;
        match &*reply.text()? {
            "joined" => Ok(JoinOutcome::Joined {
                evicted: members(reply.list()?)?.pop(),
                roster: snapshot(&mut reply)?,
            }),
            "full" => Ok(JoinOutcome::Full {
                capacity: capacity(&mut reply)?,
            }),
            "taken" => Ok(JoinOutcome::NameTaken),
            "none" => Ok(JoinOutcome::NoSuchRoom),
            "stale" => Ok(JoinOutcome::Stale {
                known: reply.number()?,
            }),
            _ => Err(reply.odd()),
        }
    }

    pub(super) async fn leave_room(
        &self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
    ) -> Result<LeaveOutcome, Failure> {
        let keys = self.keys.room(room);
        let args: Vec<Value> = vec![peer.as_str().into(), epoch.to_string().into()];
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

    pub(super) async fn update_member(
        &self,
        room: &RoomId,
        peer: &PeerId,
        epoch: Epoch,
        profile: &Profile,
    ) -> Result<UpdateOutcome, Failure> {
        let keys = self.keys.room(room);
        let args: Vec<Value> = vec![
            peer.as_str().into(),
            epoch.to_string().into(),
            Value::Bytes(tail(profile)),
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
            _ => Err(reply.odd()),
        }
    }

    pub(super) async fn read_room(&self, room: &RoomId) -> Result<RosterSnapshot, Failure> {
        let keys = self.keys.room(room);
        let keys = [&keys.roster, &keys.meta, &keys.alive].map(String::as_str);
        let mut reply = self.commands.run(&ROOM_ROSTER, &keys, Vec::new()).await?;
        match &*reply.text()? {
            "roster" => snapshot(&mut reply),
            _ => Err(reply.odd()),
        }
    }

    pub(super) async fn take_over_member(
        &self,
        wish: &TakeOver,
    ) -> Result<TakeOverOutcome, Failure> {
        let keys = self.keys.room(&wish.room);
        let args: Vec<Value> = vec![
            wish.peer.as_str().into(),
            wish.epoch.to_string().into(),
            wish.node.as_str().into(),
            flag(wish.away),
        ];
        let keys = [&keys.members, &keys.roster, &keys.meta, &keys.alive].map(String::as_str);
        let mut reply = self.commands.run(&ROOM_TAKE_OVER, &keys, args).await?;
        match &*reply.text()? {
            "taken" => Ok(TakeOverOutcome::Taken {
                changed: reply.flag()?,
                roster: snapshot(&mut reply)?,
            }),
            "none" => Ok(TakeOverOutcome::NotAMember),
            "stale" => Ok(TakeOverOutcome::Stale {
                known: reply.number()?,
            }),
            _ => Err(reply.odd()),
        }
    }

    pub(super) async fn assert_room_member(
        &self,
        assert: &AssertMember,
    ) -> Result<AssertOutcome, Failure> {
        let keys = self.keys.room(&assert.room);
        let member = &assert.member;
        let args: Vec<Value> = vec![
            member.peer.as_str().into(),
            member.epoch.to_string().into(),
            member.node.as_str().into(),
            member.order.to_string().into(),
            flags_text(member.flags).into(),
            encode_user(&member.user).into(),
            member.joined_at.to_string().into(),
            Value::Bytes(tail(&member.profile)),
            assert.revision.to_string().into(),
            assert.ready.to_string().into(),
            assert.capacity.to_string().into(),
            assert.order_max.to_string().into(),
            flag(assert.lift),
            member.profile.name.as_deref().unwrap_or_default().into(),
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
            _ => Err(reply.odd()),
        }
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
    let claim = match claim {
        Claim::IfFree => "free",
        Claim::FromSameUser => "own",
        Claim::FromAnybody => "any",
    };
    (claim, name)
}

/// `revision ready capacity {peer, record, …}`.
fn snapshot(reply: &mut Reply) -> Result<RosterSnapshot, Failure> {
    let (revision, ready, capacity) = (reply.number()?, reply.number()?, capacity(reply)?);
    let members = members(reply.list()?)?;
    Ok(RosterSnapshot::of(revision, ready, capacity, members))
}

fn members(fields: Vec<Bytes>) -> Result<Vec<MemberRecord>, Failure> {
    let (pairs, _) = fields.as_chunks::<2>();
    pairs
        .iter()
        .map(|[peer, text]| record::read(peer, text))
        .collect()
}

fn capacity(reply: &mut Reply) -> Result<u32, Failure> {
    u32::try_from(reply.number()?).map_err(|_| reply.odd())
}

fn nodes(reply: &mut Reply) -> Result<Vec<NodeId>, Failure> {
    let node = |bytes: &Bytes| std::str::from_utf8(bytes).ok()?.parse().ok();
    reply
        .list()?
        .iter()
        .map(node)
        .collect::<Option<_>>()
        .ok_or_else(|| reply.odd())
}
