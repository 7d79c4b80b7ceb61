//! Languages that have only floats write whole numbers as floats.

use super::*;

fn json(frame: &str) -> ClientMessage<'_> {
    let read = Codec::Json.decode(frame.as_bytes());
    read.unwrap_or_else(|error| panic!("{frame}: {error}"))
}

/// A MessagePack map of these fields behind `type`, each already encoded.
fn msgpack(kind: &str, fields: &[(&str, &[u8])]) -> Vec<u8> {
    let mut frame = vec![0x81 + fields.len() as u8];
    let text = |frame: &mut Vec<u8>, text: &str| {
        frame.push(0xa0 + text.len() as u8);
        frame.extend(text.as_bytes());
    };
    text(&mut frame, "type");
    text(&mut frame, kind);
    for (name, value) in fields {
        text(&mut frame, name);
        frame.extend(*value);
    }
    frame
}

#[test]
fn an_id_is_the_same_number_however_it_is_written() {
    for written in ["1", "1.0", "1.000", "1e0", "10e-1", "0.1e1"] {
        let leave = format!(r#"{{"type":"leave","id":{written},"room":"r"}}"#);
        assert_eq!(json(&leave).id(), Some(1), "{written}");
    }
    for (written, id) in [
        ("0.0", 0),
        ("-0", 0),
        ("-0.0", 0),
        ("9007199254740991.0", (1 << 53) - 1),
    ] {
        let ping = format!(r#"{{"type":"ping","id":{written}}}"#);
        assert_eq!(json(&ping).id(), Some(id), "{written}");
    }
    let (f32, f64) = (1f32.to_be_bytes(), 1f64.to_be_bytes());
    for float in [&[&[0xca], &f32[..]].concat(), &[&[0xcb], &f64[..]].concat()] {
        let frame = msgpack("ping", &[("id", float)]);
        let ping = Codec::MessagePack.decode(&frame).expect("a ping");
        assert_eq!(ping.id(), Some(1));
    }
}

#[test]
fn so_is_every_other_whole_number_that_a_client_says() {
    let ClientMessage::Join(join) = json(r#"{"type":"join","id":2.0,"room":"r","capacity":5.0}"#)
    else {
        panic!("a join");
    };
    assert_eq!((join.id, join.capacity), (2, Some(5)));
    let ClientMessage::Bye(bye) = json(r#"{"type":"bye","hold_ms":5000.0}"#) else {
        panic!("a bye");
    };
    assert_eq!(bye.hold_ms, Some(5000));
    let peer = "bobBBBBBBBBBBBBBBBB-";
    let received = format!(r#"{{"type":"received","from":"{peer}","id":7.0}}"#);
    assert!(matches!(json(&received), ClientMessage::Received(received) if received.id == 7));
    let seen = |message: ClientMessage<'_>| match message {
        ClientMessage::Hello(hello) => hello.resume.expect("a resume").seen,
        other => panic!("{other:?}"),
    };
    let hello = |seen: &str| {
        format!(
            r#"{{"type":"hello","resume":{{"peer":"{peer}","secret":"s","seen":{{"{peer}":{seen}}}}}}}"#
        )
    };
    for written in ["12", "12.0", "1.2e1"] {
        let hello = hello(written);
        let seen = seen(json(&hello));
        assert_eq!(seen.into_values().collect::<Vec<_>>(), [12], "{written}");
    }
    for written in ["12.5", "-1", "1e300", "\"12\""] {
        let hello = hello(written);
        let refused = Codec::Json.decode(hello.as_bytes());
        assert!(refused.is_err(), "{written}");
    }
    let mut resume = vec![0x83];
    for text in ["peer", peer, "secret", "s", "seen"] {
        resume.push(0xa0 + text.len() as u8);
        resume.extend(text.as_bytes());
    }
    resume.extend([0x81, 0xa0 + peer.len() as u8]);
    resume.extend(peer.as_bytes());
    resume.push(0xcb);
    resume.extend(12f64.to_be_bytes());
    let frame = msgpack("hello", &[("resume", &resume)]);
    let seen = seen(Codec::MessagePack.decode(&frame).expect("a hello"));
    assert_eq!(seen.into_values().collect::<Vec<_>>(), [12]);
}

#[test]
fn the_answer_repeats_the_number() {
    let refused = Codec::Json.decode(br#"{"type":"leave","id":4.0,"room":7}"#);
    assert_eq!(refused.expect_err("no room").re, Some(4));
}

#[test]
fn a_field_that_is_not_known_may_have_any_name() {
    assert_eq!(json(r#"{"\ud83d":1,"type":"ping","id":1}"#).id(), Some(1));
}

#[test]
fn what_javascript_writes_becomes_a_payload() {
    for (said, payload) in [
        (
            r#"{"text":"\ud83d","\udfff":1e999}"#,
            r#"{"text":"\ufffd","\ufffd":null }"#,
        ),
        (r#"{"text":"\ud83d\ude00"}"#, r#"{"text":"\ud83d\ude00"}"#),
        ("-0", "-0"),
    ] {
        let read = crate::Payload::from_javascript(said).expect("a payload");
        assert_eq!(str::from_utf8(&read.bytes), Ok(payload));
        assert_eq!(read.check(), Ok(()));
    }
    let deep = |depth| format!(r#"{}"\ud83d"{}"#, "[".repeat(depth), "]".repeat(depth));
    assert!(crate::Payload::from_javascript(&deep(128)).is_ok());
    let refused = crate::Payload::from_javascript(&deep(129)).map(|_| ());
    assert_eq!(refused, Err(InvalidPayload::TooDeep));
    assert!(crate::Payload::from_javascript("{").is_err());
}

#[test]
fn so_are_those_in_the_lists_of_what_was_handled() {
    let peer = "bobBBBBBBBBBBBBBBBB-";
    for (written, read) in [
        ("[7,12.0,1.3e1]", Some(vec![7, 12, 13])),
        ("[7.5]", None),
        ("7", None),
    ] {
        let hello = format!(
            r#"{{"type":"hello","resume":{{"peer":"{peer}","secret":"s","handled":{{"{peer}":{written}}}}}}}"#
        );
        let handled = match Codec::Json.decode(hello.as_bytes()) {
            Ok(ClientMessage::Hello(hello)) => hello.resume.and_then(|resume| resume.handled),
            _ => None,
        };
        let handled = handled.and_then(|lists| lists.into_values().next());
        assert_eq!(handled, read, "{written}");
    }
}
