//! Whatever JavaScript writes, in every dialect and from one to each: nobody panics, what is told is well-formed, and who asked
//! is answered, once.

use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::value::RawValue;
use switchboard_protocol::{Encoding, Payload};
use switchboard_stomp::Version;

use super::audience::{Audience, KINDS};
use super::play::{Outcome, Play, is_json, is_packet, is_stomp};
use super::stomp;
use crate::mdn::Mdn;
use crate::socketio::SocketIo;
use crate::{Content, Dialect, ErrorTexts, Heard};

/// Names that mean something to some dialect, and one that is half a character.
const NAMES: [&str; 28] = [
    "type",
    "sdp",
    "candidate",
    "with",
    "key",
    "under",
    "rest",
    "own",
    "target",
    "to",
    "room",
    "roomId",
    "studyId",
    "remoteName",
    "name",
    "text",
    "date",
    "sid",
    "displayName",
    "isMuted",
    "description",
    "offer",
    "answer",
    "id",
    "sdpMid",
    "payload",
    "\\ud83d",
    "\\u0077ith",
];

/// Values that stand for something, or that only look like it.
const VALUES: [&str; 30] = [
    "null",
    "true",
    "false",
    "0",
    "1",
    "-0",
    "5.0",
    "1.5",
    "1e3",
    "1e999",
    "-9e308",
    "9007199254740993",
    "12345678901234567890123",
    "\"\"",
    "\"B\"",
    "\"r\"",
    "\"lobby\"",
    "\"offer\"",
    "\"OFFER\"",
    "\"message\"",
    "\"candidate\"",
    "\"\\ud83d\"",
    "\"a\\udc00\\ud83d\\ude00\\\\\"",
    "\"회의실\"",
    "\"a b\"",
    "\"<b>\"",
    "\"\\u0000\"",
    "\"v=0\\r\\n\"",
    "[]",
    "{}",
];

fn json() -> impl Strategy<Value = String> {
    let leaf = select(&VALUES[..]).prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            4 => object(inner.clone()),
            1 => vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            1 => (inner, 100..140usize).prop_map(|(inner, depth)| nested(&inner, depth)),
        ]
    })
}

fn object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    vec((select(&NAMES[..]), value), 0..5).prop_map(|fields| {
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        format!("{{{}}}", fields.join(","))
    })
}

fn nested(inner: &str, depth: usize) -> String {
    format!("{}{inner}{}", "[".repeat(depth), "]".repeat(depth))
}

/// An object that begins with these fields and goes on at random.
fn beginning(fields: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (fields, object(json())).prop_map(|(fields, object)| match object.as_str() {
        "{}" => format!("{{{fields}}}"),
        object => format!("{{{fields},{}", &object[1..]),
    })
}

fn field(name: &'static str, values: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(values).prop_map(move |value| format!("\"{name}\":\"{value}\""))
}

