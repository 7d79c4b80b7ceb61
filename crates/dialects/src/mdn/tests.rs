use serde::Deserialize;
use serde_json::Value;
use switchboard_protocol::RoomId;
use switchboard_protocol::server_message::{Done, LeaveReason, MemberJoined, MemberLeft};

use super::*;
use crate::lists::much_later;
use crate::told::tests::{self as told, member};

fn lobby() -> RoomId {
    lobby::ROOM.parse().expect("a room")
}

/// What the session gets, as text, and what is said back at once.
fn hear(mdn: &mut Mdn, text: &str) -> Vec<String> {
    let mut heard = Vec::new();
    mdn.hear(Content::Text(text), &mut |what| {
        heard.push(match what {
            Heard::Input(Input::Message(ClientMessage::Signal(signal))) => format!(
                "{} {} {}",
                signal.kind,
                signal.to.as_deref().unwrap_or("all"),
                String::from_utf8_lossy(signal.payload.bytes)
            ),
            Heard::Input(Input::SignalToName(SignalToName { signal, name })) => format!(
                "{} {name} {}",
                signal.kind,
                String::from_utf8_lossy(signal.payload.bytes)
            ),
            Heard::Say(Frame::Text(text)) => text.to_string(),
            other => format!("{other:?}"),
        });
    });
    heard
}

fn say(mdn: &mut Mdn, message: impl Into<ServerMessage>) -> Vec<Value> {
    let mut said = Vec::new();
    mdn.say(&message.into(), &mut |frame| {
        let text = frame.text().expect("text");
        let mut json = serde_json::Deserializer::from_str(text);
        json.disable_recursion_limit();
        said.push(Value::deserialize(&mut json).expect("JSON"));
    })
    .expect("it can be said");
    said.extend(settle(mdn, much_later()));
    said
}

fn settle(mdn: &mut Mdn, now: Instant) -> Vec<Value> {
    let mut said = Vec::new();
    mdn.settle(now, &mut |frame| {
        let text = frame.text().expect("text");
        said.push(serde_json::from_str(text).expect("JSON"));
    });
    said
}

/// Ann, who is in the lobby with Bob, and Bob.
fn in_lobby() -> (Mdn, Member) {
    let (own, bob) = (member(Some("Ann"), 1), member(Some("Bob"), 2));
    let mut mdn = Mdn::new(1000);
    mdn.peer = Some(own.peer);
    hear(
        &mut mdn,
        r#"{"type":"username","name":"Ann","id":7,"date":1}"#,
    );
    let joined = Joined {
        re: 1,
        room: lobby(),
        revision: 2,
        capacity: 1000,
        members: vec![own, bob.clone()],
    };
    let told = say(&mut mdn, joined);
    assert_eq!(
        told,
        [json!({ "type": "userlist", "users": ["Ann", "Bob"] })]
    );
    (mdn, bob)
}

