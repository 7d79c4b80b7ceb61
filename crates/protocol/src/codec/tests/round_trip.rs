use bytes::Bytes;

use super::samples::{OFFER, client_messages, offer, server_messages};
use super::*;
use crate::Payload;
use crate::server_message::Signal;

#[test]
fn every_client_message_is_read_as_it_was_written() {
    for codec in Codec::ALL {
        let payload = offer(codec.encoding());
        for message in client_messages(payload.as_slice()) {
            let frame = client_frame(codec, &message);
            assert_eq!(codec.decode(&frame), Ok(message), "{codec:?}");
        }
    }
}

#[test]
fn every_server_message_is_read_as_it_was_written() {
    for codec in Codec::ALL {
        let payload = offer(codec.encoding());
        for message in server_messages(payload.as_slice()) {
            let frame = server_frame(codec, &message);
            assert_eq!(codec.decode_server(&frame), Ok(message), "{codec:?}");
        }
    }
}

#[test]
fn a_payload_reaches_a_receiver_of_the_same_encoding_byte_for_byte() {
    let spaced = br#"{ "sdp" : 1.0e2, "sdp": "\u0041" }"#;
    let frame = [
        br#"{"type":"signal","id":1,"room":"r","kind":"k","payload":"#,
        &spaced[..],
        b"}",
    ]
    .concat();
    let Ok(ClientMessage::Signal(signal)) = Codec::Json.decode(&frame) else {
        panic!("a signal")
    };
    assert_eq!(signal.payload.bytes, spaced);

    let handed_on = server_frame(Codec::Json, &handed_on(signal.payload.to_owned()));
    assert!(handed_on.ends_with(&[&spaced[..], b"}"].concat()));
}

#[test]
fn strings_without_escapes_and_the_payload_borrow_from_the_frame() {
    for codec in Codec::ALL {
        let payload = offer(codec.encoding());
        let messages = client_messages(payload.as_slice());
        let is_signal = |message: &&ClientMessage<'_>| matches!(message, ClientMessage::Signal(_));
        let message = messages.iter().find(is_signal).expect("a signal");
        let frame = client_frame(codec, message);
        let Ok(ClientMessage::Signal(signal)) = codec.decode(&frame) else {
            panic!("a signal")
        };
        assert!(
            matches!(signal.room, std::borrow::Cow::Borrowed(_)),
            "{codec:?}"
        );
        assert!(
            frame
                .as_ptr_range()
                .contains(&signal.payload.bytes.as_ptr()),
            "{codec:?}"
        );
    }
}

#[test]
fn escapes_in_names_and_values_are_read() {
    let frame = br#"{"\u0074ype":"lea\u0076e","id":1,"r\u006fom":"r\u002d1"}"#;
    let Ok(ClientMessage::Leave(leave)) = Codec::Json.decode(frame) else {
        panic!("a leave")
    };
    assert_eq!(leave.room, "r-1");
}

#[test]
fn of_several_fields_of_one_name_the_last_counts() {
    let frame = br#"{"type":"bye","type":"leave","id":"x","id":2,"room":"a","room":"b"}"#;
    let Ok(ClientMessage::Leave(leave)) = Codec::Json.decode(frame) else {
        panic!("a leave")
    };
    assert_eq!((leave.id, leave.room.as_ref()), (2, "b"));

    let frame = b"\x83\xa4type\xa4ping\xa2id\xa1x\xa2id\x02";
    assert_eq!(
        Codec::MessagePack.decode(frame).expect("a ping").id(),
        Some(2)
    );
}

#[test]
fn unknown_fields_are_skipped_whatever_their_type() {
    let json = br#"{"v":{"a":["\ud800",1e999]},"type":"ping","":null,"id":3}"#;
    assert_eq!(Codec::Json.decode(json).expect("a ping").id(), Some(3));

    // A map with a map for a key, an ext, and a name that is not UTF-8.
    let msgpack = b"\x85\xa1v\x81\x80\xc0\xa4type\xa4ping\xa1e\xd4\x05\x00\xa1\xff\xc0\xa2id\x03";
    assert_eq!(
        Codec::MessagePack.decode(msgpack).expect("a ping").id(),
        Some(3)
    );
}

#[test]
fn null_counts_as_missing_but_is_a_payload() {
    let frame = br#"{"type":"signal","id":1,"room":"r","to":null,"kind":"k","payload":null}"#;
    let Ok(ClientMessage::Signal(signal)) = Codec::Json.decode(frame) else {
        panic!("a signal")
    };
    assert_eq!((signal.to, signal.payload.bytes), (None, &b"null"[..]));
}

#[test]
fn a_message_that_cannot_be_written_leaves_the_buffer_as_it_was() {
    let broken = Payload {
        encoding: crate::Encoding::Json,
        bytes: Bytes::from_static(b"{"),
    };
    let mut out = b"before".to_vec();
    let error = Codec::MessagePack
        .encode(&handed_on(broken), &mut out)
        .expect_err("half a map");
    assert_eq!(
        error.to_string(),
        "the payload cannot be handed on: not JSON: EOF while parsing an object at byte 0"
    );
    assert_eq!(out, b"before");
}

#[test]
fn written_messages_go_behind_what_the_buffer_holds() {
    let mut out = Vec::new();
    for _ in 0..2 {
        Codec::MessagePack
            .encode(&handed_on(OFFER.to_owned()), &mut out)
            .expect("an offer");
    }
    let (first, second) = out.split_at(out.len() / 2);
    assert_eq!(first, second);
}

fn handed_on(payload: Payload) -> ServerMessage {
    let room = "r".parse().expect("a room id");
    let from = samples::peer(samples::ALICE);
    Signal {
        room,
        from,
        id: 1,
        kind: "k".into(),
        payload,
        traceparent: None,
    }
    .into()
}
