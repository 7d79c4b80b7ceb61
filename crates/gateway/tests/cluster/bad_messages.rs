//! What a client should not say, on an open connection.

use serde_json::Value;
use switchboard_testkit::GatewayProcess;

use crate::support::{Raw, embedded, still_well};

/// A connection in JSON that has said hello and joined `study-1`.
pub(crate) fn greeted(gateway: &GatewayProcess) -> Raw {
    let mut raw = Raw::open(gateway, "/v1/connect", &[]);
    raw.text(r#"{"type":"hello"}"#);
    raw.read_text();
    raw.text(r#"{"type":"join","id":1,"room":"study-1"}"#);
    while !raw.read_text().contains("\"joined\"") {}
    raw
}

pub(crate) fn answer(raw: &mut Raw) -> Value {
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
            r#"{"type":"join","id":2,"room":"two words "}"#,
            "a room id is 1 to 128 bytes of text",
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
    let gateway = embedded(&[]);
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
    still_well(&gateway).await;
}

#[tokio::test]
async fn a_signal_to_somebody_who_does_not_exist_is_undelivered() {
    let gateway = embedded(&[]);
    let mut raw = greeted(&gateway);
    raw.text(
        r#"{"type":"signal","id":14,"room":"study-1","to":"nobody at all","kind":"x","payload":1}"#,
    );
    assert_eq!(
        answer(&mut raw),
        serde_json::json!({"type": "undelivered", "id": 14, "to": ["nobody at all"], "reason": "no-such-peer"})
    );
    still_well(&gateway).await;
}

#[tokio::test]
async fn what_asks_for_too_much_is_refused_and_the_connection_goes_on() {
    let gateway = embedded(&["room.max_per_session=2"]);
    let mut raw = greeted(&gateway);
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
