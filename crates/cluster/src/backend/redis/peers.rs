//! Sessions: who owns each, how many a user has, and what to clean up after a node.

use std::collections::HashMap;

use async_trait::async_trait;
use bytes::Bytes;
use fred::interfaces::{HashesInterface, SetsInterface};
use fred::types::Value;
use switchboard_protocol::{NodeId, PeerId, RoomId, UserId};

use super::credential;
use super::directory::RedisDirectory;
use super::failure::Failure;
use super::reply::{Reply, fields, into_bytes};
use super::rooms::flag;
use super::script::{
    PEER_ASSERT, PEER_ATTACH, PEER_AWAY, PEER_EVICT, PEER_FORGET, PEER_HAND_OVER, PEER_INTEND,
    PEER_PROVE, PEER_SHOWN, Script, USER_ADMIT,
};
use crate::backend::directory::{
    Admission, Admitted, AssertPeerOutcome, Attach, AttachOutcome, DirectoryError, PeerDirectory,
    Presence,
};
use crate::backend::record::{Epoch, PeerRecord};
use crate::backend::revocation::Credential;
use crate::observe::about::About;
use crate::observe::record_kind::RecordKind;
use crate::tasks::guard::caught;

#[async_trait]
impl PeerDirectory for RedisDirectory {
    /// A resume of a session that is not there asks before and after whether that may be Redis's fault: a marker that was
    /// there both times cannot have been missing in between, for it stays away for a lease.
    async fn attach(&self, attach: &Attach) -> Result<AttachOutcome, DirectoryError> {
        let peer = &attach.peer;
        let remembered = attach.shown.is_none() || self.remembers(peer).await?;
        let outcome = self.try_attach(attach).await?;
        let unknown = outcome == AttachOutcome::Unknown;
        if unknown && !(remembered && self.remembers(peer).await?) {
            return Err(DirectoryError::Forgotten);
        }
        Ok(outcome)
    }

    async fn prove(&self, peer: &PeerId, epoch: Epoch) -> Result<bool, DirectoryError> {
        let args = vec![epoch.to_string().into()];
        Ok(self
            .on_key(&PEER_PROVE, self.keys.peer(peer), args)
            .await?
            .flag()?)
    }

    async fn note_credential(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        credential: &Credential,
    ) -> Result<bool, DirectoryError> {
        let shown = credential::write(credential, epoch);
        let args = vec![epoch.to_string().into(), shown.into()];
        Ok(self
            .on_key(&PEER_SHOWN, self.keys.peer(peer), args)
            .await?
            .flag()?)
    }

    async fn hand_over(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        from: &NodeId,
        to: &NodeId,
    ) -> Result<bool, DirectoryError> {
        let args: Vec<Value> = vec![
            epoch.to_string().into(),
            from.as_str().into(),
            to.as_str().into(),
        ];
        Ok(self
            .on_key(&PEER_HAND_OVER, self.keys.peer(peer), args)
            .await?
            .flag()?)
    }

    async fn assert_peer(&self, record: &PeerRecord) -> Result<AssertPeerOutcome, DirectoryError> {
        let head: [Value; 5] = [
            record.epoch.to_string().into(),
            record.node.as_str().into(),
            record.user.as_str().into(),
            record.proven.to_string().into(),
            shown(record.credential.as_ref(), record.epoch),
        ];
        let rooms = record.rooms.iter().map(|room| room.as_str().into());
        let args = head.into_iter().chain(rooms).collect();
        let mut reply = self
            .commands
            .run(&PEER_ASSERT, &[&self.keys.peer(&record.peer)], args)
            .await?;
        match &*reply.text()? {
            "known" => Ok(AssertPeerOutcome::Known),
            "restored" => Ok(AssertPeerOutcome::Restored),
            "elsewhere" => Ok(AssertPeerOutcome::Elsewhere {
                node: node(&mut reply)?,
                epoch: reply.number()?,
            }),
            _ => Err(reply.odd().into()),
        }
    }

    async fn intend(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        room: &RoomId,
        wanted: bool,
    ) -> Result<bool, DirectoryError> {
        let args: Vec<Value> = vec![epoch.to_string().into(), room.as_str().into(), flag(wanted)];
        Ok(self
            .on_key(&PEER_INTEND, self.keys.peer(peer), args)
            .await?
            .flag()?)
    }

    async fn note_away(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        node: &NodeId,
    ) -> Result<bool, DirectoryError> {
        let args: Vec<Value> = vec![epoch.to_string().into(), node.as_str().into()];
        Ok(self
            .on_key(&PEER_AWAY, self.keys.peer(peer), args)
            .await?
            .flag()?)
    }