/// A few of each in a usual run; `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok();
    let cases = cases.and_then(|cases| cases.parse().ok());
    ProptestConfig {
        cases: cases.unwrap_or(100),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_message_of_the_chat_is_done_or_refused(
        messages in vec(prop_oneof![
            beginning(field("type", &[
                "message", "username", "video-offer", "video-answer", "new-ice-candidate", "hang-up", "wave",
            ])),
            json(),
        ], 1..6),
    ) {
        let mut play = Play::new(Mdn::new(usize::MAX), is_json);
        play.hear(Content::Text(r#"{"type":"username","name":"A"}"#));
        for message in messages {
            let outcome = play.hear(Content::Text(&message));
            prop_assert!(outcome.asked + outcome.told.len() > 0, "{message}: {outcome:?}");
            prop_assert!(outcome.ended.is_none(), "{message}: {outcome:?}");
            check_candidates(&outcome)?;
        }
    }

    #[test]
    fn every_event_of_socket_io_is_acknowledged_once(
        events in vec((
            select(&[
                "join-room", "create-room", "leave-room", "offer", "answer", "ice-candidate", "video:join-room",
                "video:leave-room", "video:state", "video:offer", "video:answer", "video:ice-candidate", "video:wave",
                "presence:join-study", "presence:leave-study", "init", "request_connection", "cancel_connection",
                "connection_info", "wave", "\\ud83d",
            ][..]),
            prop_oneof![
                json(),
                Just(String::new()),
                beginning(field("target", &["B", "x"])),
                beginning(field("to", &["B", "x"])),
                beginning(field("remoteName", &["B", "x"])),
                beginning(field("roomId", &["r", "a/b", " "])),
            ],
            0..3u8,
        ), 1..6),
    ) {
        let mut play = Play::new(SocketIo::new(ErrorTexts::English), is_packet);
        let enter = [r#"2["join-room","r"]"#, r#"2["video:join-room",{"roomId":"r"}]"#, r#"2["init","A"]"#];
        for packet in enter {
            play.hear(Content::Text(packet));
        }
        for (ack, (name, argument, attachments)) in events.into_iter().enumerate() {
            let comma = if argument.is_empty() { "" } else { "," };
            let kind = match attachments {
                0 => "2".to_owned(),
                count => format!("5{count}-"),
            };
            let event = format!("{kind}{ack}[\"{name}\"{comma}{argument}]");
            let mut outcome = play.hear(Content::Text(&event));
            for _ in 0..attachments {
                let rest = play.hear(Content::Binary(b"attachment"));
                outcome.asked += rest.asked;
                outcome.told.extend(rest.told);
            }
            let head = format!("3{ack}[");
            let acknowledged = outcome.told.iter().filter(|told| told.starts_with(&head)).count();
            prop_assert_eq!(acknowledged, 1, "{}: {:?}", event, outcome);
            prop_assert!(attachments == 0 || outcome.asked == 0, "{event}: {outcome:?}");
            check_candidates(&outcome)?;
        }
    }

    #[test]
    fn an_argument_list_that_is_none_is_acknowledged_too(array in json(), ack in 0..9u8) {
        let mut play = Play::new(SocketIo::new(ErrorTexts::English), is_packet);
        let packet = format!("2{ack}{array}");
        // A number would be one of the acknowledgement's digits.
        prop_assume!(!array.starts_with(|c: char| c.is_ascii_digit()));
        let outcome = play.hear(Content::Text(&packet));
        let head = format!("3{ack}[");
        let acknowledged = outcome.told.iter().filter(|told| told.starts_with(&head)).count();
        prop_assert_eq!(acknowledged, 1, "{}: {:?}", packet, outcome);
    }

    #[test]
    fn whatever_else_is_in_auth_the_token_counts(
        before in object(json()),
        after in object(json()),
    ) {
        let auth = format!(r#"0{{"a":{before},"token":"t","b":{after}}}"#);
        let mut tokens = Vec::new();
        SocketIo::new(ErrorTexts::English).hear(Content::Text(&auth), &mut |heard| {
            if let Heard::Hello(introduction) = heard {
                tokens.push(introduction.hello.token.map(|token| token.into_owned()));
            }
        });
        prop_assert_eq!(tokens, [Some("t".to_owned())]);
        let spread = format!(r#"0{},"token":"t"}}"#, &before[..before.len() - 1]);
        let spread = spread.replace("{,", "{");
        let mut tokens = Vec::new();
        SocketIo::new(ErrorTexts::English).hear(Content::Text(&spread), &mut |heard| {
            if let Heard::Hello(introduction) = heard {
                tokens.push(introduction.hello.token.map(|token| token.into_owned()));
            }
        });
        prop_assert_eq!(tokens, [Some("t".to_owned())], "{}", spread);
    }

    #[test]
    fn every_send_of_stomp_has_its_receipt_or_is_refused_with_it(
        sends in vec((
            select(&["join", "signal", "signal", "signal", "leave"][..]),
            prop_oneof![
                json(),
                Just(String::new()),
                beginning(field("type", &["OFFER", "answer", "CANDIDATE", "CHAT", "two words"])),
            ],
        ), 1..6),
    ) {
        let version = Version::V1_2;
        let mut play = Play::new(stomp(version), move |told| is_stomp(version, told));
        for destination in ["/topic/rooms/r/signal", "/topic/rooms/r/members", "/user/queue/system"] {
            play.hear(Content::Text(&format!("SUBSCRIBE\nid:{destination}\ndestination:{destination}\n\n\0")));
        }
        for (number, (action, body)) in sends.into_iter().enumerate() {
            let send = format!("SEND\nreceipt:n{number}\ndestination:/app/rooms/r/{action}\n\n{body}\0");
            let outcome = play.hear(Content::Text(&send));
            let receipt = format!("\nreceipt-id:n{number}\n");
            let answered = outcome.told.iter().filter(|told| told.contains(&receipt)).count();
            prop_assert_eq!(answered, 1, "{}: {:?}", send, outcome);
            prop_assert!(outcome.ended.is_none(), "{send}: {outcome:?}");
            check_candidates(&outcome)?;
        }
    }

    #[test]
    fn what_a_native_member_says_is_told_to_all(
        signals in vec((select(&KINDS[..]), json()), 1..6),
    ) {
        let mut audience = Audience::default();
        for (kind, payload) in signals {
            if let Ok(payload) = Payload::new(Encoding::Json, payload.as_bytes()) {
                audience.hear(kind, payload);
                let packed = payload.transcode_to(Encoding::MessagePack).expect("a payload is in both");
                audience.hear(kind, Payload { encoding: Encoding::MessagePack, bytes: &packed });
            }
        }
    }
}

/// No candidate says that it is none beside something else.
fn check_candidates(outcome: &Outcome) -> Result<(), TestCaseError> {
    for (kind, payload) in &outcome.signals {
        let fields: HashMap<String, &RawValue> = serde_json::from_str(payload).unwrap_or_default();
        let says_null = fields
            .get("candidate")
            .is_some_and(|value| value.get() == "null");
        prop_assert!(kind != "candidate" || !says_null, "{payload}");
    }
    Ok(())
}
