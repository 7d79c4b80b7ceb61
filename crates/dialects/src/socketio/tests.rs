use switchboard_protocol::server_message::{Done, Error, Joined};
use switchboard_protocol::{ClientMessage, ErrorCode, Member};
use switchboard_session::{Input, SignalToName};

use super::*;
use crate::Introduction;
use crate::told::tests::{member, signal};

/// Somebody in no room.
fn welcomed() -> SocketIo {
    SocketIo {
        peer: Some(PeerId::random()),
        ..SocketIo::new(ErrorTexts::English)
    }
}

/// What the session is asked, and what is said back at once.
fn hear(io: &mut SocketIo, text: &str) -> Vec<String> {
    let mut heard = Vec::new();
    let mut unfit = Vec::new();
    io.hear(Content::Text(text), &mut |what| {
        heard.push(match what {
            Heard::Input(Input::Enter(enter)) => {
                format!("{} enter {}", enter.join.id, enter.join.room)
            }
            Heard::Input(Input::Message(ClientMessage::Leave(leave))) => {
                format!("{} leave {}", leave.id, leave.room)
            }
            Heard::Input(Input::Message(ClientMessage::Signal(signal))) => {
                format!("{} signal in {}", signal.id, signal.room)
            }
            Heard::Input(Input::Message(ClientMessage::State(state))) => {
                format!("{} state {}", state.id, state.state.as_json())
            }
            Heard::Input(Input::Broken(error)) => format!("broken {:?}: {error}", error.re),
            Heard::Input(Input::Alive) => "alive".into(),
            Heard::Hello(Introduction { hello, user }) => format!(
                "hello {:?} {:?} {:?} {:?}",
                hello.token, hello.name, hello.avatar, user
            ),
            Heard::Say(Frame::Text(text)) => text.to_string(),
            Heard::Input(Input::Unfit { re, code, words }) => {
                let message = words.into_owned();
                unfit.push(Error {
                    re,
                    code,
                    message,
                    retry_after_ms: None,
                });
                UNFIT.into()
            }
            other => format!("{other:?}"),
        });
    });
    // The session says so, where that is within its rate.
    let mut unfit = unfit.into_iter();
    let told = heard.into_iter().map(|what| match what.as_str() {
        UNFIT => say(io, unfit.next().expect("one for each")),
        _ => vec![what],
    });
    told.collect::<Vec<_>>().concat()
}

const UNFIT: &str = "unfit";

fn say(io: &mut SocketIo, message: impl Into<ServerMessage>) -> Vec<String> {
    let mut said = Vec::new();
    io.say(&message.into(), &mut |frame| {
        said.push(frame.text().expect("text").to_string());
    })
    .expect("it can be said");
    said
}

/// The payload of the one signal that a client's event becomes.
fn passed_on(io: &mut SocketIo, text: &str) -> String {
    let mut passed = Vec::new();
    io.hear(Content::Text(text), &mut |what| match what {
        Heard::Input(
            Input::Message(ClientMessage::Signal(signal))
            | Input::SignalToName(SignalToName { signal, .. }),
        ) => {
            let payload = String::from_utf8_lossy(signal.payload.bytes);
            passed.push(format!("{} {payload}", signal.kind));
        }
        other => panic!("{text}: {other:?}"),
    });
    passed.concat()
}

/// In `room`, with somebody called Bob.
fn with_bob(enter: &str, room: &str) -> (SocketIo, Member) {
    let (mut io, bob) = (welcomed(), member(Some("Bob"), 2));
    hear(&mut io, enter);
    let me = Member {
        peer: io.peer.expect("welcomed"),
        ..member(Some("Ada"), 1)
    };
    let joined = Joined {
        members: vec![me, bob.clone()],
        ..joined(1, room)
    };
    say(&mut io, joined);
    (io, bob)
}

fn joined(re: u64, room: &str) -> Joined {
    Joined {
        re,
        room: room.parse().expect("a room"),
        revision: 1,
        capacity: 8,
        members: Vec::new(),
    }
}

