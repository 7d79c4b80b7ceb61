//! Socket.IO packets (protocol revision 5), as one Engine.IO message carries them: `<type>[<namespace>,][<ack>][<JSON>]`.

use serde_json::value::RawValue;
use smallvec::SmallVec;
use switchboard_session::{Closing, millis_up};

use crate::foreign::{Fields, shown_text};

/// What a client says.
#[derive(Debug)]
pub(super) enum Packet<'a> {
    /// `0`: wants to come in.
    Connect(Option<&'a str>),
    /// `1`: goes.
    Disconnect,
    /// `2`: `["name", argument, …]`. `5`: the same, with attachments behind it.
    Event(Event<'a>),
    /// `3` and `6`: answers an acknowledgement that was asked of it. Nobody asks here.
    Ack,
}

/// An event.
#[derive(Debug)]
pub(super) struct Event<'a> {
    /// Its acknowledgement, if the client wants one.
    pub(super) ack: Option<u64>,
    /// What it is called.
    pub(super) name: String,
    /// What follows the name.
    pub(super) arguments: SmallVec<[&'a RawValue; 2]>,
    /// Whether some of that is in binary messages.
    pub(super) is_binary: bool,
}

/// Why a packet cannot be taken, in words for its client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadPacket {
    #[error("a packet begins with its type, a digit from 0 to 6")]
    NoType,
    #[error("there is no namespace {0} here, only /")]
    Namespace(String),
    #[error("{ATTACHMENTS}")]
    Binary,
    #[error("an event is a JSON array that begins with its name")]
    NoEvent {
        /// Its acknowledgement, where that could be read.
        ack: Option<u64>,
    },
}

/// Why an event with attachments is not taken.
pub(super) const ATTACHMENTS: &str = "binary attachments are not taken: send JSON";

impl<'a> Packet<'a> {
    /// Reads a packet.
    pub(super) fn read(text: &'a str) -> Result<Self, BadPacket> {
        let mut chars = text.chars();
        let kind = chars.next().ok_or(BadPacket::NoType)?;
        let (attachments, rest) = match kind {
            '5' | '6' => attachments(chars.as_str()).ok_or(BadPacket::NoEvent { ack: None })?,
            _ => (0, chars.as_str()),
        };
        let rest = in_root(rest)?;
        match kind {
            '0' => Ok(Self::Connect(Some(rest).filter(|auth| !auth.is_empty()))),
            '1' => Ok(Self::Disconnect),
            '2' | '5' => Event::read(rest, attachments > 0).map(Self::Event),
            '3' | '6' => Ok(Self::Ack),
            _ => Err(BadPacket::NoType),
        }
    }

    /// How many binary messages belong to a packet and follow it.
    pub(super) fn attachments_of(text: &str) -> u64 {
        let rest = text.strip_prefix(['5', '6']);
        rest.and_then(attachments).map_or(0, |(count, _)| count)
    }
}

/// `<count>-`, and what is behind it.
fn attachments(text: &str) -> Option<(u64, &str)> {
    let (count, rest) = text.split_once('-')?;
    let is_number = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    Some((count.parse().ok().filter(|_| is_number)?, rest))
}

impl<'a> Event<'a> {
    fn read(text: &'a str, is_binary: bool) -> Result<Self, BadPacket> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (ack, array) = text.split_at(digits);
        let ack = match ack {
            "" => None,
            ack => Some(ack.parse().map_err(|_| BadPacket::NoEvent { ack: None })?),
        };
        let no_event = || BadPacket::NoEvent { ack };
        let array: SmallVec<[&RawValue; 3]> =
            serde_json::from_str(array).map_err(|_| no_event())?;
        let (name, arguments) = array.split_first().ok_or_else(no_event)?;
        let name = shown_text(name).ok_or_else(no_event)?;
        Ok(Self {
            ack,
            name: name.into_owned(),
            arguments: arguments.into(),
            is_binary,
        })
    }

    /// The first argument, if it is an object.
    pub(super) fn fields(&self) -> Option<Fields<'a>> {
        Fields::read(self.arguments.first()?.get())
    }
}

/// What follows the namespace, which has to be the root.
fn in_root(text: &str) -> Result<&str, BadPacket> {
    if !text.starts_with('/') {
        return Ok(text);
    }
    let (namespace, rest) = text.split_once(',').unwrap_or((text, ""));
    // A query, as older clients send, changes nothing.
    let path = namespace.split('?').next().unwrap_or_default();
    if path == "/" {
        return Ok(rest);
    }
    let named = namespace.chars().take(64).collect();
    Err(BadPacket::Namespace(named))
}

/// The answer to `0/…`: there is no such namespace.
pub(super) fn no_namespace(namespace: &str) -> String {
    connect_error(Some(namespace), "Invalid namespace")
}

/// The answer to `0`: it is in.
pub(super) fn connected(sid: &str) -> String {
    format!("0{{\"sid\":\"{sid}\"}}")
}