#[test]
fn an_offer_goes_to_its_target_and_a_hang_up_without_one_to_all() {
    let (mut mdn, _) = in_lobby();
    let offer =
        r#"{"name":"Ann","target":"Bob","type":"video-offer","sdp":{"type":"offer","sdp":"v=0"}}"#;
    assert_eq!(
        hear(&mut mdn, offer),
        [r#"offer Bob {"type":"offer","sdp":"v=0"}"#]
    );
    let hang_up = hear(&mut mdn, r#"{"name":"Ann","target":null,"type":"hang-up"}"#);
    assert!(hang_up[0].starts_with("hang-up all "), "{hang_up:?}");
}

#[test]
fn only_of_somebody_who_is_not_there_the_client_is_told() {
    let (mut mdn, _) = in_lobby();
    for (reason, told) in [
        (Reason::NoSuchPeer, 1),
        (Reason::Left, 1),
        (Reason::Unconfirmed, 0),
    ] {
        hear(&mut mdn, r#"{"type":"hang-up","target":"Eve"}"#);
        let undelivered = Undelivered {
            id: mdn.requests.unheeded() - 1,
            to: [].into_iter().collect(),
            reason,
        };
        let said = say(&mut mdn, undelivered.clone());
        assert_eq!(said.len(), told, "{said:?}");
        assert!(say(&mut mdn, undelivered).is_empty(), "it is said once");
    }
}

#[test]
fn a_signal_is_told_with_the_name_of_who_said_it() {
    let (mut mdn, bob) = in_lobby();
    let signal = |kind: &str, payload: &str| signal(&bob, kind, payload);
    assert_eq!(
        say(
            &mut mdn,
            signal("answer", r#"{"type":"answer","sdp":"v=0"}"#)
        ),
        [json!({
            "type": "video-answer", "name": "Bob", "target": "Ann", "sdp": { "type": "answer", "sdp": "v=0" }
        })]
    );
    assert_eq!(
        say(
            &mut mdn,
            signal(
                "hang-up",
                r#"{"type":"hang-up","name":"Eve","target":"Ann"}"#
            )
        ),
        [json!({ "type": "hang-up", "name": "Bob", "target": "Ann" })]
    );
    assert_eq!(
        say(&mut mdn, signal("wave", "1")),
        [json!({ "type": "signal", "name": "Bob", "kind": "wave", "payload": 1 })]
    );
}

#[test]
fn what_is_said_comes_back_to_who_said_it_without_tags_once_it_is_on_its_way() {
    let (mut mdn, _) = in_lobby();
    let heard = hear(
        &mut mdn,
        r#"{"type":"message","text":"a <b>word</b> <> 3 <","id":7,"date":5}"#,
    );
    assert_eq!(heard, [r#"message all {"text":"a word <> 3 <","date":5}"#]);
    let told = say(
        &mut mdn,
        Done {
            re: 2,
            to: Some(Vec::new()),
        },
    );
    assert_eq!(
        told,
        [json!({ "type": "message", "name": "Ann", "text": "a word <> 3 <", "date": 5 })]
    );
}

#[test]
fn whoever_talks_without_reading_what_comes_back_is_sent_away() {
    let (mut mdn, _) = in_lobby();
    let chat = format!(r#"{{"type":"message","text":"{}"}}"#, "x".repeat(400));
    for id in 2..10 {
        assert!(hear(&mut mdn, &chat)[0].starts_with("message all "));
        say(&mut mdn, Done { re: id, to: None });
    }
    hear(&mut mdn, &chat);
    hear(&mut mdn, &chat);
    let ended = hear(&mut mdn, &chat);
    assert!(
        ended[0].starts_with("End(") && ended[0].contains("SlowConsumer"),
        "{ended:?}"
    );
}

#[test]
fn whoever_is_given_another_name_is_told_so_and_a_list_follows_each_change() {
    let mut mdn = Mdn::new(1000);
    let own = member(Some("Ann1"), 3);
    mdn.peer = Some(own.peer);
    hear(&mut mdn, r#"{"type":"username","name":"Ann"}"#);
    let other = member(None, 1);
    let joined = Joined {
        re: 1,
        room: lobby(),
        revision: 3,
        capacity: 1000,
        members: vec![other.clone(), own],
    };
    assert_eq!(
        say(&mut mdn, joined),
        [
            json!({ "type": "rejectusername", "id": mdn.id, "name": "Ann1" }),
            json!({ "type": "userlist", "users": [other.peer, "Ann1"] }),
        ]
    );
    let left = MemberLeft {
        room: lobby(),
        revision: 4,
        peer: other.peer,
        reason: LeaveReason::Left,
    };
    assert_eq!(
        say(&mut mdn, left),
        [json!({ "type": "userlist", "users": ["Ann1"] })]
    );
}

#[test]
fn what_is_no_message_is_said_to_be_none() {
    let mut mdn = Mdn::new(1000);
    for text in [
        "",
        "[]",
        "{}",
        r#"{"type":5}"#,
        r#"{"type":"username"}"#,
        r#"{"type":"username","name":""}"#,
        r#"{"type":"message","text":"too early"}"#,
        r#"{"type":"video-offer","target":"Bob"}"#,
    ] {
        let heard = hear(&mut mdn, text);
        assert!(heard[0].contains("Broken"), "{text}: {heard:?}");
    }
}

#[test]
fn a_date_is_whatever_javascript_writes_and_one_that_nobody_could_read_costs_the_date() {
    let (mut mdn, _) = in_lobby();
    let deep = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let fits = deep(127);
    for (date, passed) in [
        ("1e999", "null "),
        (r#""\ud83d""#, r#""\ufffd""#),
        (r#"{"a":1,"a":2}"#, r#"{"a":1,"a":2}"#),
        ("12345678901234567890123", "12345678901234567890123"),
        (&fits, &fits),
    ] {
        let chat = format!(r#"{{"type":"message","text":"x","date":{date}}}"#);
        let heard = hear(&mut mdn, &chat);
        let expected = format!(r#"message all {{"text":"x","date":{passed}}}"#);
        assert_eq!(heard, [expected]);
        let re = mdn.requests.unheeded() - 1;
        let told = say(&mut mdn, Done { re, to: None });
        assert_eq!((told.len(), &told[0]["text"]), (1, &json!("x")), "{told:?}");
    }
    let chat = format!(r#"{{"type":"message","text":"x","date":{}}}"#, deep(128));
    let heard = hear(&mut mdn, &chat);
    assert!(heard[0].contains("left out: `date`"), "{heard:?}");
    assert_eq!(heard[1], r#"message all {"text":"x"}"#);
}

#[test]
fn half_an_emoji_is_shown_as_far_as_it_goes_and_is_no_name() {
    let (mut mdn, _) = in_lobby();
    let heard = hear(&mut mdn, r#"{"type":"message","text":"a\ud83d b"}"#);
    assert_eq!(heard, ["message all {\"text\":\"a\u{fffd} b\"}"]);
    let heard = hear(&mut mdn, r#"{"type":"username","name":"Ann\ud83d"}"#);
    assert!(heard[0].contains("say your `name`"), "{heard:?}");
    let heard = hear(&mut mdn, r#"{"type":"wave","\ud83d":"\ud83d"}"#);
    assert_eq!(
        heard,
        [r#"wave all {"type":"wave","\ufffd":"\ufffd"}"#.replace("\\ufffd\":", "\u{fffd}\":")]
    );
}

#[test]
fn what_is_meant_for_somebody_who_has_no_name_is_not_told_to_all() {
    let (mut mdn, _) = in_lobby();
    for target in ["5", "{}", "[]", "true", r#""Bob\ud83d""#] {
        let offer = format!(r#"{{"type":"video-offer","target":{target},"sdp":{{}}}}"#);
        let heard = hear(&mut mdn, &offer);
        assert!(
            heard[0].contains("Broken") && heard[0].contains("`target` is not a text"),
            "{heard:?}"
        );
    }
}

#[test]
fn after_the_last_candidate_comes_null() {
    let (mut mdn, bob) = in_lobby();
    let to_bob = "candidate Bob null";
    for beside in ["", r#","sdpMid":"0""#] {
        let last =
            format!(r#"{{"type":"new-ice-candidate","target":"Bob","candidate":null{beside}}}"#);
        assert_eq!(hear(&mut mdn, &last), [to_bob]);
    }
    let empty =
        r#"{"type":"new-ice-candidate","target":"Bob","candidate":{"candidate":"","sdpMid":"0"}}"#;
    let heard = hear(&mut mdn, empty);
    assert!(
        heard[0].ends_with(r#"{"candidate":"","sdpMid":"0"}"#),
        "{heard:?}"
    );
    for payload in ["null", r#"{"candidate":null,"sdpMid":"0"}"#] {
        assert_eq!(
            say(&mut mdn, signal(&bob, "candidate", payload)),
            [
                json!({ "type": "new-ice-candidate", "name": "Bob", "target": "Ann", "candidate": null })
            ]
        );
    }
}

fn signal(from: &Member, kind: &str, payload: &str) -> Signalled {
    told::signal(from.peer, lobby::ROOM, kind, payload)
}

#[test]
fn whatever_a_native_member_may_say_is_told() {
    let (mut mdn, bob) = in_lobby();
    let deep = format!("{}{}", "[".repeat(128), "]".repeat(128));
    let named = format!(
        r#"{{"type":"wave","name":"Eve","x":{}}}"#,
        &deep[1..deep.len() - 1]
    );
    for (kind, payload) in [
        ("wave", &*deep),
        ("wave", &named),
        ("offer", &deep),
        ("candidate", &deep),
        ("message", &deep),
        ("message", r#"{"text":5}"#),
        ("message", "null"),
    ] {
        let mut told = Vec::new();
        let signal = ServerMessage::from(signal(&bob, kind, payload));
        mdn.say(&signal, &mut |frame| {
            told.push(frame.text().expect("text").to_owned())
        })
        .expect("it can be said");
        assert_eq!(told.len(), 1, "{kind}");
        let said = Fields::read(&told[0]).expect("an object");
        assert_eq!(said.text("name").as_deref(), Some("Bob"));
        assert!(told[0].contains(&payload[payload.len() / 2..]), "{told:?}");
    }
    assert_eq!(
        say(&mut mdn, signal(&bob, "message", r#""<b>hi""#)),
        [json!({ "type": "message", "name": "Bob", "text": "hi", "date": null })]
    );
}

/// Bob is somebody else from now on.
fn renamed(bob: &Member, name: &str, revision: u64) -> [ServerMessage; 2] {
    let member = Member {
        name: Some(name.into()),
        ..bob.clone()
    };
    let joined = MemberJoined {
        room: lobby(),
        revision,
        member,
    };
    let left = MemberLeft {
        room: lobby(),
        revision,
        peer: bob.peer,
        reason: LeaveReason::Left,
    };
    [left.into(), joined.into()]
}

fn only_say(mdn: &mut Mdn, message: &ServerMessage) -> usize {
    let mut frames = 0;
    mdn.say(message, &mut |_| frames += 1)
        .expect("it can be said");
    frames
}

#[test]
fn of_many_changes_one_list_is_told_and_the_next_one_waits_for_what_that_weighed() {
    let (mut mdn, bob) = in_lobby();
    for number in 0..100 {
        for step in renamed(&bob, &format!("Bob{number}"), 3 + number) {
            assert_eq!(only_say(&mut mdn, &step), 0);
        }
    }
    let now = much_later();
    let told = settle(&mut mdn, now);
    assert_eq!(
        told,
        [json!({ "type": "userlist", "users": ["Ann", "Bob99"] })]
    );
    assert!(settle(&mut mdn, now).is_empty(), "nothing is new");
    for step in renamed(&bob, "Eve", 200) {
        only_say(&mut mdn, &step);
    }
    let mut say = |_| panic!("it is too early");
    let at = mdn.settle(now, &mut say).expect("it is put off");
    let told = settle(&mut mdn, at);
    assert_eq!(
        told,
        [json!({ "type": "userlist", "users": ["Ann", "Eve"] })]
    );
}

#[test]
fn nobody_speaks_before_it_was_told_that_he_is_there() {
    let (mut mdn, _) = in_lobby();
    let eve = member(Some("Eve"), 3);
    let came = MemberJoined {
        room: lobby(),
        revision: 3,
        member: eve.clone(),
    };
    assert_eq!(only_say(&mut mdn, &came.into()), 0);
    let wave = signal(&eve, "wave", "1");
    assert_eq!(only_say(&mut mdn, &wave.clone().into()), 2);
    assert_eq!(only_say(&mut mdn, &wave.clone().into()), 1);
    // Another name is no reason for a list of its own.
    for step in renamed(&eve, "Eva", 4) {
        only_say(&mut mdn, &step);
    }
    assert_eq!(only_say(&mut mdn, &wave.into()), 1);
}

#[test]
fn whoever_takes_another_name_stays_and_hears_which_one_it_became() {
    let (mut mdn, _) = in_lobby();
    let own = mdn.own().expect("it is in").clone();
    let heard = hear(&mut mdn, r#"{"type":"username","name":"Eve"}"#);
    assert!(heard.len() == 1 && heard[0].contains("Enter("), "{heard:?}");
    hear(&mut mdn, r#"{"type":"username","name":"Zoe"}"#);
    let [_, to_eve] = renamed(&own, "Eve", 3);
    let [_, to_zoe1] = renamed(&own, "Zoe1", 4);
    let done = |re| Done { re, to: None };
    assert_eq!(
        say(&mut mdn, to_eve),
        [json!({ "type": "userlist", "users": ["Eve", "Bob"] })]
    );
    assert!(
        say(&mut mdn, done(2)).is_empty(),
        "it wants another one by now"
    );
    say(&mut mdn, to_zoe1);
    let told = json!({ "type": "rejectusername", "id": mdn.id, "name": "Zoe1" });
    assert_eq!(say(&mut mdn, done(3)), [told]);
    // Where it does not get one, it is called as before.
    hear(&mut mdn, r#"{"type":"username","name":"Bea"}"#);
    let refused = Error {
        re: Some(4),
        code: ErrorCode::RateLimited,
        message: "slow down".into(),
        retry_after_ms: Some(10),
    };
    let told = say(&mut mdn, refused);
    assert_eq!(told[0]["code"], "rate-limited");
    assert_eq!(
        (&told[1]["type"], &told[1]["name"]),
        (&json!("rejectusername"), &json!("Zoe1"))
    );
}
