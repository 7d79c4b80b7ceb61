//! Packets of Engine.IO 4 and Socket.IO 5, as text over a WebSocket; the namespace is always `/`.

use serde::Deserialize;
use serde_json::value::RawValue;

/// The client's answer to a [`Packet::Ping`].
pub(crate) const PONG: &str = "3";

/// What a server says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Packet<'a> {
    /// The transport is there; Socket.IO's own connection comes next.
    Open,
    /// The server wants to hear `3`.
    Ping,
    /// Connected; `{sid}` as JSON.
    Connected(&'a str),
    /// Refused; `{message}` as JSON.
    Refused(&'a str),
    /// An event: a JSON array of its name and what it carries.
    Event(&'a str),
    /// One of the two layers ends.
    Closed,
    /// Anything else; of no interest here.
    Other,
}

/// Reads one text frame.
pub(crate) fn read(text: &str) -> Packet<'_> {
    match (text.get(..1), text.get(..2), text.get(2..)) {
        (_, Some("40"), Some(body)) => Packet::Connected(body),
        (_, Some("44"), Some(body)) => Packet::Refused(body),
        // An acknowledgement's number may stand before the array.
        (_, Some("42"), Some(body)) => {
            Packet::Event(body.trim_start_matches(|c: char| c.is_ascii_digit()))
        }
        (Some("1"), ..) | (_, Some("41"), _) => Packet::Closed,
        (Some("0"), ..) => Packet::Open,
        (Some("2"), ..) => Packet::Ping,
        _ => Packet::Other,
    }
}

/// The client's request to be connected.
pub(crate) fn connect(user: &str) -> String {
    format!("40{}", serde_json::json!({ "userId": user }))
}

/// An event with one argument.
pub(crate) fn event(name: &str, argument: &serde_json::Value) -> String {
    format!("42{}", serde_json::json!([name, argument]))
}

/// Name and argument of an event that has exactly one argument.
pub(crate) fn name_and_argument(event: &str) -> Option<(&str, &RawValue)> {
    serde_json::from_str(event).ok()
}

/// The socket's id, out of [`Packet::Connected`].
pub(crate) fn socket_id(body: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Connected {
        sid: String,
    }
    let connected: Connected = serde_json::from_str(body).ok()?;
    Some(connected.sid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_packet_is_known_by_its_first_characters() {
        let packets = [
            (r#"0{"sid":"x"}"#, Packet::Open),
            ("2", Packet::Ping),
            (r#"40{"sid":"y"}"#, Packet::Connected(r#"{"sid":"y"}"#)),
            (
                r#"44{"message":"no"}"#,
                Packet::Refused(r#"{"message":"no"}"#),
            ),
            (r#"42["a",1]"#, Packet::Event(r#"["a",1]"#)),
            (r#"4217["a",1]"#, Packet::Event(r#"["a",1]"#)),
            ("1", Packet::Closed),
            ("41", Packet::Closed),
            ("43[]", Packet::Other),
            ("6", Packet::Other),
            ("", Packet::Other),
            ("4é", Packet::Other),
        ];
        for (text, packet) in packets {
            assert_eq!(read(text), packet, "{text}");
        }
    }

    #[test]
    fn an_event_is_read_as_it_was_written() {
        let text = event("video:offer", &serde_json::json!({"to": "a\"b"}));
        let Packet::Event(body) = read(&text) else {
            panic!("{text} is an event");
        };
        let (name, argument) = name_and_argument(body).expect("it has one argument");
        assert_eq!((name, argument.get()), ("video:offer", r#"{"to":"a\"b"}"#));
    }

    #[test]
    fn events_with_another_number_of_arguments_are_not_taken() {
        assert!(name_and_argument(r#"["a"]"#).is_none());
        assert!(name_and_argument(r#"["a",1,2]"#).is_none());
    }
}
