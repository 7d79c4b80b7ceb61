//! Frames of STOMP 1.2, to the destinations of its tutorial.

use serde_json::Value;
use switchboard_dialects::Frame;
use switchboard_protocol::RoomId;
use switchboard_stomp::{Command, Decoder, Item, Limits, Version};

use super::wording::{Heard, To, Wording, text};

/// The receipt of the frame that enters the room.
const ENTERED: &str = "entered";

pub(super) struct Stomp {
    room: RoomId,
}

impl Stomp {
    pub(super) fn new(room: RoomId) -> Self {
        Self { room }
    }
}

impl Wording for Stomp {
    fn opening(&mut self) -> Vec<Frame> {
        vec![text("CONNECT\naccept-version:1.2\n\n\0".into())]
    }

    fn enter(&mut self) -> Vec<Frame> {
        let room = &self.room;
        let topics = [
            ("system", "/user/queue/system".to_owned()),
            ("members", format!("/topic/rooms/{room}/members")),
            ("signal", format!("/topic/rooms/{room}/signal")),
        ];
        let subscribe = topics.map(|(id, topic)| {
            // Again after a refusal: one that is there already is no mistake to begin with.
            text(format!(
                "UNSUBSCRIBE\nid:{id}\n\n\0SUBSCRIBE\nid:{id}\ndestination:{topic}\n\n\0"
            ))
        });
        let join = format!("SEND\nreceipt:{ENTERED}\ndestination:/app/rooms/{room}/join\n\n\0");
        subscribe.into_iter().chain([text(join)]).collect()
    }

    fn say(&mut self, to: &To, _: u64, payload: &str) -> Option<Frame> {
        if *to != To::All {
            return None;
        }
        let room = &self.room;
        let fields = payload.strip_prefix('{')?;
        let body = format!("{{\"type\":\"CHAT\",{fields}");
        let send = format!("SEND\ndestination:/app/rooms/{room}/signal\n\n{body}\0");
        Some(text(send))
    }

    fn bye(&mut self) -> Option<Frame> {
        Some(text("DISCONNECT\n\n\0".into()))
    }

    fn hear(&mut self, told: &str, heard: &mut Vec<Heard>) {
        let mut decoder = Decoder::new(Limits::default());
        decoder.set_version(Version::V1_2);
        let mut bytes = told.as_bytes();
        let Ok(Some(Item::Frame(frame))) = decoder.read(&mut bytes) else {
            return;
        };
        let body = || serde_json::from_slice::<Value>(&frame.body).unwrap_or_default();
        let peer = |of: &Value| of["sid"].as_str().and_then(|sid| sid.parse().ok());
        match (frame.command, frame.header("subscription")) {
            (Command::Connected, _) => heard.push(Heard::Welcomed),
            (Command::Receipt, _) if frame.header("receipt-id") == Some(ENTERED) => {
                heard.push(Heard::In);
            }
            (Command::Message, Some("members")) => {
                let listed = body();
                let listed = listed.as_array().into_iter().flatten();
                heard.push(Heard::Peers(listed.filter_map(peer).collect()));
            }
            (Command::Message, Some("signal")) => {
                let said = body();
                if said["type"] == "LEAVE" {
                    heard.extend(peer(&said).map(Heard::Went));
                }
            }
            (Command::Message, Some("system")) => {
                let words = body();
                let words = words["message"].as_str().unwrap_or_default();
                if frame.header("receipt-id") == Some(ENTERED) {
                    heard.push(Heard::Refused);
                } else if words.starts_with("you are no longer in the room") {
                    heard.push(Heard::Out);
                }
            }
            _ => {}
        }
    }
}
