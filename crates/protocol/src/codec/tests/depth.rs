//! Nesting. Test threads have stacks of 2 MiB, as tokio's workers have.

use super::*;
use crate::server_message::Signal;
use crate::{Encoding, Payload};

fn nested(encoding: Encoding, depth: usize) -> Vec<u8> {
    match encoding {
        Encoding::Json => ["[".repeat(depth), "]".repeat(depth)].concat().into_bytes(),
        Encoding::MessagePack => [vec![0x91; depth - 1], vec![0x90]].concat(),
    }
}

fn nested_maps(encoding: Encoding, depth: usize) -> Vec<u8> {
    match encoding {
        Encoding::Json => [r#"{"a":"#.repeat(depth), "1".to_owned(), "}".repeat(depth)]
            .concat()
            .into_bytes(),
        Encoding::MessagePack => [b"\x81\xa1a".repeat(depth), vec![1]].concat(),
    }
}

/// A signal whose field `name` is `value`.
fn signal_with(codec: Codec, name: &str, value: &[u8]) -> Vec<u8> {
    match codec {
        Codec::Json => {
            let before =
                format!(r#"{{"type":"signal","id":6,"room":"r","kind":"k","payload":1,"{name}":"#);
            [before.as_bytes(), value, b"}"].concat()
        }
        Codec::MessagePack => {
            let before =
                b"\x86\xa4type\xa6signal\xa2id\x06\xa4room\xa1r\xa4kind\xa1k\xa7payload\x01";
            [
                before,
                &[0xa0 + name.len() as u8][..],
                name.as_bytes(),
                value,
            ]
            .concat()
        }
    }
}

fn said_about(codec: Codec, frame: &[u8]) -> (Option<u64>, String) {
    let error = codec.decode(frame).expect_err("nested too deep");
    (error.re, error.to_string())
}

#[test]
fn a_payload_128_deep_is_handed_on_in_both_encodings() {
    for (codec, other) in [
        (Codec::Json, Codec::MessagePack),
        (Codec::MessagePack, Codec::Json),
    ] {
        for payload in [
            nested(codec.encoding(), 128),
            nested_maps(codec.encoding(), 128),
        ] {
            let frame = signal_with(codec, "payload", &payload);
            let Ok(ClientMessage::Signal(signal)) = codec.decode(&frame) else {
                panic!("a signal")
            };
            let room = "r".parse().expect("a room id");
            let from = samples::peer(samples::ALICE);
            let signal = Signal {
                room,
                from,
                id: 6,
                kind: "k".into(),
                payload: signal.payload.to_owned(),
                traceparent: None,
            };
            let handed_on = server_frame(other, &signal.into());
            let Ok(ServerMessage::Signal(read)) = other.decode_server(&handed_on) else {
                panic!("a signal")
            };
            assert_eq!(
                read.payload.transcode_to(codec.encoding()).as_deref(),
                Ok(&*payload)
            );
        }
    }
}

#[test]
fn a_payload_deeper_than_128_is_refused() {
    for codec in Codec::ALL {
        for depth in [129, 50_000] {
            for payload in [
                nested(codec.encoding(), depth),
                nested_maps(codec.encoding(), depth),
            ] {
                let frame = signal_with(codec, "payload", &payload);
                let text = "field `payload`: nested more than 128 deep".to_owned();
                assert_eq!(
                    said_about(codec, &frame),
                    (Some(6), text),
                    "{codec:?} {depth}"
                );
            }
        }
    }
}

#[test]
fn an_unknown_field_may_be_nested_as_deep_as_a_payload() {
    for codec in Codec::ALL {
        let frame = signal_with(codec, "x", &nested(codec.encoding(), 128));
        assert!(codec.decode(&frame).is_ok(), "{codec:?}");
        for depth in [129, 50_000] {
            let frame = signal_with(codec, "x", &nested(codec.encoding(), depth));
            let text = "a field of unknown name: nested more than 128 deep".to_owned();
            assert_eq!(
                said_about(codec, &frame),
                (Some(6), text),
                "{codec:?} {depth}"
            );
        }
    }
}

#[test]
fn a_frame_of_nothing_but_nesting_is_refused() {
    for codec in Codec::ALL {
        let text = "a message is a map with a `type`, found a list".to_owned();
        assert_eq!(
            said_about(codec, &nested(codec.encoding(), 50_000)),
            (None, text)
        );
        let text = "a field of unknown name: nested more than 128 deep".to_owned();
        assert_eq!(
            said_about(codec, &nested_maps(codec.encoding(), 50_000)),
            (None, text)
        );
    }
}

#[test]
fn a_text_field_that_is_nested_is_refused() {
    let frame = signal_with(Codec::Json, "room", &nested(Encoding::Json, 50_000));
    assert_eq!(
        said_about(Codec::Json, &frame).1,
        "field `room`: expected a string, found a list"
    );
    let frame = signal_with(
        Codec::MessagePack,
        "room",
        &nested(Encoding::MessagePack, 50_000),
    );
    assert_eq!(
        said_about(Codec::MessagePack, &frame).1,
        "field `room`: nested more than 128 deep"
    );
}

#[test]
fn a_payload_of_another_node_is_measured_before_it_is_transcoded() {
    for (encoding, other) in [
        (Encoding::Json, Encoding::MessagePack),
        (Encoding::MessagePack, Encoding::Json),
    ] {
        let payload = Payload {
            encoding,
            bytes: nested(encoding, 50_000),
        };
        assert_eq!(payload.transcode_to(other), Err(InvalidPayload::TooDeep));
    }
}
