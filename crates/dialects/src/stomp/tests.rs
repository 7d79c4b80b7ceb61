use std::time::Duration;

use serde_json::Value;
use switchboard_protocol::limits::Limits as SessionLimits;
use switchboard_protocol::server_message::{
    Done, Error, Joined, LeaveReason, Left, MemberJoined, MemberLeft, Ready, ResumeTicket,
    RoomClosed, Signal, Welcome,
};
use switchboard_protocol::{ClientMessage, ErrorCode, Member, RoomId};

use super::*;
use crate::lists::much_later;
use crate::told::tests::{member, signal};

const ROOM: &str = "r";

fn room() -> RoomId {
    ROOM.parse().expect("a room")
}

fn welcome(peer: PeerId) -> Welcome {
    Welcome {
        peer,
        user: "ada".parse().expect("a user"),
        name: None,
        node: "n-1".parse().expect("a node"),
        resume: ResumeTicket {
            secret: String::new(),
            window_ms: 0,
        },
        resumed: false,
        rooms: None,
        heartbeat_ms: 15_000,
        limits: SessionLimits {
            in_flight: 1,
            in_flight_bytes: 1,
            max_message_bytes: 1,
            signals_per_second: 1,
            burst: 1,
        },
        ice_servers: Vec::new(),
    }
}

fn stomp() -> Stomp {
    Stomp::new(Bounds {
        frame_bytes_max: 1 << 18,
        back_bytes_max: 1 << 20,
    })
}

/// A frame as a test writes it, with `^` for NUL.
fn frame(text: &str) -> String {
    text.replace('^', "\0")
}

