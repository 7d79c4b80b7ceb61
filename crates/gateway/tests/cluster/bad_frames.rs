//! Frames that are no messages at all.

use crate::bad_messages::{answer, greeted};
use crate::support::{Raw, embedded, still_well};

const BINARY: u8 = 2;

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
