//! Signals, as the three vocabularies write them.

use super::*;

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