/// What the session gets, in a word or two, and what is said back at once, as it is.
fn hear_with(hear: impl FnOnce(Hear<'_>)) -> Vec<String> {
    let mut heard = Vec::new();
    hear(&mut |what| {
        heard.push(match what {
            Heard::Input(Input::Alive) => return,
            Heard::Input(Input::Enter(enter)) => format!(
                "enter {} as {} of {}",
                enter.join.room,
                enter.name.map_or("nobody".into(), |name| name.text),
                enter.join.capacity.unwrap_or_default()
            ),
            Heard::Input(Input::Message(ClientMessage::Signal(signal))) => format!(
                "{} in {} to {} {}",
                signal.kind,
                signal.room,
                signal.to.as_deref().unwrap_or("all"),
                String::from_utf8_lossy(signal.payload.bytes)
            ),
            Heard::Input(Input::Message(ClientMessage::Leave(leave))) => {
                format!("leave {}", leave.room)
            }
            Heard::Input(Input::Message(ClientMessage::Bye(_))) => "bye".into(),
            Heard::Input(Input::Broken(error)) => format!("broken: {error}"),
            Heard::Input(Input::Ask { id, .. }) => format!("ask {id}"),
            Heard::Input(Input::Unfit { words, .. }) => format!("unfit {words}"),
            Heard::Hello(introduction) => format!(
                "hello {} {}",
                introduction.user.as_deref().unwrap_or("-"),
                introduction.hello.token.as_deref().unwrap_or("-")
            ),
            Heard::Say(Frame::Text(text)) => text.replace('\0', "^"),
            Heard::End(closing) => format!("end {:?}: {}", closing.code, closing.reason),
            other => format!("{other:?}"),
        });
    });
    heard
}

/// The session lets it have what it asks for.
fn hear(stomp: &mut Stomp, text: &str) -> Vec<String> {
    let heard = hear_with(|heard| stomp.hear(Content::Text(&frame(text)), heard));
    let heard = heard
        .into_iter()
        .map(|what| match what.strip_prefix("ask ") {
            Some(id) => {
                let re = id.parse().expect("an id");
                only_say(stomp, Done { re, to: None })
            }
            None if what.starts_with("unfit ") => {
                let refused = Error {
                    re: None,
                    code: ErrorCode::BadMessage,
                    message: what.trim_start_matches("unfit ").to_owned(),
                    retry_after_ms: None,
                };
                only_say(stomp, refused)
            }
            None => vec![what],
        });
    heard.collect::<Vec<_>>().concat()
}

fn say(stomp: &mut Stomp, message: impl Into<ServerMessage>) -> Vec<String> {
    let mut said = only_say(stomp, message);
    stomp.settle(much_later(), &mut |frame| {
        said.push(frame.text().expect("text").replace('\0', "^"));
    });
    said
}

fn only_say(stomp: &mut Stomp, message: impl Into<ServerMessage>) -> Vec<String> {
    let mut said = Vec::new();
    let message = message.into();
    let written = stomp.say(&message, &mut |frame| {
        said.push(frame.text().expect("text").replace('\0', "^"));
    });
    written.expect("it can be said");
    said
}

/// The bodies of messages to a destination.
fn bodies(said: &[String], destination: &str) -> Vec<Value> {
    let of_it = |frame: &&String| {
        let mut lines = frame.lines();
        frame.starts_with("MESSAGE\n")
            && lines.any(|line| line == format!("destination:{destination}"))
    };
    let body = |frame: &String| {
        let (_, body) = frame.split_once("\n\n").expect("a body");
        serde_json::from_str(body.trim_end_matches('^')).expect("JSON")
    };
    said.iter().filter(of_it).map(body).collect()
}

fn goodbye(stomp: &mut Stomp, code: CloseCode, words: &str) -> String {
    let mut said = String::new();
    stomp.goodbye(&Closing::because(code, words), &mut |frame| {
        said.push_str(&frame.text().expect("text").replace('\0', "^"));
    });
    said
}

/// What a client is told that got something wrong.
fn error_after(stomp: &mut Stomp, text: &str) -> String {
    let heard = hear(stomp, text);
    let ended = heard
        .last()
        .and_then(|last| last.strip_prefix("end Protocol: "));
    let words = ended.unwrap_or_else(|| panic!("{text} ends nothing: {heard:?}"));
    goodbye(stomp, CloseCode::Protocol, words)
}

fn connected_with(headers: &str) -> (Stomp, PeerId) {
    let (mut stomp, peer) = (stomp(), PeerId::random());
    let heard = hear(&mut stomp, &format!("CONNECT\n{headers}\n\n^\n"));
    assert_eq!(heard, ["hello - -"]);
    say(&mut stomp, welcome(peer));
    (stomp, peer)
}

fn connected() -> (Stomp, PeerId) {
    connected_with("accept-version:1.2")
}

/// The id of the first request of somebody who is in the room: each subscription was one.
const FIRST: u64 = 5;

/// Subscribed to all there is, and in the room alone.
fn in_room() -> (Stomp, Member) {
    let (mut stomp, peer) = connected();
    for (id, destination) in [
        ("0", "/topic/rooms/r/members"),
        ("1", "/topic/rooms/r/signal"),
        ("2", "/user/queue/system"),
        ("3", "/user/queue/me"),
    ] {
        let text = format!("SUBSCRIBE\nid:{id}\ndestination:{destination}\n\n^");
        assert_eq!(hear(&mut stomp, &text), [""; 0]);
    }
    let own = Member {
        peer,
        ..member(Some("Ada"), 1)
    };
    say(&mut stomp, joined(&[&own]));
    (stomp, own)
}

fn joined(members: &[&Member]) -> Joined {
    Joined {
        re: 1,
        room: room(),
        revision: 1,
        capacity: 2,
        members: members.iter().map(|member| (*member).clone()).collect(),
    }
}

fn came(member: &Member) -> MemberJoined {
    MemberJoined {
        room: room(),
        revision: 2,
        member: member.clone(),
    }
}

fn left(member: &Member) -> MemberLeft {
    MemberLeft {
        room: room(),
        revision: 3,
        peer: member.peer,
        reason: LeaveReason::Disconnected,
    }
}

fn signalled(from: PeerId, kind: &str, payload: &Value) -> Signal {
    signal(from, ROOM, kind, payload.to_string())
}

fn refused(re: u64, code: ErrorCode) -> Error {
    Error {
        re: Some(re),
        code,
        message: "words".into(),
        retry_after_ms: None,
    }
}

#[test]
fn connect_says_who_comes() {
    for (headers, expected) in [
        ("accept-version:1.2", "hello - -"),
        ("login:ada\npasscode:t", "hello ada t"),
        ("Authorization:Bearer a.b.c\npasscode:t", "hello - a.b.c"),
        ("Authorization:Basic x\nlogin:\npasscode:", "hello - -"),
    ] {
        let heard = hear(&mut stomp(), &format!("CONNECT\n{headers}\n\n^"));
        assert_eq!(heard, [expected], "{headers}");
    }
}

#[test]
fn connected_names_version_heart_beat_session_and_user() {
    let (mut stomp, peer) = (stomp(), PeerId::random());
    hear(&mut stomp, "STOMP\naccept-version:1.0,1.1\n\n^");
    let said = say(&mut stomp, welcome(peer));
    let expected = format!(
        "CONNECTED\nversion:1.1\nheart-beat:15000,15000\nsession:{peer}\nserver:switchboard\nuser-name:ada\n\n^"
    );
    assert_eq!(said, [expected]);
}

#[test]
fn what_comes_behind_connect_waits_for_the_session_and_is_heard_then() {
    let (mut stomp, peer) = (stomp(), PeerId::random());
    let heard = hear(
        &mut stomp,
        "CONNECT\naccept-version:1.2\n\n^SEND\ndestination:/app/rooms/r/join\n\n^SUBSCRIBE\nid:0\n",
    );
    assert_eq!(heard, ["hello - -"]);
    say(&mut stomp, welcome(peer));
    let heard = hear_with(|heard| stomp.hear_rest(heard));
    assert_eq!(heard, ["enter r as nobody of 2"]);
    let heard = hear(&mut stomp, "destination:/user/queue/me\nreceipt:7\n\n^");
    assert_eq!(heard, ["RECEIPT\nreceipt-id:7\n\n^"]);
}

#[test]
fn whoever_cannot_connect_is_told_why_and_which_versions_there_are() {
    for (text, words) in [
        (
            "CONNECT\naccept-version:2.0\n\n^",
            "no STOMP version in common",
        ),
        (
            "CONNECT\nheart-beat:x\n\n^",
            "heart-beat has to be two whole numbers",
        ),
        (
            "SEND\ndestination:/app/rooms/r/join\n\n^",
            "SEND before CONNECT",
        ),
        ("HELLO\n\n^", "unknown command"),
    ] {
        let error = error_after(&mut stomp(), text);
        assert!(error.starts_with("ERROR\nmessage:"), "{error}");
        assert!(error.contains(words), "{error}");
        assert!(error.contains("\nversion:1.0,1.1,1.2\n"), "{error}");
    }
    let error = goodbye(&mut stomp(), CloseCode::Timeout, "no hello");
    assert!(error.contains("begin with CONNECT"), "{error}");
}

#[test]
fn a_refused_token_is_told_in_an_error_frame() {
    let mut stomp = stomp();
    hear(&mut stomp, "CONNECT\naccept-version:1.2\n\n^");
    let error = goodbye(&mut stomp, CloseCode::Unauthorized, "a: b");
    assert!(error.starts_with("ERROR\nmessage:a: b\n"), "{error}");
}

#[test]
fn a_join_enters_a_room_of_two_under_the_display_name() {
    let (mut stomp, _) = connected();
    for (body, expected) in [
        ("", "enter r as nobody of 2"),
        ("{}", "enter r as nobody of 2"),
        (
            r#"{"roomId":"r","displayName":"Ada"}"#,
            "enter r as Ada of 2",
        ),
        (r#"{"displayName":null}"#, "enter r as nobody of 2"),
        ("null", "enter r as nobody of 2"),
        (
            r#"{"displayName":1,"displayName":"Ada","\ud83d":1e999}"#,
            "enter r as Ada of 2",
        ),
        ("[]", "broken: a join is a JSON object, or nothing"),
        ("{", "broken: a join is a JSON object, or nothing"),
    ] {
        let text = format!("SEND\ndestination:/app/rooms/r/join\n\n{body}^");
        assert_eq!(hear(&mut stomp, &text), [expected], "{body}");
    }
}

#[test]
fn a_display_name_that_is_none_costs_the_name_and_is_said() {
    let (mut stomp, _) = connected();
    hear(
        &mut stomp,
        "SUBSCRIBE\nid:0\ndestination:/user/queue/system\n\n^",
    );
    let long = format!("{:?}", "x".repeat(257));
    for name in ["7", "{}", r#""Ada\ud83d""#, &long] {
        let text = format!("SEND\ndestination:/app/rooms/r/join\n\n{{\"displayName\":{name}}}^");
        let heard = hear(&mut stomp, &text);
        let words = "left out: `displayName` is not a text of at most 256 bytes";
        assert_eq!(
            bodies(&heard, "/user/queue/system"),
            [json!({ "type": "ERROR", "message": words })],
            "{name}"
        );
        assert_eq!(heard[1], "enter r as nobody of 2", "{name}");
    }
}

#[test]
fn a_destination_is_told_as_it_was_subscribed() {
    let (mut stomp, peer) = connected();
    let written = ["a%2Fb", "%61%2fb", "%61%2F%62"];
    for (id, room) in written.iter().enumerate() {
        let frame = format!("SUBSCRIBE\nid:{id}\ndestination:/topic/rooms/{room}/members\n\n^");
        assert!(hear(&mut stomp, &frame).is_empty());
    }
    let heard = hear(&mut stomp, "SEND\ndestination:/app/rooms/a%2fb/join\n\n^");
    assert_eq!(heard, ["enter a/b as nobody of 2"]);
    let own = Member {
        peer,
        ..member(None, 1)
    };
    let said = say(
        &mut stomp,
        Joined {
            re: 1,
            room: "a/b".parse().expect("a room"),
            revision: 1,
            capacity: 2,
            members: vec![own],
        },
    );
    assert_eq!(said.len(), written.len(), "{said:?}");
    for room in written {
        let destination = format!("/topic/rooms/{room}/members");
        assert_eq!(
            bodies(&said, &destination),
            [json!([{ "sid": peer }])],
            "{said:?}"
        );
    }
    let error = error_after(
        &mut stomp,
        "SUBSCRIBE\nid:9\ndestination:/topic/rooms/a%2/members\n\n^",
    );
    assert!(
        error.contains("each % with two hexadecimal digits"),
        "{error}"
    );
}

#[test]
fn what_javascript_writes_is_passed_on_and_comes_back_the_same() {
    let (mut stomp, own) = in_room();
    let bob = member(None, 2);
    say(&mut stomp, joined(&[&own, &bob]));
    let deep = |depth| "[".repeat(depth) + &"]".repeat(depth);
    let chat = r#"{"type":"CHAT","text":"\ud83d","n":1e999,"n":-0,"\ud83d":5.0}"#;
    let heard = hear(
        &mut stomp,
        &format!("SEND\ndestination:/app/rooms/r/signal\n\n{chat}^"),
    );
    assert_eq!(
        heard,
        [
            "CHAT in r to all {\"with\":{\"under\":\"\"},\"text\":\"\\ufffd\",\"n\":-0,\"\u{fffd}\":5.0}"
        ]
    );
    let refused = hear(
        &mut stomp,
        &format!(
            "SEND\ndestination:/app/rooms/r/signal\n\n{{\"type\":\"CHAT\",\"x\":{}}}^",
            deep(128)
        ),
    );
    assert_eq!(refused, ["broken: nested more than 128 deep"]);
    for kind in ["wave", "offer", "candidate", "message"] {
        let said = say(&mut stomp, signal(bob.peer, ROOM, kind, deep(128)));
        assert!(said[0].contains(&deep(128)), "{kind}: {said:?}");
    }
}

#[test]
fn whoever_joins_learns_its_sid_and_who_is_there() {
    let (mut stomp, own) = in_room();
    let bob = member(None, 2);
    let said = say(&mut stomp, joined(&[&own, &bob]));
    assert_eq!(
        bodies(&said, "/user/queue/me"),
        [json!({ "sid": own.peer })]
    );
    let listed = json!([{ "sid": own.peer, "displayName": "Ada" }, { "sid": bob.peer }]);
    assert_eq!(bodies(&said, "/topic/rooms/r/members"), [listed]);
    let message = said
        .iter()
        .find(|frame| frame.contains("members"))
        .expect("members");
    assert!(message.contains("\nsubscription:0\n"), "{message}");
    assert!(
        message.contains("\ncontent-type:application/json\n"),
        "{message}"
    );
}

#[test]
fn members_are_listed_after_each_change_and_who_leaves_is_named() {
    let (mut stomp, own) = in_room();
    let bob = member(Some("Bob"), 2);
    let said = say(&mut stomp, came(&bob));
    let both = json!([{ "sid": own.peer, "displayName": "Ada" }, { "sid": bob.peer, "displayName": "Bob" }]);
    assert_eq!(bodies(&said, "/topic/rooms/r/members"), [both]);
    let said = say(&mut stomp, left(&bob));
    assert_eq!(
        bodies(&said, "/topic/rooms/r/signal"),
        [json!({ "type": "LEAVE", "sid": bob.peer })]
    );
    let one = json!([{ "sid": own.peer, "displayName": "Ada" }]);
    assert_eq!(bodies(&said, "/topic/rooms/r/members"), [one]);
}

#[test]
fn ready_comes_on_the_signal_topic() {
    let (mut stomp, own) = in_room();
    let peers = [own.peer, PeerId::random()];
    let said = say(
        &mut stomp,
        Ready {
            room: room(),
            offerer: own.peer,
            peers,
        },
    );
    assert_eq!(
        bodies(&said, "/topic/rooms/r/signal"),
        [json!({ "type": "READY" })]
    );
}

#[test]
fn a_signal_goes_to_all_and_comes_back_once_it_is_on_its_way() {
    let (mut stomp, own) = in_room();
    let heard = hear(
        &mut stomp,
        "SEND\ndestination:/app/rooms/r/signal\nreceipt:9\n\n{\"type\":\"OFFER\",\"sdp\":\"v=0\",\"sid\":\"x\"}^",
    );
    assert_eq!(heard, [r#"offer in r to all {"type":"offer","sdp":"v=0"}"#]);
    let said = say(
        &mut stomp,
        Done {
            re: FIRST,
            to: Some(Vec::new()),
        },
    );
    assert_eq!(
        bodies(&said, "/topic/rooms/r/signal"),
        [json!({ "type": "OFFER", "sid": own.peer, "sdp": "v=0" })]
    );
    assert_eq!(
        said.last().map(String::as_str),
        Some("RECEIPT\nreceipt-id:9\n\n^")
    );
}

#[test]
fn a_signal_that_is_refused_does_not_come_back() {
    let (mut stomp, _) = in_room();
    hear(
        &mut stomp,
        "SEND\ndestination:/app/rooms/r/signal\nreceipt:9\n\n{\"type\":\"OFFER\",\"sdp\":\"v=0\"}^",
    );
    let said = say(&mut stomp, refused(FIRST, ErrorCode::RateLimited));
    assert_eq!(
        bodies(&said, "/user/queue/system"),
        [json!({ "type": "ERROR", "message": "words" })]
    );
    assert!(said[0].contains("\nreceipt-id:9\n"), "{said:?}");
    assert_eq!(
        say(
            &mut stomp,
            Done {
                re: FIRST,
                to: None
            }
        ),
        [""; 0]
    );
}

#[test]
fn refusals_that_follow_fast_go_to_one_subscription_and_others_are_told_after_a_pause() {
    let (mut stomp, _) = in_room();
    for id in 10..60 {
        let text = format!("SUBSCRIBE\nid:{id}\ndestination:/user/queue/system\n\n^");
        hear(&mut stomp, &text);
    }
    let mut told = || say(&mut stomp, refused(1, ErrorCode::RateLimited)).len();
    assert_eq!(told(), 51);
    // 51 frames are more than a hundred milliseconds' worth of them.
    assert_eq!([told(), told(), told()], [1, 1, 1]);
    stomp.refusals = Pace::default();
    assert_eq!(
        say(&mut stomp, refused(1, ErrorCode::RateLimited)).len(),
        51
    );
}

#[test]
fn a_full_room_is_told_in_the_words_of_the_tutorial() {
    let (mut stomp, _) = in_room();
    let said = say(&mut stomp, refused(1, ErrorCode::RoomFull));
    assert_eq!(
        bodies(&said, "/user/queue/system"),
        [json!({ "type": "ERROR", "message": "Room is full" })]
    );
}

#[test]
fn signals_of_others_come_to_each_subscription_and_only_while_one_is_in_the_room() {
    let (mut stomp, _) = in_room();
    hear(
        &mut stomp,
        "SUBSCRIBE\nid:again\ndestination:/topic/rooms/r/signal\n\n^",
    );
    let bob = PeerId::random();
    let offer = json!({ "type": "offer", "sdp": "v=0" });
    let said = say(&mut stomp, signalled(bob, "offer", &offer));
    let told = json!({ "type": "OFFER", "sid": bob, "sdp": "v=0" });
    assert_eq!(bodies(&said, "/topic/rooms/r/signal"), [told.clone(), told]);
    let ids: Vec<_> = said
        .iter()
        .flat_map(|frame| frame.lines().find(|line| line.starts_with("message-id:")))
        .collect();
    assert!(ids.len() == 2 && ids[0] != ids[1], "{ids:?}");

    hear(&mut stomp, "UNSUBSCRIBE\nid:1\n\n^");
    assert_eq!(say(&mut stomp, signalled(bob, "offer", &offer)).len(), 1);
    hear(&mut stomp, "SEND\ndestination:/app/rooms/r/leave\n\n^");
    say(
        &mut stomp,
        Left {
            re: 1,
            room: room(),
        },
    );
    assert_eq!(say(&mut stomp, signalled(bob, "offer", &offer)), [""; 0]);
}

#[test]
fn a_subscription_after_the_join_gets_the_members_at_once() {
    let (mut stomp, own) = in_room();
    let heard = hear(
        &mut stomp,
        "SUBSCRIBE\nid:late\ndestination:/topic/rooms/r/members\nreceipt:1\n\n^",
    );
    let listed = json!([{ "sid": own.peer, "displayName": "Ada" }]);
    assert_eq!(bodies(&heard, "/topic/rooms/r/members"), [listed]);
    assert!(heard[0].contains("\nsubscription:late\n"), "{heard:?}");
    assert_eq!(heard[1], "RECEIPT\nreceipt-id:1\n\n^");
}

#[test]
fn who_is_taken_out_of_a_room_is_told() {
    let (mut stomp, _) = in_room();
    let said = say(
        &mut stomp,
        RoomClosed {
            room: room(),
            reason: "words".into(),
        },
    );
    let message = json!({ "type": "ERROR", "message": "you are no longer in the room r: words" });
    assert_eq!(bodies(&said, "/user/queue/system"), [message]);
    assert_eq!(say(&mut stomp, came(&member(None, 2))), [""; 0]);
}

#[test]
fn a_client_that_wants_to_acknowledge_may_and_nobody_waits_for_it() {
    let (mut stomp, peer) = connected();
    hear(
        &mut stomp,
        "SUBSCRIBE\nid:0\ndestination:/user/queue/me\nack:client-individual\n\n^",
    );
    let said = say(
        &mut stomp,
        joined(&[&Member {
            peer,
            ..member(None, 1)
        }]),
    );
    assert!(
        said[0].contains("\nmessage-id:1\n") && said[0].contains("\nack:1\n"),
        "{said:?}"
    );
    let heard = hear(&mut stomp, "ACK\nid:1\nreceipt:a\n\n^NACK\nid:1\n\n^");
    assert_eq!(heard, ["RECEIPT\nreceipt-id:a\n\n^"]);
}

#[test]
fn in_stomp_1_0_a_subscription_is_known_by_its_destination_too() {
    let (mut stomp, peer) = connected_with("login:");
    hear(&mut stomp, "SUBSCRIBE\ndestination:/user/queue/me\n\n^");
    let me = joined(&[&Member {
        peer,
        ..member(None, 1)
    }]);
    assert_eq!(say(&mut stomp, me.clone()).len(), 1);
    hear(&mut stomp, "UNSUBSCRIBE\ndestination:/user/queue/me\n\n^");
    assert_eq!(say(&mut stomp, me), [""; 0]);
}

#[test]
fn disconnect_is_confirmed_and_is_the_end() {
    let (mut stomp, _) = in_room();
    let heard = hear(
        &mut stomp,
        "DISCONNECT\nreceipt:bye\n\n^SEND\ndestination:/app/rooms/r/leave\n\n^",
    );
    assert_eq!(heard, ["RECEIPT\nreceipt-id:bye\n\n^", "bye"]);
    assert_eq!(goodbye(&mut stomp, CloseCode::Bye, "bye"), "");
}

#[test]
fn what_stomp_forbids_or_is_not_there_is_an_error_with_the_receipt_and_the_end() {
    for (text, words) in [
        (
            "BEGIN\ntransaction:t\nreceipt:1\n\n^",
            "no transactions here",
        ),
        (
            "COMMIT\ntransaction:t\nreceipt:1\n\n^",
            "no transactions here",
        ),
        (
            "ABORT\ntransaction:t\nreceipt:1\n\n^",
            "no transactions here",
        ),
        (
            "SEND\ndestination:/app/rooms/r/join\ntransaction:t\nreceipt:1\n\n^",
            "no transactions here",
        ),
        ("CONNECT\nreceipt:1\n\n^", "CONNECT was said already"),
        ("CONNECTED\nreceipt:1\n\n^", "for servers"),
        ("SEND\nreceipt:1\n\n^", "needs the header destination"),
        (
            "SEND\ndestination:/app/rooms/r\nreceipt:1\n\n^",
            "nothing can be sent to",
        ),
        (
            "SEND\ndestination:/topic/rooms/r/signal\nreceipt:1\n\n^",
            "nothing can be sent to",
        ),
        (
            "SUBSCRIBE\nid:1\nreceipt:1\n\n^",
            "needs the header destination",
        ),
        (
            "SUBSCRIBE\ndestination:/user/queue/me\nreceipt:1\n\n^",
            "needs the header id",
        ),
        (
            "SUBSCRIBE\nid:9\ndestination:/topic/rooms/>\nreceipt:1\n\n^",
            "to subscribe to",
        ),
        (
            "SUBSCRIBE\nid:0\ndestination:/user/queue/me\nreceipt:1\n\n^",
            "of this id already",
        ),
        ("UNSUBSCRIBE\nreceipt:1\n\n^", "needs the header id"),
    ] {
        let (mut stomp, _) = in_room();
        let error = error_after(&mut stomp, text);
        assert!(error.contains(words), "{error}");
        assert!(error.contains("\nreceipt-id:1\n"), "{error}");
        assert_eq!(
            hear(&mut stomp, "SEND\ndestination:/app/rooms/r/leave\n\n^"),
            [""; 0]
        );
    }
    let (mut stomp, _) = in_room();
    let error = error_after(&mut stomp, "no frame\n\n^");
    assert!(
        error.contains("unknown command") && !error.contains("receipt-id"),
        "{error}"
    );
}

#[test]
fn subscriptions_are_bounded_in_number_and_length() {
    let (mut stomp, _) = connected();
    for id in 0..64 {
        let text = format!("SUBSCRIBE\nid:{id}\ndestination:/user/queue/me\n\n^");
        assert_eq!(hear(&mut stomp, &text), [""; 0]);
    }
    let error = error_after(
        &mut stomp,
        "SUBSCRIBE\nid:64\ndestination:/user/queue/me\n\n^",
    );
    assert!(error.contains("at most 64 subscriptions"), "{error}");
    let (mut stomp, _) = connected();
    let text = format!(
        "SUBSCRIBE\nid:{}\ndestination:/user/queue/me\n\n^",
        "x".repeat(257)
    );
    let error = error_after(&mut stomp, &text);
    assert!(error.contains("at most 256 bytes"), "{error}");
}

#[test]
fn a_client_that_is_to_come_again_gets_no_error() {
    let (mut stomp, _) = in_room();
    assert_eq!(goodbye(&mut stomp, CloseCode::GoingAway, "going away"), "");
    assert!(goodbye(&mut stomp, CloseCode::TooLarge, "too large").starts_with("ERROR\n"));
}

#[test]
fn heart_beats_go_to_those_who_want_them() {
    for (header, beats) in [
        ("heart-beat:0,10000", 1),
        ("heart-beat:10000,0", 0),
        ("login:", 0),
    ] {
        let (mut stomp, _) = connected_with(header);
        let heard = hear_with(|heard| stomp.tick(Instant::now(), heard));
        assert_eq!(heard, vec!["\n"; beats], "{header}");
    }
}

#[test]
fn whoever_promised_heart_beats_and_is_silent_for_long_is_given_up() {
    let (mut stomp, _) = connected_with("heart-beat:20000,0");
    let at = |seconds| Instant::now() + Duration::from_secs(seconds);
    assert_eq!(hear_with(|heard| stomp.tick(at(99), heard)), [""; 0]);
    let heard = hear_with(|heard| stomp.tick(at(101), heard));
    assert_eq!(
        heard,
        ["end Timeout: no heart-beat for much longer than you promised"]
    );

    let (mut stomp, _) = connected_with("heart-beat:0,0");
    assert_eq!(hear_with(|heard| stomp.tick(at(100_000), heard)), [""; 0]);
}

#[test]
fn a_client_that_says_much_to_itself_and_does_not_read_it_is_cut_off() {
    let (mut stomp, _) = in_room();
    let sdp = "x".repeat(200_000);
    let offer = format!(
        "SEND\ndestination:/app/rooms/r/signal\n\n{{\"type\":\"OFFER\",\"sdp\":\"{sdp}\"}}^"
    );
    let mut answered = FIRST - 1;
    let send = |stomp: &mut Stomp| hear(stomp, &offer).remove(0);
    for _ in 0..2 {
        for _ in 0..5 {
            assert!(send(&mut stomp).starts_with("offer"));
            answered += 1;
            say(
                &mut stomp,
                Done {
                    re: answered,
                    to: None,
                },
            );
        }
    }
    for _ in 0..5 {
        send(&mut stomp);
    }
    assert_eq!(
        send(&mut stomp),
        "end SlowConsumer: you do not read as fast as you write"
    );
}

/// One more.
fn another() -> MemberJoined {
    came(&member(None, 9))
}

#[test]
fn of_many_changes_one_list_is_told_to_each_subscription() {
    let (mut stomp, ..) = in_room();
    let before = say(&mut stomp, another());
    let subscribed = bodies(&before, "/topic/rooms/r/members").len();
    assert!(subscribed > 0, "{before:?}");
    for _ in 4..100 {
        assert!(only_say(&mut stomp, another()).is_empty());
    }
    let told = say(&mut stomp, another());
    assert_eq!(
        bodies(&told, "/topic/rooms/r/members").len(),
        subscribed,
        "{told:?}"
    );
}

#[test]
fn a_list_that_a_subscription_asks_for_is_weighed_and_where_it_is_refused_there_is_no_subscription()
{
    let (mut stomp, ..) = in_room();
    for _ in 3..100 {
        say(&mut stomp, another());
    }
    let subscribe = frame("SUBSCRIBE\nid:late\nreceipt:x\ndestination:/topic/rooms/r/members\n\n^");
    let mut asked = None;
    stomp.hear(Content::Text(&subscribe), &mut |heard| {
        if let Heard::Input(Input::Ask { id, bytes }) = heard {
            asked = Some((id, bytes));
        }
    });
    let (id, bytes) = asked.expect("it is asked for");
    assert!(bytes > 3000, "{bytes}");
    let refused = Error {
        re: Some(id),
        code: ErrorCode::RateLimited,
        message: "slow down".into(),
        retry_after_ms: Some(10),
    };
    let told = only_say(&mut stomp, refused);
    assert!(
        !told.iter().any(|frame| frame.starts_with("RECEIPT")),
        "{told:?}"
    );
    let told = say(&mut stomp, another());
    assert!(
        !told.iter().any(|frame| frame.contains("subscription:late")),
        "{told:?}"
    );
}
