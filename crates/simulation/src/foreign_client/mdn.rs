//! Messages of MDN's chat.

use serde_json::{Value, json};
use switchboard_dialects::Frame;

use super::wording::{Heard, To, Wording, text};

pub(super) struct Mdn {
    name: String,
    is_in: bool,
}

impl Mdn {
    pub(super) fn new(name: String) -> Self {
        Self { name, is_in: false }
    }
}

impl Wording for Mdn {
    fn opening(&mut self) -> Vec<Frame> {
        Vec::new()
    }

    fn enter(&mut self) -> Vec<Frame> {
        let message = json!({ "type": "username", "name": self.name });
        vec![text(message.to_string())]
    }

    fn say(&mut self, to: &To, _: u64, payload: &str) -> Option<Frame> {
        let payload: Value = serde_json::from_str(payload).expect("a payload is JSON");
        let mut message = json!({ "type": "video-offer", "name": self.name, "sdp": payload });
        match to {
            To::All => {}
            To::Client(_, name) => message["target"] = name.as_str().into(),
            To::Peer(_) => return None,
        }
        Some(text(message.to_string()))
    }

    fn bye(&mut self) -> Option<Frame> {
        None
    }

    fn hear(&mut self, told: &str, heard: &mut Vec<Heard>) {
        let message: Value = serde_json::from_str(told).unwrap_or_default();
        match message["type"].as_str() {
            Some("id") => heard.push(Heard::Welcomed),
            Some("rejectusername") => {
                if let Some(name) = message["name"].as_str() {
                    self.name = name.to_owned();
                }
            }
            Some("userlist") => {
                if !std::mem::replace(&mut self.is_in, true) {
                    heard.push(Heard::In);
                }
                let users = message["users"].as_array().into_iter().flatten();
                let mut users: Vec<_> = users.filter_map(Value::as_str).map(Into::into).collect();
                users.sort();
                heard.push(Heard::Names(users));
            }
            Some("error") if message["code"] == "room-closed" => {
                self.is_in = false;
                heard.push(Heard::Out);
            }
            Some("error") if !self.is_in => heard.push(Heard::Refused),
            _ => {}
        }
    }
}