/// The answer to `0`: it is not.
pub(super) fn connect_error(namespace: Option<&str>, message: &str) -> String {
    let namespace = namespace.map(|namespace| format!("{namespace},"));
    let message = serde_json::json!({ "message": message });
    format!("4{}{message}", namespace.unwrap_or_default())
}

/// The same, with the time after which trying again helps: a client finds it in `error.data`.
pub(super) fn too_early(message: &str, closing: &Closing) -> String {
    let data = serde_json::json!({
        "reason": &*closing.reason,
        "retry_after_ms": millis_up(closing.retry_after.unwrap_or_default()),
    });
    let refused = serde_json::json!({ "message": message, "data": data });
    format!("4{refused}")
}

/// The client is sent away and does not come back by itself.
pub(super) const DISCONNECT: &str = "1";

/// An event for the client.
pub(super) fn event(name: &str, argument: &impl serde::Serialize) -> String {
    written("2", &(name, argument))
}

/// The answer to an event that wanted one.
pub(super) fn ack(id: u64, argument: &impl serde::Serialize) -> String {
    written(&format!("3{id}"), &[argument])
}

fn written(head: &str, arguments: &impl serde::Serialize) -> String {
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(head.as_bytes());
    serde_json::to_writer(&mut out, arguments).expect("texts and raw JSON can be written");
    String::from_utf8(out).expect("JSON is UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event_of(text: &str) -> (Option<u64>, String, Vec<String>) {
        match Packet::read(text) {
            Ok(Packet::Event(event)) => {
                let arguments = event.arguments.iter();
                let arguments = arguments.map(|raw| raw.get().to_owned()).collect();
                (event.ack, event.name, arguments)
            }
            other => panic!("{text} is {other:?}"),
        }
    }

    #[test]
    fn an_event_has_a_name_arguments_and_perhaps_an_acknowledgement() {
        assert_eq!(
            event_of(r#"2["offer",{"to":"x"},1]"#),
            (
                None,
                "offer".into(),
                vec![r#"{"to":"x"}"#.into(), "1".into()]
            )
        );
        assert_eq!(
            event_of(r#"217["leave-room"]"#),
            (Some(17), "leave-room".into(), vec![])
        );
        assert_eq!(event_of(r#"2/,3["\u0061"]"#).1, "a");
    }

    #[test]
    fn what_cannot_be_taken_is_named() {
        let no_event = |ack| BadPacket::NoEvent { ack };
        for (text, error) in [
            ("", BadPacket::NoType),
            ("x", BadPacket::NoType),
            ("한", BadPacket::NoType),
            ("2[]", no_event(None)),
            ("2[1]", no_event(None)),
            ("2{}", no_event(None)),
            ("2[\"a\"", no_event(None)),
            ("27[1]", no_event(Some(7))),
            ("27[]", no_event(Some(7))),
            ("27[\"a\"", no_event(Some(7))),
            ("27", no_event(Some(7))),
            ("51-7[null]", no_event(Some(7))),
            ("5[\"a\"]", no_event(None)),
            ("5-[\"a\"]", no_event(None)),
            ("5+1-[\"a\"]", no_event(None)),
            ("299999999999999999999[\"a\"]", no_event(None)),
            ("0/admin,{}", BadPacket::Namespace("/admin".into())),
            ("51-/admin,[]", BadPacket::Namespace("/admin".into())),
        ] {
            assert_eq!(Packet::read(text).err(), Some(error), "{text}");
        }
    }

    #[test]
    fn an_event_with_attachments_keeps_its_name_and_acknowledgement() {
        let text = r#"52-7["offer",{"file":{"_placeholder":true,"num":0}}]"#;
        assert_eq!(Packet::attachments_of(text), 2);
        let Ok(Packet::Event(event)) = Packet::read(text) else {
            panic!("{text} is an event");
        };
        assert_eq!(
            (event.ack, &*event.name, event.is_binary),
            (Some(7), "offer", true)
        );
        assert_eq!(Packet::attachments_of("61-7[]"), 1);
        assert!(matches!(Packet::read("61-7[]"), Ok(Packet::Ack)));
        for text in [r#"27["a-1"]"#, "1", "5x-", "5", r#"50-["a"]"#] {
            assert_eq!(Packet::attachments_of(text), 0, "{text}");
        }
    }

    #[test]
    fn a_name_with_half_a_character_is_a_name_that_nobody_knows() {
        assert_eq!(event_of(r#"27["a\ud83d"]"#).1, "a\u{fffd}");
    }

    #[test]
    fn what_is_written_is_what_clients_read() {
        assert_eq!(connected("abc"), r#"0{"sid":"abc"}"#);
        assert_eq!(connect_error(None, "no"), r#"4{"message":"no"}"#);
        assert_eq!(connect_error(Some("/a"), "no"), r#"4/a,{"message":"no"}"#);
        assert_eq!(event("a", &[1, 2]), r#"2["a",[1,2]]"#);
        assert_eq!(ack(7, &()), "37[null]");
    }
}