    async fn presence(&self, peer: &PeerId) -> Result<Presence, DirectoryError> {
        let fields: Vec<Value> = self
            .commands
            .client()?
            .hmget(self.keys.peer(peer), vec!["epoch", "away"])
            .await?;
        let Some(epoch) = fields.first().and_then(Value::as_u64) else {
            return Ok(Presence::Unknown);
        };
        let note = fields.get(1).and_then(Value::as_string);
        let since = note.and_then(|note| {
            let (noted, since) = note.split_once(' ')?;
            let is_of_it = noted.parse() == Ok(epoch);
            is_of_it.then(|| since.parse().ok()).flatten()
        });
        Ok(since.map_or(Presence::Live, |since| Presence::Away { epoch, since }))
    }

    async fn evict(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        node: &NodeId,
    ) -> Result<Option<NodeId>, DirectoryError> {
        let args: Vec<Value> = vec![epoch.to_string().into(), node.as_str().into()];
        let mut reply = self
            .commands
            .run(&PEER_EVICT, &[&self.keys.peer(peer)], args)
            .await?;
        let former = reply.text()?;
        match former.is_empty() {
            true => Ok(None),
            false => former.parse().map(Some).map_err(|_| reply.odd().into()),
        }
    }

    async fn peer(&self, peer: &PeerId) -> Result<Option<PeerRecord>, DirectoryError> {
        let value: Value = self
            .commands
            .client()?
            .hgetall(self.keys.peer(peer))
            .await?;
        let fields = fields(value);
        if fields.is_empty() {
            return Ok(None);
        }
        let parsed = caught(|| parse(*peer, &fields));
        let (record, is_whole) = parsed.unwrap_or((None, false));
        if !is_whole {
            let what = format_args!("the entry of session {peer}, or a part of it");
            let about = About::session(peer);
            self.unreadable.note(RecordKind::Peer, about, what);
        }
        Ok(record)
    }

    async fn forget(&self, peer: &PeerId, epoch: Epoch) -> Result<bool, DirectoryError> {
        let args = vec![epoch.to_string().into()];
        Ok(self
            .on_key(&PEER_FORGET, self.keys.peer(peer), args)
            .await?
            .flag()?)
    }

    async fn admit(&self, admission: &Admission) -> Result<Admitted, DirectoryError> {
        let issued_at = admission.issued_at.map(|at| at.to_string());
        let args: Vec<Value> = vec![
            admission.peer.as_str().into(),
            admission.node.as_str().into(),
            admission.sessions_max.to_string().into(),
            issued_at.unwrap_or_default().into(),
        ];
        let user = &admission.user;
        let (peers, cut_off) = (self.keys.user_peers(user), self.keys.user_cut_off(user));
        let mut reply = self
            .commands
            .run(&USER_ADMIT, &[&peers, &cut_off], args)
            .await?;
        match &*reply.text()? {
            "admitted" => Ok(Admitted::Yes),
            "full" => Ok(Admitted::TooMany),
            "revoked" => Ok(Admitted::CutOff(reply.number()?)),
            _ => Err(reply.odd().into()),
        }
    }

    async fn count(
        &self,
        user: &UserId,
        peer: &PeerId,
        node: &NodeId,
    ) -> Result<(), DirectoryError> {
        Ok(self
            .commands
            .client()?
            .hset(self.keys.user_peers(user), (peer.as_str(), node.as_str()))
            .await?)
    }

    async fn user_sessions(&self, user: &UserId) -> Result<Vec<PeerId>, DirectoryError> {
        let peers: Vec<Value> = self
            .commands
            .client()?
            .hkeys(self.keys.user_peers(user))
            .await?;
        let texts = peers.into_iter().filter_map(into_bytes);
        let peers = texts.filter_map(|text| std::str::from_utf8(&text).ok()?.parse().ok());
        Ok(peers.collect())
    }

    async fn dismiss(&self, user: &UserId, peer: &PeerId) -> Result<(), DirectoryError> {
        Ok(self
            .commands
            .client()?
            .hdel(self.keys.user_peers(user), peer.as_str())
            .await?)
    }

    async fn enlist(&self, node: &NodeId, peer: &PeerId) -> Result<(), DirectoryError> {
        Ok(self
            .commands
            .client()?
            .sadd(self.keys.node_peers(node), peer.as_str())
            .await?)
    }

    async fn delist(&self, node: &NodeId, peer: &PeerId) -> Result<(), DirectoryError> {
        Ok(self
            .commands
            .client()?
            .srem(self.keys.node_peers(node), peer.as_str())
            .await?)
    }

