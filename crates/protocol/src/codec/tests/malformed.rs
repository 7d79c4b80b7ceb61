//! What is said about a frame that is no message; clients' authors read this.

use super::*;
use crate::ErrorCode;

/// The answer to a frame, as a client sees it.
fn answer(codec: Codec, frame: &[u8]) -> (Option<u64>, ErrorCode, String) {
    let error = codec.decode(frame).expect_err("a broken frame");
    (error.re, error.code, error.to_string())
}

fn refused(codec: Codec, table: &[(&[u8], Option<u64>, &str)]) {
    for &(frame, re, text) in table {
        let shown = String::from_utf8_lossy(frame);
        assert_eq!(
            answer(codec, frame),
            (re, ErrorCode::BadMessage, text.to_owned()),
            "{shown}"
        );
    }
}

#[test]
#[rustfmt::skip] // A table, row by row.
fn json_that_is_none_is_refused_with_the_place() {
    refused(
        Codec::Json,
        &[
            (b"", None, "not JSON: EOF while parsing a value at byte 0"),
            (b"hello", None, "not JSON: expected value at byte 0"),
            (br#"{"type":"ping" "id":1}"#, None, "not JSON: expected `,` or `}` at byte 15"),
            (b"{\n\"type\":\n}", None, "not JSON: expected value at byte 10"),
            (br#"{"type":"ping"}{}"#, None, "not JSON: trailing characters at byte 15"),
            (br#"{"id":4,"type":"ping"}]"#, Some(4), "not JSON: trailing characters at byte 22"),
            (b"{\"type\":\"\xff\"}", None, "not JSON: bytes that are not UTF-8 at byte 9"),
            (br#"[{"type":"ping"}]"#, None, "a message is a map with a `type`, found a list"),
            (b" 17", None, "a message is a map with a `type`, found a number"),
            (b"null", None, "a message is a map with a `type`, found null"),
        ],
    );
}

#[test]
#[rustfmt::skip] // A table, row by row.
fn messagepack_that_is_none_is_refused_with_the_place() {
    refused(
        Codec::MessagePack,
        &[
            (b"", None, "not MessagePack: it ends within a value at byte 0"),
            (b"\x81\xa4type", None, "not MessagePack: it ends within a value at byte 6"),
            (b"\x81\xa4type\xc1", None, "not MessagePack: the reserved byte 0xc1 at byte 7"),
            (b"\x81\xa4type\xa4pingX", None, "not MessagePack: more bytes after the value at byte 11"),
            (b"\xdf\xff\xff\xff\xff", None, "not MessagePack: it ends within a value at byte 5"),
            (b"\x81\xa4type\xdb\xff\xff\xff\xff", None, "not MessagePack: it ends within a value at byte 11"),
            (b"\x81\xa4type\xdd\xff\xff\xff\xff", None, "not MessagePack: it ends within a value at byte 11"),
            (b"\x81\x01\x02", None, "a field of unknown name: a map key is not a string"),
            (b"\x91\x80", None, "a message is a map with a `type`, found a list"),
            (b"{}", None, "a message is a map with a `type`, found a number"),
        ],
    );
}

#[test]
#[rustfmt::skip] // A table, row by row.
fn a_wrong_field_is_named() {
    refused(
        Codec::Json,
        &[
            (br"{}", None, "field `type` is missing"),
            (br#"{"type":5,"id":1}"#, Some(1), "field `type`: expected a string, found a number"),
            (br#"{"type":"foo","id":1}"#, Some(1), "unknown type `foo`"),
            (br#"{"type":"leave","room":"r"}"#, None, "field `id` is missing"),
            (br#"{"type":"leave","id":"1","room":"r"}"#, None, "field `id`: expected a whole number below 2^53, found a string"),
            (br#"{"type":"leave","id":1.5,"room":"r"}"#, None, "field `id`: expected a whole number below 2^53, found another number"),
            (br#"{"type":"ping","id":-1}"#, None, "field `id`: expected a whole number below 2^53, found another number"),
            (br#"{"type":"ping","id":9007199254740992}"#, None, "field `id`: expected a whole number below 2^53, found another number"),
            (br#"{"type":"leave","id":1,"room":null}"#, Some(1), "field `room` is missing"),
            (br#"{"type":"leave","id":1,"room":["r"]}"#, Some(1), "field `room`: expected a string, found a list"),
            (br#"{"type":"ping","id":9007199254740992.0}"#, None, "field `id`: expected a whole number below 2^53, found another number"),
            (br#"{"type":"ping","id":1e999}"#, None, "field `id`: expected a whole number below 2^53, found another number"),
            (br#"{"type":"leave","id":1,"room":"a*"}"#, Some(1), "field `room`: a room id is 1 to 128 bytes of text without control characters, without *, without white space at its ends, and neither . nor .."),
            (br#"{"type":"leave","id":1,"room":"\ud800"}"#, Some(1), "field `room`: expected a string, found a string with half of a surrogate pair"),
            (br#"{"type":"join","id":1,"room":"r","capacity":0}"#, Some(1), "field `capacity`: expected a whole number from 1 to 4294967295, found another number"),
            (br#"{"type":"join","id":1,"room":"r","capacity":true}"#, Some(1), "field `capacity`: expected a whole number from 1 to 4294967295, found a boolean"),
            (br#"{"type":"join","id":1,"room":"r","state":[]}"#, Some(1), "field `state`: expected a map, found a list"),
            (br#"{"type":"state","id":1,"room":"r"}"#, Some(1), "field `state` is missing"),
            (br#"{"type":"state","id":1,"room":"r","state":"s"}"#, Some(1), "field `state`: expected a map, found a string"),
            (br#"{"type":"hello","receipts":1}"#, None, "field `receipts`: expected true or false, found a number"),
            (br#"{"type":"hello","token":{}}"#, None, "field `token`: expected a string, found a map"),
            (br#"{"type":"signal","id":1,"room":"r","kind":"k"}"#, Some(1), "field `payload` is missing"),
            (br#"{"type":"signal","id":1,"room":"r","kind":"a b","payload":1}"#, Some(1), "field `kind`: a signal's kind is 1 to 64 characters of A-Z a-z 0-9 . _ : -"),
        ],
    );
}

#[test]
#[rustfmt::skip] // A table, row by row.
fn both_codecs_say_the_same_about_a_field() {
    refused(
        Codec::MessagePack,
        &[
            (b"\x82\xa4type\xa5leave\xa2id\xa11", None, "field `id`: expected a whole number below 2^53, found a string"),
            (b"\x81\xa4type\xa1\xff", None, "field `type`: expected a string, found a string that is not UTF-8"),
            (b"\x82\xa4type\xa4ping\xa2id\xcb\x3f\xf8\0\0\0\0\0\0", None, "field `id`: expected a whole number below 2^53, found another number"),
            (b"\x82\xa4type\xa5hello\xa5token\xc4\x01x", None, "field `token`: expected a string, found binary data"),
            (b"\x82\xa4type\xa5hello\xa5token\xd4\x05\0", None, "field `token`: expected a string, found a MessagePack ext"),
        ],
    );
}

#[test]
fn a_field_that_is_too_long_has_a_code_of_its_own() {
    let hello =
        |field: &str, bytes| format!(r#"{{"type":"hello","{field}":"{}"}}"#, "x".repeat(bytes));
    for (field, bytes_max) in [("name", 256), ("avatar", 2048)] {
        assert!(
            Codec::Json
                .decode(hello(field, bytes_max).as_bytes())
                .is_ok()
        );
        let text = format!(
            "field `{field}`: at most {bytes_max} bytes, found {}",
            bytes_max + 1
        );
        let frame = hello(field, bytes_max + 1);
        assert_eq!(
            answer(Codec::Json, frame.as_bytes()),
            (None, ErrorCode::TooLarge, text)
        );
    }
    let state = format!(
        r#"{{"type":"join","id":5,"room":"r","state":{{"s":"{}"}}}}"#,
        "x".repeat(4089)
    );
    let text = "field `state`: at most 4096 bytes as compact JSON, found 4097";
    assert_eq!(
        answer(Codec::Json, state.as_bytes()),
        (Some(5), ErrorCode::TooLarge, text.to_owned())
    );
}

#[test]
fn the_id_in_a_broken_received_is_not_answered_as_ones_own() {
    let frame = br#"{"type":"received","from":"bob","id":7}"#;
    let text = "field `from`: a peer id is 20 characters of A-Z a-z 0-9 _ -";
    assert_eq!(
        answer(Codec::Json, frame),
        (None, ErrorCode::BadMessage, text.to_owned())
    );
}

#[test]
fn a_client_can_tell_a_message_that_it_does_not_know() {
    let error = Codec::Json
        .decode_server(br#"{"type":"incoming","call":"c"}"#)
        .expect_err("calls are not read here");
    assert_eq!(error.fault, Fault::UnknownType("incoming".to_owned()));
    let error = Codec::Json
        .decode_server(br#"{"type":"left","re":1}"#)
        .expect_err("half a message");
    assert_eq!(
        error.to_string(),
        "message `left`: missing field `room` at line 1 column 22"
    );
}

#[test]
fn a_receiver_may_be_any_short_text() {
    let signal = |bytes: usize| {
        let to = "ü".repeat(bytes / 2);
        format!(r#"{{"type":"signal","id":1,"room":"r","to":"{to}","kind":"k","payload":1}}"#)
    };
    assert!(Codec::Json.decode(signal(128).as_bytes()).is_ok());
    let (_, _, text) = answer(Codec::Json, signal(130).as_bytes());
    assert_eq!(text, "field `to`: at most 128 bytes, found 130");
}
