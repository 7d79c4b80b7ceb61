//! Signals to a name or to all, and those of others.

use switchboard_protocol::server_message::{Reason, Undelivered};

use super::*;

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
