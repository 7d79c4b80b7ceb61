//! More than a session may send: each dialect's words for it, and what becomes of a client that goes on.

use serde_json::{Value, json};
use switchboard_testkit::GatewayProcess;

use crate::support::{Peer, Raw, embedded, hear, limited, still_well};

const ROOM: &str = "study-1";

/// A client of STOMP that hears what is refused.
fn stomp(gateway: &GatewayProcess) -> Raw {
    let mut stomp = Raw::open(gateway, "/ws", &["Sec-WebSocket-Protocol: v12.stomp"]);
    stomp.text("CONNECT\naccept-version:1.2\nhost:x\n\n\0");
    stomp.until("CONNECTED");
    stomp.text("SUBSCRIBE\nid:0\ndestination:/user/queue/system\n\n\0");
    stomp
}

#[tokio::test]
async fn too_many_requests_and_too_many_bytes_are_told_in_the_words_of_each_dialect() {
    let gateway = embedded(&["limits.requests_per_second=1", "limits.burst=3"]);
    let heavy = embedded(&[
        "limits.bytes_per_second=2048",
        "limits.max_message_bytes=8192",
    ]);
    let large = "x".repeat(6000);
    // Of long messages the second is taken whole, too, the third is refused, and the fifth would be the last.
    for (gateway, key, first, count) in [
        (&gateway, "limits.requests_per_second", "", 5),
        (&heavy, "limits.bytes_per_second", &*large, 3),
    ] {
        let mut told = Vec::new();
        let mut io = Raw::open(gateway, "/socket.io/?EIO=4&transport=websocket", &[]);
        io.text("40");
        io.until("40{");
        for number in 0..count {
            io.text(&format!("42{number}[\"leave\",\"{first}{number}\"]"));
        }
        told.push(io.until(&format!("43{}", count - 1)));
        let mut subscriber = stomp(gateway);
        for number in 0..count {
            subscriber.text(&format!(
                "SEND\nreceipt:{number}\ndestination:/app/rooms/r{number}/leave\n\n{first}\0"
            ));
        }
        told.push(loop {
            let frame = subscriber.read_text();
            if frame.contains(key) {
                break frame;
            }
        });
        let mut mdn = Raw::open(gateway, "/", &["Sec-WebSocket-Protocol: json"]);
        mdn.text(r#"{"type":"username","name":"Mia"}"#);
        mdn.until(r#"{"type":"userlist""#);
        for number in 0..count {
            mdn.text(
                &json!({ "type": "username", "name": number.to_string(), "more": first })
                    .to_string(),
            );
        }
        told.push(loop {
            let message = mdn.until(r#"{"#);
            let message: Value = serde_json::from_str(&message).expect("JSON");
            if message["code"] == "rate-limited" {
                break message["text"].to_string();
            }
        });
        for words in told {
            assert!(words.contains(key) && words.contains("go on in"), "{words}");
        }
        let rule = key.trim_start_matches("limits.");
        assert!(limited(gateway, rule) >= 3.0, "{rule}");
        still_well(gateway).await;
    }
}

#[tokio::test]
async fn a_session_that_sends_on_and_on_is_closed_and_may_resume() {
    let gateway = embedded(&[
        "limits.bytes_per_second=8192",
        "limits.max_message_bytes=32768",
    ]);
    let mut alice = Peer::in_room(&gateway, ROOM).await;
    let mut ben = Peer::in_room(&gateway, ROOM).await;
    let payload = format!("\"{}\"", "x".repeat(16_000));
    let first = alice.signal(ROOM, Some(ben.id), "data", &payload);
    assert_eq!(hear!(ben, Signal).id, first);
    let ids: Vec<_> = (0..8)
        .map(|_| alice.signal(ROOM, Some(ben.id), "data", &payload))
        .collect();
    let error = hear!(alice, Error);
    assert!(
        error.message.contains("limits.bytes_per_second"),
        "{error:?}"
    );
    assert!(error.re.is_some_and(|re| ids.contains(&re)) && error.retry_after_ms.is_some());
    let closed = alice.closed().await;
    assert_eq!(closed.code, 4429, "{closed}");
    assert!(
        closed.reason.contains("limits.bytes_per_second"),
        "{closed}"
    );
    let pause = closed.retry_after_ms.expect("when to come again");
    assert!(pause >= 1000, "{pause}");
    let mut alice = alice.lose().resume(&gateway).await;
    alice.exchange(&mut ben, ROOM).await;
    assert!(limited(&gateway, "bytes_per_second") >= 2.0);
    still_well(&gateway).await;
}
