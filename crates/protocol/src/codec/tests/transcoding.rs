//! One value in both encodings.

use super::*;
use crate::{Encoding, Payload};

fn to_json(msgpack: &[u8]) -> Result<String, InvalidPayload> {
    let payload = Payload::new(Encoding::MessagePack, msgpack)?;
    let json = payload.transcode_to(Encoding::Json)?.into_owned();
    Ok(String::from_utf8(json).expect("JSON is UTF-8"))
}

fn to_msgpack(json: &str) -> Result<Vec<u8>, InvalidPayload> {
    let payload = Payload::new(Encoding::Json, json.as_bytes())?;
    Ok(payload.transcode_to(Encoding::MessagePack)?.into_owned())
}

#[test]
fn a_value_of_both_encodings_survives_there_and_back() {
    let values = [
        "null",
        "true",
        "0",
        "18446744073709551615",
        "-9223372036854775808",
        "-1",
        "0.1",
        "-0.0",
        "1.7976931348623157e+308",
        "5e-324",
        "9007199254740993",
        r#""""#,
        r#""Zoë 😀 \"\\\n\u0001""#,
        "[]",
        "{}",
        r#"[1,[2.5,{"a":null,"b":[]}],"x"]"#,
        r#"{"candidate":"candidate:1 1 udp 1 10.0.0.1 9 typ host","sdpMLineIndex":0,"usernameFragment":null}"#,
        r#"{"a":1,"a":2}"#,
        r#"{"$serde_json::private::RawValue":"1"}"#,
    ];
    for json in values {
        let msgpack = to_msgpack(json).expect(json);
        assert_eq!(to_json(&msgpack).as_deref(), Ok(json));
    }
}

#[test]
fn json_is_written_in_messagepack_as_small_as_it_gets() {
    let table: [(&str, &[u8]); 7] = [
        (" [ 1 , 200 ] ", b"\x92\x01\xcc\xc8"),
        (r#""\u00e9\ud83d\ude00""#, b"\xa6\xc3\xa9\xf0\x9f\x98\x80"),
        (r#"{"a":-33}"#, b"\x81\xa1a\xd0\xdf"),
        ("1.0", b"\xcb\x3f\xf0\0\0\0\0\0\0"),
        ("18446744073709551616", b"\xcb\x43\xf0\0\0\0\0\0\0"),
        ("0e999", b"\xcb\0\0\0\0\0\0\0\0"),
        ("1e-999", b"\xcb\0\0\0\0\0\0\0\0"),
    ];
    for (json, msgpack) in table {
        assert_eq!(to_msgpack(json).as_deref(), Ok(msgpack), "{json}");
    }
}

#[test]
fn messagepack_is_written_in_json_by_its_value() {
    let table: [(&[u8], &str); 8] = [
        (
            b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
            "18446744073709551615",
        ),
        (b"\xd3\x80\0\0\0\0\0\0\0", "-9223372036854775808"),
        (b"\xd3\0\0\0\0\0\0\0\x05", "5"),
        (b"\xca\x3d\xcc\xcc\xcd", "0.10000000149011612"),
        (b"\xc4\x05\x00\xff\x10\x80\x7f", r#""AP8QgH8=""#),
        (b"\xc4\x00", r#""""#),
        (b"\xc5\x00\x03abc", r#""YWJj""#),
        (b"\x81\xd9\x01k\xdc\x00\x01\xc2", r#"{"k":[false]}"#),
    ];
    for (msgpack, json) in table {
        assert_eq!(to_json(msgpack).as_deref(), Ok(json), "{msgpack:x?}");
    }
}

#[test]
fn what_messagepack_lacks_is_refused_in_json() {
    let too_large = "9".repeat(400);
    let table = [
        (r#"["\ud800"]"#, InvalidPayload::LoneSurrogate),
        (r#"{"\udc00":1}"#, InvalidPayload::LoneSurrogate),
        (r#""\ude00\ud83d""#, InvalidPayload::LoneSurrogate),
        ("[1e309]", InvalidPayload::NumberRange),
        ("-1E+400", InvalidPayload::NumberRange),
        (&too_large, InvalidPayload::NumberRange),
    ];
    for (json, why) in table {
        assert_eq!(to_msgpack(json), Err(why), "{json}");
    }
}

#[test]
fn what_json_lacks_is_refused_in_messagepack() {
    let table: [(&[u8], InvalidPayload); 10] = [
        (b"\xd4\x05\x00", InvalidPayload::Extension),
        (b"\xd6\xff\0\0\0\0", InvalidPayload::Extension),
        (b"\x91\xc7\x03\x05abc", InvalidPayload::Extension),
        (b"\x81\x01\x02", InvalidPayload::KeyNotText),
        (b"\x91\x81\xc4\x01a\x02", InvalidPayload::KeyNotText),
        (b"\x82\xa1a\x90\x90\x01", InvalidPayload::KeyNotText),
        (b"\xa1\xff", InvalidPayload::NotUtf8),
        (b"\x81\xa1\xff\x01", InvalidPayload::NotUtf8),
        (b"\xca\x7f\xc0\x00\x00", InvalidPayload::NotFinite),
        (b"\xcb\x7f\xf0\0\0\0\0\0\0", InvalidPayload::NotFinite),
    ];
    for (msgpack, why) in table {
        assert_eq!(to_json(msgpack), Err(why), "{msgpack:x?}");
    }
}

#[test]
fn bytes_that_are_no_single_value_are_no_payload() {
    for json in ["", "1 2", "[1", "nul", "\"a\nb\""] {
        assert!(
            matches!(to_msgpack(json), Err(InvalidPayload::Malformed(_))),
            "{json}"
        );
    }
    for msgpack in [
        &b""[..],
        b"\x01\x02",
        b"\x92\x01",
        b"\xc1",
        b"\xc7\x01\x05",
        b"\xd9\x05a",
    ] {
        assert!(
            matches!(to_json(msgpack), Err(InvalidPayload::Malformed(_))),
            "{msgpack:x?}"
        );
    }
}
