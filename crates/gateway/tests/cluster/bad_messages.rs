//! What a client should not say, on an open connection.

use serde_json::Value;
use switchboard_testkit::GatewayProcess;

use crate::support::{Raw, embedded, still_well};

const BINARY: u8 = 2;

/// A connection in JSON that has said hello and joined `study-1`.
fn greeted(gateway: &GatewayProcess) -> Raw {
    let mut raw = Raw::open(gateway, "/v1/connect", &[]);
    raw.text(r#"{"type":"hello"}"#);
    raw.read_text();
    raw.text(r#"{"type":"join","id":1,"room":"study-1"}"#);
    while !raw.read_text().contains("\"joined\"") {}
    raw
}

fn answer(raw: &mut Raw) -> Value {
    serde_json::from_str(&raw.read_text()).expect("the gateway writes JSON")
}

/// Says it, and is answered with this code and a sentence in which `words` occur; the connection goes on.
fn refused(raw: &mut Raw, said: &str, code: &str, words: &str) {
    raw.text(said);
    let error = answer(raw);
    let shown: String = said.chars().take(80).collect();
    assert_eq!(
        (&error["type"], &error["code"]),
        (&"error".into(), &code.into()),
        "{shown}: {error}"
    );
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|message| message.contains(words)),
        "{shown}: {error}"
    );
    let sent: Option<Value> = serde_json::from_str(said).ok();
    if let Some(id) = sent
        .and_then(|sent| sent.get("id").and_then(Value::as_u64))
        .filter(|id| *id < 1 << 53)
    {
        assert_eq!(error["re"], id, "{shown}: {error}");
    }
    raw.text(r#"{"type":"ping","id":99}"#);
    assert_eq!(answer(raw)["type"], "pong", "{shown}");
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_answered_in_words() {
    let gateway = embedded(&[]);
    let mut raw = greeted(&gateway);
    for (said, words) in [
        ("{\"type\":\"ping\"", "not JSON"),
        ("", "not JSON"),
        ("[1]", "a message is a map"),
        (r#"{"id":2}"#, "`type` is missing"),
        (r#"{"type":"dance","id":2}"#, "unknown type `dance`"),
        (r#"{"type":"join","id":2}"#, "`room` is missing"),
        (r#"{"type":"join","room":"x"}"#, "`id` is missing"),
        (r#"{"type":"join","id":"2","room":"x"}"#, "`id`: expected"),
        (r#"{"type":"join","id":-2,"room":"x"}"#, "`id`: expected"),
        (
            r#"{"type":"join","id":9007199254740992,"room":"x"}"#,
            "`id`: expected",
        ),
        (
            r#"{"type":"join","id":2,"room":"two words"}"#,
            "a room id is 1 to 128 characters",
        ),
        (
            r#"{"type":"state","id":2,"room":"study-1","state":[]}"#,
            "expected a map",
        ),
        (
            r#"{"type":"signal","id":2,"room":"study-1","kind":"one two","payload":1}"#,
            "`kind`",
        ),
    ] {
        refused(&mut raw, said, "bad-message", words);
    }
    still_well(&gateway).await;
}

#[tokio::test]
async fn a_payload_nested_fifty_thousand_deep_hurts_nobody() {
    let gateway = embedded(&["limits.max_message_bytes=1000000"]);
    let mut raw = greeted(&gateway);
    let deep =
        ["[", "{\"a\":"].map(|open| (open.repeat(50_000), if open == "[" { "]" } else { "1}" }));
    for (open, close) in deep {
        let close = close.replace('1', "").repeat(50_000);
        let payload = format!("{open}1{close}");
        let signal = format!(
            r#"{{"type":"signal","id":2,"room":"study-1","kind":"x","payload":{payload}}}"#
        );
        refused(
            &mut raw,
            &signal,
            "bad-message",
            "nested more than 128 deep",
        );
        let state =
            format!(r#"{{"type":"state","id":3,"room":"study-1","state":{{"a":{payload}}}}}"#);
        raw.text(&state);
        assert_eq!(answer(&mut raw)["type"], "error");
        let unknown = format!(r#"{{"type":"ping","id":4,"unknown":{payload}}}"#);
        raw.text(&unknown);
        assert_ne!(answer(&mut raw)["type"], Value::Null);
        raw.text(&payload);
        assert_eq!(answer(&mut raw)["code"], "bad-message");
    }
    still_well(&gateway).await;
}

#[tokio::test]
async fn what_makes_no_sense_in_this_moment_is_refused_and_the_connection_goes_on() {
    let gateway = embedded(&["room.max_per_session=2"]);
    let mut raw = greeted(&gateway);
    let signal = |id, room| {
        format!(r#"{{"type":"signal","id":{id},"room":"{room}","kind":"x","payload":1}}"#)
    };
    refused(
        &mut raw,
        r#"{"type":"hello"}"#,
        "bad-message",
        "said already",
    );
    refused(
        &mut raw,
        &signal(10, "elsewhere"),
        "not-a-member",
        "join it first",
    );
    refused(&mut raw, &signal(10, "study-1"), "bad-message", "ids rise");
    refused(&mut raw, &signal(9, "study-1"), "bad-message", "ids rise");
    refused(
        &mut raw,
        r#"{"type":"leave","id":11,"room":"elsewhere"}"#,
        "not-a-member",
        "join it first",
    );
    refused(
        &mut raw,
        r#"{"type":"state","id":11,"room":"elsewhere","state":{}}"#,
        "not-a-member",
        "join it first",
    );
    refused(
        &mut raw,
        r#"{"type":"join","id":12,"room":"study-1"}"#,
        "already-joined",
        "already",
    );
    refused(
        &mut raw,
        r#"{"type":"join","id":12,"room":"b","capacity":1001}"#,
        "too-large",
        "1000 at most",
    );
    let state = format!(
        r#"{{"type":"state","id":13,"room":"study-1","state":{{"a":"{}"}}}}"#,
        "x".repeat(5000)
    );
    refused(&mut raw, &state, "too-large", "4096");

    raw.text(
        r#"{"type":"signal","id":14,"room":"study-1","to":"nobody at all","kind":"x","payload":1}"#,
    );
    assert_eq!(
        answer(&mut raw),
        serde_json::json!({"type": "undelivered", "id": 14, "to": ["nobody at all"], "reason": "no-such-peer"})
    );
    raw.text(r#"{"type":"join","id":15,"room":"second"}"#);
    assert_eq!(answer(&mut raw)["type"], "joined");
    refused(
        &mut raw,
        r#"{"type":"join","id":16,"room":"third"}"#,
        "too-many-rooms",
        "leave one first",
    );
    still_well(&gateway).await;
}

#[tokio::test]
async fn after_sixteen_bad_messages_the_connection_is_closed() {
    let gateway = embedded(&[]);
    for greeted_first in [true, false] {
        let mut raw = if greeted_first {
            greeted(&gateway)
        } else {
            Raw::open(&gateway, "/v1/connect", &[])
        };
        for _ in 1..16 {
            raw.send(BINARY, b"\x00garbage\xff");
            let error = answer(&mut raw);
            assert_eq!(error["code"], "bad-message", "{error}");
            assert!(
                error["message"]
                    .as_str()
                    .is_some_and(|message| message.contains("JSON in text frames")),
                "{error}"
            );
        }
        raw.text("garbage");
        let (code, reason) = raw.closed();
        assert_eq!(
            (code, reason.contains("not JSON")),
            (4400, true),
            "{reason}"
        );
    }
    assert!(gateway.metric("switchboard_closes_total{code=\"4400\"}") >= 2.0);
    still_well(&gateway).await;
}

#[tokio::test]
async fn a_messagepack_connection_takes_no_text_and_no_garbage() {
    let gateway = embedded(&[]);
    let mut raw = Raw::open(
        &gateway,
        "/v1/connect",
        &["Sec-WebSocket-Protocol: switchboard.v1.msgpack"],
    );
    raw.text(r#"{"type":"hello"}"#);
    let (_, error) = raw.read().expect("an answer");
    assert!(
        String::from_utf8_lossy(&error).contains("speaks MessagePack"),
        "{}",
        String::from_utf8_lossy(&error)
    );
    for garbage in [
        &b"\xc1"[..],
        b"\xdf\xff\xff\xff\xff",
        b"\xdd\xff\xff\xff\xff",
        b"\x81",
        b"",
        &[0x91; 60_000],
        &[0x81; 60_000],
    ] {
        raw.send(BINARY, garbage);
        let (_, error) = raw.read().expect("an answer");
        assert!(
            String::from_utf8_lossy(&error).contains("bad-message"),
            "{}",
            String::from_utf8_lossy(&error)
        );
    }
    raw.send(BINARY, b"\x81\xa4type\xa5hello");
    let (_, welcome) = raw.read().expect("an answer");
    assert!(String::from_utf8_lossy(&welcome).contains("welcome"));
    still_well(&gateway).await;
}

#[tokio::test]
async fn a_message_over_the_bound_closes_with_1009_and_what_is_no_websocket_closes_too() {
    let gateway = embedded(&["limits.max_message_bytes=1024"]);
    let mut raw = greeted(&gateway);
    raw.text(&format!("\"{}\"", "x".repeat(1022)));
    assert_eq!(answer(&mut raw)["type"], "error", "as long as it may be");
    raw.text(&format!("\"{}\"", "x".repeat(1023)));
    let (code, reason) = raw.closed();
    assert_eq!(code, 1009, "{reason}");
    assert!(reason.contains("1024"), "{reason}");

    let mut raw = greeted(&gateway);
    raw.send(1, b"\xff\xfe no UTF-8");
    assert_eq!(raw.closed().0, 4400);
    let mut raw = greeted(&gateway);
    raw.send(0x7, b"an opcode that nobody knows");
    assert_eq!(raw.closed().0, 4400);
    still_well(&gateway).await;
}
