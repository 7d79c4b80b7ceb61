//! Socket.IO packets (protocol revision 5), as one Engine.IO message carries them: `<type>[<namespace>,][<ack>][<JSON>]`.

use serde_json::value::RawValue;
use smallvec::SmallVec;

/// What a client says.
#[derive(Debug)]
pub(super) enum Packet<'a> {
    /// `0`: wants to come in.
    Connect(Option<&'a str>),
    /// `1`: goes.
    Disconnect,
    /// `2`: `["name", argument, …]`.
    Event(Event<'a>),
    /// `3`: answers an acknowledgement that was asked of it. Nobody asks here.
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
}

/// Why a packet cannot be taken, in words for its client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadPacket {
    #[error("a packet begins with its type, a digit from 0 to 6")]
    NoType,
    #[error("there is no namespace {0} here, only /")]
    Namespace(String),
    #[error("binary attachments are not taken: send JSON")]
    Binary,
    #[error("an event is a JSON array that begins with its name")]
    NoEvent,
}

impl<'a> Packet<'a> {
    /// Reads a packet.
    pub(super) fn read(text: &'a str) -> Result<Self, BadPacket> {
        let mut chars = text.chars();
        let kind = chars.next().ok_or(BadPacket::NoType)?;
        let rest = in_root(chars.as_str())?;
        match kind {
            '0' => Ok(Self::Connect(Some(rest).filter(|auth| !auth.is_empty()))),
            '1' => Ok(Self::Disconnect),
            '2' => Event::read(rest).map(Self::Event),
            '3' => Ok(Self::Ack),
            '5' | '6' => Err(BadPacket::Binary),
            _ => Err(BadPacket::NoType),
        }
    }
}

impl<'a> Event<'a> {
    fn read(text: &'a str) -> Result<Self, BadPacket> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (ack, array) = text.split_at(digits);
        let ack = match ack {
            "" => None,
            ack => Some(ack.parse().map_err(|_| BadPacket::NoEvent)?),
        };
        let array: SmallVec<[&RawValue; 3]> =
            serde_json::from_str(array).map_err(|_| BadPacket::NoEvent)?;
        let (name, arguments) = array.split_first().ok_or(BadPacket::NoEvent)?;
        Ok(Self {
            ack,
            name: serde_json::from_str(name.get()).map_err(|_| BadPacket::NoEvent)?,
            arguments: arguments.into(),
        })
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
        for (text, error) in [
            ("", BadPacket::NoType),
            ("x", BadPacket::NoType),
            ("한", BadPacket::NoType),
            ("2[]", BadPacket::NoEvent),
            ("2[1]", BadPacket::NoEvent),
            ("2{}", BadPacket::NoEvent),
            ("2[\"a\"", BadPacket::NoEvent),
            ("299999999999999999999[\"a\"]", BadPacket::NoEvent),
            (
                r#"51-["a",{"_placeholder":true,"num":0}]"#,
                BadPacket::Binary,
            ),
            ("0/admin,{}", BadPacket::Namespace("/admin".into())),
        ] {
            assert_eq!(Packet::read(text).err(), Some(error), "{text}");
        }
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
