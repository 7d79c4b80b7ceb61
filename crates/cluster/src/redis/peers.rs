//! Sessions: who owns each, how many a user has, and what to clean up after a node.

use std::collections::HashMap;

use fred::interfaces::{HashesInterface, SetsInterface};
use fred::types::Value;
use switchboard_protocol::{NodeId, PeerId, RoomId, UserId};

use super::directory::RedisDirectory;
use super::failure::Failure;
use super::rooms::flag;
use super::script::{PEER_ATTACH, PEER_FORGET, PEER_INTEND, USER_ADMIT};
use crate::directory::AttachOutcome;
use crate::record::{Epoch, PeerRecord};

impl RedisDirectory {
    pub(super) async fn attach_peer(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        node: &NodeId,
        user: &UserId,
    ) -> Result<AttachOutcome, Failure> {
        let args: Vec<Value> = vec![
            epoch.to_string().into(),
            node.as_str().into(),
            user.as_str().into(),
        ];
        let mut reply = self
            .commands
            .run(&PEER_ATTACH, &[&self.keys.peer(peer)], args)
            .await?;
        match &*reply.text()? {
            "attached" => {
                let (node, epoch) = (reply.text()?, reply.number()?);
                let former = if node.is_empty() {
                    None
                } else {
                    Some((node.parse().map_err(|_| reply.odd())?, epoch))
                };
                Ok(AttachOutcome::Attached { former })
            }
            "stale" => Ok(AttachOutcome::Stale {
                known: reply.number()?,
            }),
            _ => Err(reply.odd()),
        }
    }

    pub(super) async fn intend_room(
        &self,
        peer: &PeerId,
        epoch: Epoch,
        room: &RoomId,
        wanted: bool,
    ) -> Result<bool, Failure> {
        let args: Vec<Value> = vec![epoch.to_string().into(), room.as_str().into(), flag(wanted)];
        self.commands
            .run(&PEER_INTEND, &[&self.keys.peer(peer)], args)
            .await?
            .flag()
    }

    pub(super) async fn read_peer(&self, peer: &PeerId) -> Result<Option<PeerRecord>, Failure> {
        let fields: HashMap<String, String> = self
            .commands
            .client()?
            .hgetall(self.keys.peer(peer))
            .await?;
        if fields.is_empty() {
            return Ok(None);
        }
        let record = parse(*peer, &fields);
        record
            .map(Some)
            .ok_or_else(|| Failure::Unreadable(format!("the entry of {peer}")))
    }

    pub(super) async fn forget_peer(&self, peer: &PeerId, epoch: Epoch) -> Result<bool, Failure> {
        let args = vec![epoch.to_string().into()];
        self.commands
            .run(&PEER_FORGET, &[&self.keys.peer(peer)], args)
            .await?
            .flag()
    }

    pub(super) async fn admit_session(
        &self,
        user: &UserId,
        peer: &PeerId,
        node: &NodeId,
        sessions_max: u32,
    ) -> Result<bool, Failure> {
        let args: Vec<Value> = vec![
            peer.as_str().into(),
            node.as_str().into(),
            sessions_max.to_string().into(),
        ];
        self.commands
            .run(&USER_ADMIT, &[&self.keys.user_peers(user)], args)
            .await?
            .flag()
    }

    pub(super) async fn dismiss_session(
        &self,
        user: &UserId,
        peer: &PeerId,
    ) -> Result<(), Failure> {
        Ok(self
            .commands
            .client()?
            .hdel(self.keys.user_peers(user), peer.as_str())
            .await?)
    }

    pub(super) async fn enlist_peer(&self, node: &NodeId, peer: &PeerId) -> Result<(), Failure> {
        Ok(self
            .commands
            .client()?
            .sadd(self.keys.node_peers(node), peer.as_str())
            .await?)
    }

    pub(super) async fn delist_peer(&self, node: &NodeId, peer: &PeerId) -> Result<(), Failure> {
        Ok(self
            .commands
            .client()?
            .srem(self.keys.node_peers(node), peer.as_str())
            .await?)
    }

    pub(super) async fn read_enlisted(&self, node: &NodeId) -> Result<Vec<PeerId>, Failure> {
        let peers: Vec<String> = self
            .commands
            .client()?
            .smembers(self.keys.node_peers(node))
            .await?;
        let peer = |text: &String| {
            text.parse()
                .map_err(|_| Failure::Unreadable(format!("the peer {text:?} noted for {node}")))
        };
        peers.iter().map(peer).collect()
    }
}

fn parse(peer: PeerId, fields: &HashMap<String, String>) -> Option<PeerRecord> {
    let room = |field: &String| field.strip_prefix("room:").map(|room| room.parse().ok());
    let mut rooms: Vec<RoomId> = fields.keys().filter_map(room).collect::<Option<_>>()?;
    rooms.sort_unstable();
    Some(PeerRecord {
        peer,
        node: fields.get("node")?.parse().ok()?,
        epoch: fields.get("epoch")?.parse().ok()?,
        user: fields.get("user")?.parse().ok()?,
        rooms,
    })
}
