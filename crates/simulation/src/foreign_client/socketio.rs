//! Packets of Socket.IO, in three vocabularies. The Engine.IO layer below is not simulated.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use switchboard_dialects::Frame;
use switchboard_protocol::{PeerId, RoomId};

use super::wording::{Heard, To, Wording, text};
use crate::speaks::Speaks;

/// The acknowledgement of what enters the room.
const ENTERED: u64 = 0;

pub(super) struct SocketIo {
    speaks: Speaks,
    room: RoomId,
    name: String,
    own: Option<PeerId>,
}

impl SocketIo {
    pub(super) fn new(speaks: Speaks, room: RoomId, name: String) -> Self {
        Self {
            speaks,
            room,
            name,
            own: None,
        }
    }

    /// The room without what the vocabulary puts before it.
    fn room(&self) -> &str {
        let room = self.room.as_str();
        room.strip_prefix("video:").unwrap_or(room)
    }

    fn event(&self, event: &str, argument: &Value, heard: &mut Vec<Heard>) {
        let peer = |field: &str| argument[field].as_str().and_then(|peer| peer.parse().ok());
        match event {
            "user-joined" => heard.extend(peer("userId").map(Heard::Came)),
            "user-left" => heard.extend(peer("userId").map(Heard::Went)),
            "video:user-joined" => heard.extend(peer("socketId").map(Heard::Came)),
            "video:user-left" => heard.extend(peer("socketId").map(Heard::Went)),
            "video:room-state" => {
                let listed = argument["participants"].as_array().into_iter().flatten();
                let listed = listed.filter_map(|one| one["socketId"].as_str()?.parse().ok());
                let peers: BTreeSet<PeerId> = listed.chain(self.own).collect();
                heard.extend([Heard::In, Heard::Peers(peers)]);
            }
            "room-closed" => heard.push(Heard::Out),
            "error" if argument["code"] == "name-taken" => heard.push(Heard::Out),
            _ => {}
        }
    }
}

impl Wording for SocketIo {
    fn opening(&mut self) -> Vec<Frame> {
        vec![text("0{}".into())]
    }

    fn enter(&mut self) -> Vec<Frame> {
        let event = match self.speaks {
            Speaks::Video => json!(["video:join-room", { "roomId": self.room() }]),
            Speaks::Calls => json!(["init", self.name]),
            _ => json!(["join-room", self.room()]),
        };
        vec![text(format!("2{ENTERED}{event}"))]
    }

    fn say(&mut self, to: &To, id: u64, payload: &str) -> Option<Frame> {
        let payload: Value = serde_json::from_str(payload).expect("a payload is JSON");
        let event = match (self.speaks, to) {
            (Speaks::Rooms, To::Peer(to)) => json!(["offer", { "target": to, "offer": payload }]),
            (Speaks::Video, To::Peer(to)) => json!(["video:offer", { "to": to, "offer": payload }]),
            (Speaks::Calls, To::Client(_, name)) => {
                json!(["connection_info", { "remoteName": name, "type": "offer", "sdp": payload }])
            }
            _ => return None,
        };
        // 0 is the acknowledgement of the room.
        Some(text(format!("2{id}{event}")))
    }

    fn bye(&mut self) -> Option<Frame> {
        Some(text("1".into()))
    }

    fn hear(&mut self, told: &str, heard: &mut Vec<Heard>) {
        let json_at = told.find(['[', '{']).unwrap_or(told.len());
        let (head, json) = told.split_at(json_at);
        let json: Value = serde_json::from_str(json).unwrap_or_default();
        match head.split_at_checked(1) {
            Some(("0", _)) => {
                self.own = json["sid"].as_str().and_then(|sid| sid.parse().ok());
                heard.push(Heard::Welcomed);
            }
            Some(("2", _)) => {
                if let Some(event) = json[0].as_str() {
                    self.event(event, &json[1], heard);
                }
            }
            Some(("3", ack)) => {
                let is_done = json[0]["success"] == true || json[0].is_null();
                match (ack.parse().unwrap_or(ENTERED), is_done) {
                    (ENTERED, true) if self.speaks == Speaks::Video => {}
                    (ENTERED, true) => heard.push(Heard::In),
                    (ENTERED, false) => heard.push(Heard::Refused),
                    // Calls are told so too, but not to whom it went by then.
                    (id, true) if self.speaks != Speaks::Calls => heard.push(Heard::Delivered(id)),
                    _ => {}
                }
            }
            _ => {}
        }
    }
}