fn error(re: u64, code: ErrorCode) -> Error {
    Error {
        re: Some(re),
        code,
        message: "no".into(),
        retry_after_ms: None,
    }
}

#[test]
fn who_enters_a_room_twice_is_told_that_he_is_in() {
    let mut io = welcomed();
    assert_eq!(hear(&mut io, r#"20["join-room","a"]"#), ["1 enter a"]);
    let is_in = [r#"30[{"roomId":"a","success":true}]"#];
    assert_eq!(say(&mut io, joined(1, "a")), is_in);
    assert_eq!(hear(&mut io, r#"20["join-room","a"]"#), ["2 enter a"]);
    assert_eq!(say(&mut io, error(2, ErrorCode::AlreadyJoined)), is_in);
    assert_eq!(
        hear(&mut io, r#"2["offer",{"target":"x","offer":{}}]"#),
        ["3 signal in a"]
    );
}

#[test]
fn who_enters_a_video_room_twice_is_told_who_is_there_at_the_weight_of_that_list() {
    let enter = r#"20["video:join-room",{"roomId":"r"}]"#;
    let (mut io, bob) = with_bob(enter, "video:r");
    let mut asked = None;
    io.hear(Content::Text(enter), &mut |heard| match heard {
        Heard::Input(Input::Ask { id, bytes }) => asked = Some((id, bytes)),
        other => panic!("{other:?}"),
    });
    let (re, bytes) = asked.expect("it is asked for");
    let told = say(&mut io, Done { re, to: None });
    assert!(
        told[0].contains("video:room-state") && told[0].contains(bob.peer.as_str()),
        "{told:?}"
    );
    assert_eq!(told[1..], [r#"30[{"success":true}]"#]);
    assert!(bytes >= told[0].len(), "{bytes}: {told:?}");
    // Who is about to leave is not in.
    hear(&mut io, r#"2["video:leave-room",{"roomId":"r"}]"#);
    assert_eq!(hear(&mut io, enter), ["4 enter video:r"]);
}

#[test]
fn whoever_is_in_a_study_alone_reaches_those_there_of_whom_he_was_not_told() {
    let mut io = welcomed();
    let asks = hear(&mut io, r#"2["presence:join-study",{"studyId":"s"}]"#);
    assert_eq!(asks, ["1 enter study:s"]);
    say(&mut io, joined(1, "study:s"));
    let offer = format!(
        r#"2["video:offer",{{"to":"{}","offer":{{}}}}]"#,
        PeerId::random()
    );
    assert_eq!(hear(&mut io, &offer), ["2 signal in study:s"]);
}

#[test]
fn who_could_not_enter_one_room_may_still_be_in_the_next() {
    let mut io = welcomed();
    assert_eq!(hear(&mut io, r#"2["join-room","a"]"#), ["1 enter a"]);
    assert_eq!(
        hear(&mut io, r#"2["join-room","b"]"#),
        ["2 leave a", "3 enter b"]
    );
    assert_eq!(say(&mut io, error(1, ErrorCode::RoomFull)).len(), 1);
    // He was not there any more, and did not ask to leave it.
    let unasked = say(&mut io, error(2, ErrorCode::NotAMember));
    assert!(unasked.is_empty(), "{unasked:?}");
    say(&mut io, joined(3, "b"));
    assert_eq!(hear(&mut io, r#"2["leave-room"]"#), ["4 leave b"]);
}

#[test]
fn who_is_not_let_in_is_told_whether_he_or_his_page_is_meant() {
    let mut io = SocketIo::new(ErrorTexts::English);
    let mut goodbye = |closing: Closing| {
        let mut said = Vec::new();
        io.goodbye(&closing, &mut |frame| {
            said.push(frame.text().expect("text").to_string())
        });
        said
    };
    assert_eq!(
        goodbye(Closing::new(CloseCode::Unauthorized)),
        [r#"4{"message":"Authentication required"}"#]
    );
    assert_eq!(
        goodbye(Closing::because(CloseCode::Forbidden, "not from there")),
        [r#"4{"message":"not from there"}"#]
    );
    assert!(goodbye(Closing::new(CloseCode::Unavailable)).is_empty());
}

#[test]
fn what_is_wrong_in_one_field_of_auth_costs_that_field() {
    for (auth, hello) in [
        (
            r#"{"token":"t","name":42}"#,
            r#"hello Some("t") None None None"#,
        ),
        (
            r#"{"token":"t","name":"Ada\ud83d"}"#,
            r#"hello Some("t") None None None"#,
        ),
        (
            r#"{"token":"t","avatar":{"url":"x"}}"#,
            r#"hello Some("t") None None None"#,
        ),
        (
            r#"{"token":"t","userId":1.5}"#,
            r#"hello Some("t") None None None"#,
        ),
        (
            r#"{"token":"t","userId":5.0}"#,
            r#"hello Some("t") None None Some("5")"#,
        ),
        (
            r#"{"token":1,"token":"t","\ud83d":1e999}"#,
            r#"hello Some("t") None None None"#,
        ),
        (
            r#"{"token":"t","name":null,"avatar":""}"#,
            r#"hello Some("t") None Some("") None"#,
        ),
        (
            r#"{"token":["t"],"name":"Ada"}"#,
            r#"hello None Some("Ada") None None"#,
        ),
        (r#"["t"]"#, "hello None None None None"),
        ("{", "hello None None None None"),
        ("null", "hello None None None None"),
        ("", "hello None None None None"),
    ] {
        let mut io = SocketIo::new(ErrorTexts::English);
        assert_eq!(hear(&mut io, &format!("0{auth}")), [hello], "{auth}");
        assert_eq!(io.has_token, hello.contains(r#"("t")"#), "{auth}");
    }
}

#[test]
fn what_was_left_out_of_auth_is_told_once_its_client_is_in() {
    let mut io = SocketIo::new(ErrorTexts::English);
    hear(&mut io, r#"0{"token":"t","name":42,"avatar":[]}"#);
    assert_eq!(
        io.left_out.as_deref(),
        Some(
            "left out: `name` is not a text of at most 256 bytes, `avatar` is not a text of at most 2048 bytes"
        )
    );
    let mut io = SocketIo::new(ErrorTexts::English);
    hear(&mut io, r#"0{"token":"t","name":"Ada","userId":7}"#);
    assert_eq!(io.left_out, None);
    hear(&mut io, "0[]");
    assert_eq!(
        io.left_out.as_deref(),
        Some("left out: `auth` is not an object")
    );
}

#[test]
fn a_flag_that_is_none_costs_that_flag() {
    let mut io = welcomed();
    let heard = hear(
        &mut io,
        r#"27["video:state",{"roomId":"r","isMuted":1,"isVideoOff":false,"to":5}]"#,
    );
    assert_eq!(heard, [r#"1 state {"isMuted":true,"isVideoOff":false}"#]);
    let heard = hear(
        &mut io,
        r#"27["video:state",{"roomId":"r","isMuted":"yes","isVideoOff":true}]"#,
    );
    assert_eq!(
        heard,
        [
            r#"2["error",{"code":"bad-message","message":"left out: `isMuted` is not true or false"}]"#,
            r#"2 state {"isVideoOff":true}"#
        ]
    );
    let heard = hear(
        &mut io,
        r#"27["video:state",{"roomId":"r","isMuted":"yes"}]"#,
    );
    assert_eq!(
        heard,
        [r#"37[{"error":"left out: `isMuted` is not true or false","success":false}]"#]
    );
}

#[test]
fn an_event_with_attachments_is_refused_once_in_its_acknowledgement() {
    let refused = |io: &mut SocketIo, text: &str, answer: &str| {
        assert_eq!(hear(io, text), [answer], "{text}");
        let count: u64 = text[1..2].parse().expect("a digit");
        for _ in 0..count {
            let mut heard = Vec::new();
            io.hear(Content::Binary(b"picture"), &mut |what| {
                heard.push(format!("{what:?}"))
            });
            assert_eq!(heard, ["Input(Alive)"], "{text}");
        }
    };
    let mut io = welcomed();
    refused(
        &mut io,
        r#"51-7["offer",{"_placeholder":true,"num":0}]"#,
        r#"37[{"error":"binary attachments are not taken: send JSON","success":false}]"#,
    );
    refused(
        &mut io,
        r#"52-8["connection_info",{"file":{"_placeholder":true,"num":0}}]"#,
        r#"38["binary attachments are not taken: send JSON"]"#,
    );
    refused(
        &mut io,
        r#"51-["video:offer",{"_placeholder":true,"num":0}]"#,
        r#"2["error",{"code":"bad-message","message":"binary attachments are not taken: send JSON"}]"#,
    );
    refused(
        &mut io,
        r#"53-9[{"_placeholder":true,"num":0}]"#,
        "broken Some(4): an event is a JSON array that begins with its name",
    );
    refused(&mut io, "61-9[]", "alive");
    // Nothing announced this one.
    let mut heard = Vec::new();
    io.hear(Content::Binary(b"x"), &mut |what| {
        heard.push(format!("{what:?}"))
    });
    assert!(heard[0].contains("Broken"), "{heard:?}");
    // An announcement does not outlive the next packet.
    hear(&mut io, r#"55-["offer",{}]"#);
    hear(&mut io, r#"2["leave-room"]"#);
    heard.clear();
    io.hear(Content::Binary(b"x"), &mut |what| {
        heard.push(format!("{what:?}"))
    });
    assert!(heard[0].contains("Broken"), "{heard:?}");
}

#[test]
fn an_event_whose_name_cannot_be_read_is_refused_in_its_acknowledgement() {
    let mut io = welcomed();
    for (at, text) in ["27[1]", "27[]", "27{}", "27[", "27[{}]", "27"]
        .iter()
        .enumerate()
    {
        let re = at as u64 + 1;
        assert_eq!(
            hear(&mut io, text),
            [format!(
                "broken Some({re}): an event is a JSON array that begins with its name"
            )]
        );
        assert_eq!(
            say(&mut io, error(re, ErrorCode::BadMessage)),
            [r#"37[{"error":"no","success":false}]"#]
        );
    }
    assert_eq!(
        hear(&mut io, r#"27["\ud83d"]"#),
        ["37[{\"error\":\"there is no event `\u{fffd}` here\",\"success\":false}]"]
    );
    assert!(hear(&mut io, "2[1]")[0].starts_with("broken None"));
}

#[test]
fn after_the_last_candidate_comes_null_whatever_stands_beside_it() {
    let (mut io, bob) = with_bob(r#"2["init","Ada"]"#, "lobby");
    for info in [
        r#"{"remoteName":"Bob","type":"candidate","candidate":null}"#,
        r#"{"remoteName":"Bob","candidate":null}"#,
        r#"{"remoteName":"Bob","type":"candidate","candidate":{"candidate":null}}"#,
    ] {
        let text = format!(r#"2["connection_info",{info}]"#);
        assert_eq!(passed_on(&mut io, &text), "candidate null", "{info}");
    }
    for payload in ["null", r#"{"with":{"key":"candidate"},"candidate":null}"#] {
        assert_eq!(
            say(&mut io, signal(bob.peer, "lobby", "candidate", payload)),
            [r#"2["connection_info",{"remoteName":"Ada","type":"candidate","candidate":null}]"#]
        );
    }
    let (mut io, bob) = with_bob(r#"2["join-room","r"]"#, "r");
    let text = format!(
        r#"2["ice-candidate",{{"target":"{}","candidate":null,"sdpMid":"0","sdpMLineIndex":0}}]"#,
        bob.peer
    );
    assert_eq!(passed_on(&mut io, &text), "candidate null");
    let told = say(
        &mut io,
        signal(bob.peer, "r", "candidate", r#"{"candidate":null,"x":1}"#),
    );
    assert!(
        told[0].contains(r#""candidate":null"#) && !told[0].contains("\"x\""),
        "{told:?}"
    );
    let (mut io, bob) = with_bob(r#"2["video:join-room",{"roomId":"r"}]"#, "video:r");
    for candidate in ["null", r#"{"candidate":null}"#] {
        let text = format!(
            r#"2["video:ice-candidate",{{"to":"{}","candidate":{candidate}}}]"#,
            bob.peer
        );
        assert_eq!(passed_on(&mut io, &text), "candidate null");
        let told = say(&mut io, signal(bob.peer, "video:r", "candidate", candidate));
        assert_eq!(
            told,
            [format!(
                r#"2["video:ice-candidate",{{"from":"{}","candidate":null}}]"#,
                bob.peer
            )]
        );
    }
    let last_of_a_section = format!(
        r#"2["video:ice-candidate",{{"to":"{}","candidate":{{"candidate":"","sdpMid":"0"}}}}]"#,
        bob.peer
    );
    assert_eq!(
        passed_on(&mut io, &last_of_a_section),
        r#"candidate {"candidate":"","sdpMid":"0"}"#
    );
}

#[test]
fn what_javascript_writes_is_passed_on() {
    let (mut io, bob) = with_bob(r#"2["join-room","r"]"#, "r");
    let text = format!(
        r#"2["offer",{{"target":"{}","offer":{{"sdp":"\ud83d","n":1e999,"big":12345678901234567890}}}}]"#,
        bob.peer
    );
    assert_eq!(
        passed_on(&mut io, &text),
        r#"offer {"sdp":"\ufffd","n":null ,"big":12345678901234567890}"#
    );
    let deep = "[".repeat(128) + &"]".repeat(128);
    let text = format!(r#"27["offer",{{"target":"{}","offer":{deep}}}]"#, bob.peer);
    assert_eq!(
        hear(&mut io, &text),
        [r#"37[{"error":"nested more than 128 deep","success":false}]"#]
    );
    for (kind, event) in [("offer", "offer"), ("wave", "signal")] {
        let told = say(&mut io, signal(bob.peer, "r", kind, &deep));
        assert!(
            told[0].starts_with(&format!("2[\"{event}\"")) && told[0].contains(&deep),
            "{told:?}"
        );
    }
}

#[test]
fn what_leads_to_nothing_and_what_is_not_there_cost_a_request_each() {
    let mut io = welcomed();
    for text in [
        r#"25["no-such-event"]"#,
        r#"25["leave-room"]"#,
        r#"25["request_connection","nobody"]"#,
    ] {
        let mut asked = Vec::new();
        io.hear(Content::Text(text), &mut |what| {
            asked.push(format!("{what:?}"))
        });
        assert!(
            asked.len() == 1 && asked[0].contains("Unfit"),
            "{text}: {asked:?}"
        );
    }
    assert_eq!(
        say(&mut io, error(1, ErrorCode::RateLimited)),
        [r#"35[{"error":"no","success":false}]"#]
    );
    let heard = hear(&mut io, "0/admin,");
    assert!(heard[0].contains("Ask { id: 4"), "{heard:?}");
    let done = Done { re: 4, to: None };
    assert_eq!(
        say(&mut io, done),
        [r#"4/admin,{"message":"Invalid namespace"}"#]
    );
}

#[test]
fn whoever_takes_another_name_stays_in_the_lobby() {
    let mut io = welcomed();
    assert_eq!(hear(&mut io, r#"20["init","Ann"]"#), ["1 enter lobby"]);
    say(&mut io, joined(1, "lobby"));
    assert_eq!(hear(&mut io, r#"21["init","Eve"]"#), ["2 enter lobby"]);
    assert_eq!(say(&mut io, Done { re: 2, to: None }), ["31[null]"]);
}
