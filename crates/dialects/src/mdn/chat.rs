//! The chat: what one member says goes to all, and back to that member once it is on its way.

use serde::Serialize;
use serde_json::value::RawValue;
use switchboard_protocol::codec::InvalidPayload;
use switchboard_protocol::{CloseCode, ErrorCode, Payload};
use switchboard_session::{Closing, Input};

use super::signals::signal;
use super::{Hear, Mdn, Request, broken, display, json_of};
use crate::Heard;
use crate::foreign::{Fields, shown_text};

/// The kind of a signal that is said in the chat; it comes back to its sender too.
pub(super) const CHAT: &str = "message";

impl Mdn {
    pub(super) fn chat(&mut self, said: &Fields<'_>, heard: Hear<'_>) {
        let Some(text) = said.get("text").and_then(shown_text) else {
            return broken("say something: a `text`", heard);
        };
        let Some(own) = self.own() else {
            return broken("say your name first: a message of type `username`", heard);
        };
        let mut chat = Chat {
            text: without_tags(&text),
            date: said.get("date"),
        };
        let payload = chat.payload().or_else(|_| {
            chat.date = None;
            let words = "left out: `date` is nested too deep";
            heard(Heard::Input(Input::Unfit {
                re: None,
                code: ErrorCode::BadMessage,
                words: words.into(),
            }));
            chat.payload()
        });
        let payload = match payload {
            Ok(payload) => payload,
            Err(error) => return broken(&error.to_string(), heard),
        };
        // From what is passed on, so that everybody reads the same.
        let passed = serde_json::from_slice(&payload.bytes).expect("a payload is JSON");
        let back = Chat::heard(passed).map_or_else(String::new, |chat| chat.back(display(own)));
        self.chat_bytes += back.len();
        if self.chat_bytes > self.chat_bytes_max {
            let words = "you do not read what is said back to you";
            let closing = Closing::because(CloseCode::SlowConsumer, words);
            return heard(Heard::End(closing));
        }
        let id = self.requests.open(Request::Chat(back));
        signal(id, None, CHAT, payload.as_slice(), heard);
    }
}

/// Something said in the chat. What has no date has `null`.
#[derive(Serialize)]
pub(super) struct Chat<'a> {
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<&'a RawValue>,
}

impl<'a> Chat<'a> {
    fn payload(&self) -> Result<Payload<Vec<u8>>, InvalidPayload> {
        let json = json_of(self);
        let payload = Payload::from_javascript(&json)?;
        Ok(Payload {
            encoding: payload.encoding,
            bytes: payload.bytes.into_owned(),
        })
    }

    /// What is in a chat that came from another dialect stays as it is, less the tags. `None`: it says nothing.
    pub(super) fn heard(payload: &'a RawValue) -> Option<Self> {
        let fields = Fields::read(payload.get());
        let said = fields
            .as_ref()
            .map_or(Some(payload), |said| said.get("text"));
        Some(Self {
            text: without_tags(&shown_text(said?)?),
            date: fields.and_then(|said| said.get("date")),
        })
    }

    /// As everybody gets it.
    pub(super) fn back(&self, name: &str) -> String {
        #[derive(Serialize)]
        struct Back<'a> {
            r#type: &'a str,
            name: &'a str,
            text: &'a str,
            date: Option<&'a RawValue>,
        }
        json_of(&Back {
            r#type: CHAT,
            name,
            text: &self.text,
            date: self.date,
        })
    }
}

/// The sample's way of keeping markup out of other people's pages.
fn without_tags(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        kept.push_str(before);
        match after.find('>') {
            Some(end) if end > 0 => rest = &after[end + 1..],
            _ => {
                kept.push('<');
                rest = after;
            }
        }
    }
    kept.push_str(rest);
    kept
}
