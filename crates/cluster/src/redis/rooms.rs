//! Rooms: one script for each call, in the slot of the room's bucket.

use bytes::Bytes;
use fred::interfaces::KeysInterface;
use fred::types::{SetOptions, Value};
use switchboard_protocol::{NodeId, PeerId, RoomId};

use super::directory::RedisDirectory;
use super::failure::Failure;
use super::keys::encode_user;
use super::record::{self, flags_text, tail};
use super::reply::Reply;
use super::script::{ROOM_JOIN, ROOM_LEAVE, ROOM_ROSTER, ROOM_UPDATE};
use crate::bucket::Bucket;
use crate::directory::{JoinOutcome, JoinRequest, LeaveOutcome, UpdateOutcome};
use crate::record::{Epoch, MemberRecord, Profile, RosterSnapshot};

impl RedisDirectory {
    pub(super) async fn join_room(&self, join: &JoinRequest) -> Result<JoinOutcome, Failure> {
        let keys = self.keys.room(&join.room);
        let args: Vec<Value> = vec![
            join.peer.as_str().into(),
            join.epoch.to_string().into(),
            join.node.as_str().into(),
            flags_text(join.flags).into(),
            encode_user(&join.user).into(),
            join.capacity.to_string().into(),
            flag(join.may_create),
            Value::Bytes(tail(&join.profile)),
        ];
        let keys = [
            &keys.members,
            &keys.roster,
            &keys.meta,
            &keys.revision,
            &keys.alive,
        ]
        .map(String::as_str);
        let mut reply = self.commands.run(&ROOM_JOIN, &keys, args).await?;
        match &*reply.text()? {
            "joined" => Ok(JoinOutcome::Joined(snapshot(&mut reply)?)),
            "full" => Ok(JoinOutcome::Full {
                capacity: capacity(&mut reply)?,
            }),
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
        let keys = [
            &keys.members,
            &keys.roster,
            &keys.meta,
            &keys.revision,
            &keys.alive,
        ]
        .map(String::as_str);
        let mut reply = self.commands.run(&ROOM_LEAVE, &keys, args).await?;
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
                changed: reply.number()? == 1,
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

    pub(super) async fn mark_alive(&self, bucket: Bucket) -> Result<(), Failure> {
        let key = self.keys.alive(bucket);
        let _: Value = self
            .commands
            .client()?
            .set(key, "1", None, Some(SetOptions::NX), false)
            .await?;
        Ok(())
    }
}

/// A yes or no for a script.
pub(super) fn flag(set: bool) -> Value {
    if set { "1".into() } else { "0".into() }
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