    async fn enlisted(&self, node: &NodeId) -> Result<Vec<PeerId>, DirectoryError> {
        let value: Value = self
            .commands
            .client()?
            .smembers(self.keys.node_peers(node))
            .await?;
        let members = match value {
            Value::Array(members) => members,
            one => vec![one],
        };
        let texts = members.into_iter().filter_map(into_bytes);
        let peer = |text: Bytes| {
            let peer = std::str::from_utf8(&text)
                .ok()
                .and_then(|peer| peer.parse().ok());
            if peer.is_none() {
                let text = String::from_utf8_lossy(&text);
                let what = format_args!("{text:?} among the sessions noted for node {node}");
                let about = About::node(node);
                self.unreadable.note(RecordKind::NodePeer, about, what);
            }
            peer
        };
        Ok(texts.filter_map(peer).collect())
    }
}

impl RedisDirectory {
    /// Runs a script that touches one key alone.
    async fn on_key(
        &self,
        script: &Script,
        key: String,
        args: Vec<Value>,
    ) -> Result<Reply, Failure> {
        self.commands.run(script, &[&key], args).await
    }

    async fn try_attach(&self, attach: &Attach) -> Result<AttachOutcome, Failure> {
        let shown = attach.shown.map(|epoch| epoch.to_string());
        let args: Vec<Value> = vec![
            attach.epoch.to_string().into(),
            attach.node.as_str().into(),
            attach.user.as_str().into(),
            shown.unwrap_or_default().into(),
            self::shown(attach.credential.as_ref(), attach.epoch),
        ];
        let mut reply = self
            .commands
            .run(&PEER_ATTACH, &[&self.keys.peer(&attach.peer)], args)
            .await?;
        match &*reply.text()? {
            "attached" => Ok(AttachOutcome::Attached {
                former: former(&mut reply)?,
                rooms: rooms(&mut reply)?,
            }),
            "unknown" => Ok(AttachOutcome::Unknown),
            "outdated" => Ok(AttachOutcome::Outdated),
            "stale" => Ok(AttachOutcome::Stale {
                known: reply.number()?,
            }),
            _ => Err(reply.odd()),
        }
    }
}

/// Empty where it is not known: what is there stays.
fn shown(credential: Option<&Credential>, epoch: Epoch) -> Value {
    let written = credential.map(|credential| credential::write(credential, epoch));
    written.unwrap_or_default().into()
}

fn node(reply: &mut Reply) -> Result<NodeId, Failure> {
    reply.text()?.parse().map_err(|_| reply.odd())
}

/// `node epoch`, or an empty text and 0. One that is no node's id can be told nothing.
fn former(reply: &mut Reply) -> Result<Option<(NodeId, Epoch)>, Failure> {
    let (node, epoch) = (reply.text()?, reply.number()?);
    Ok(node.parse().ok().map(|node| (node, epoch)))
}

fn rooms(reply: &mut Reply) -> Result<Vec<RoomId>, Failure> {
    let room = |bytes: &Bytes| std::str::from_utf8(bytes).ok()?.parse().ok();
    let mut rooms: Vec<_> = reply.list()?.iter().filter_map(room).collect();
    rooms.sort_unstable();
    Ok(rooms)
}

/// The record, if who owns the session can be read; and whether all else can, too. Fields of later releases are none of ours.
fn parse(peer: PeerId, fields: &[(Bytes, Bytes)]) -> (Option<PeerRecord>, bool) {
    let text = |bytes: &'_ Bytes| std::str::from_utf8(bytes).ok().map(str::to_owned);
    let known: HashMap<String, String> = fields
        .iter()
        .filter_map(|(field, value)| Some((text(field)?, text(value)?)))
        .collect();
    let rooms: Vec<Option<RoomId>> = fields
        .iter()
        .filter_map(|(field, _)| field.strip_prefix(b"room:"))
        .map(|room| std::str::from_utf8(room).ok()?.parse().ok())
        .collect();
    let has_rooms = rooms.iter().all(Option::is_some);
    let mut rooms: Vec<RoomId> = rooms.into_iter().flatten().collect();
    rooms.sort_unstable();
    let record = || {
        let epoch = known.get("epoch")?.parse().ok()?;
        let shown = known.get("shown");
        Some(PeerRecord {
            peer,
            node: known.get("node")?.parse().ok()?,
            epoch,
            credential: shown.and_then(|shown| credential::read(shown, epoch)),
            proven: known.get("proven")?.parse().ok()?,
            user: known.get("user")?.parse().ok()?,
            rooms,
        })
    };
    let record = record();
    let is_whole = record.is_some() && has_rooms;
    (record, is_whole)
}
