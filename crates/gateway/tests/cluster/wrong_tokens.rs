//! Wrong tokens that come again and again, and those beside them.

use std::time::Duration;

use serde_json::{Value, json};
use switchboard_client::Options;
use switchboard_protocol::client_message::Refresh;
use switchboard_protocol::{ClientMessage, ErrorCode};
use switchboard_testkit::GatewayProcess;

use crate::support::{Peer, Raw, SECRET_SETTING, embedded, exchange, hear, options, signed, token};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const OFFICE: [u8; 4] = [127, 0, 0, 2];
const ELSEWHERE: [u8; 4] = [127, 0, 0, 3];

/// One that has run out.
fn old() -> String {
    signed(&json!({ "sub": "alice", "exp": 1 }), SECRET)
}

async fn come(
    gateway: &GatewayProcess,
    address: [u8; 4],
    token: &str,
) -> Result<Raw, (u16, Value)> {
    let mut raw = Raw::from(gateway, address).await;
    raw.hello(&json!({ "type": "hello", "token": token }))
        .map(|_| raw)
}

/// How a client is refused: code, and when to come again.
async fn refused(gateway: &GatewayProcess, token: &str) -> (u16, Option<u64>) {
    let refused = come(gateway, OFFICE, token).await.map(|_| ());
    let (code, reason) = refused.expect_err("a wrong token");
    (code, reason["retry_after_ms"].as_u64())
}

fn counted(gateway: &GatewayProcess, metric: &str) -> f64 {
    gateway.metric(&format!("switchboard_{metric}"))
}

const REPEATED: &str = "limited_total{rule=\"repeated_token\"}";

#[tokio::test]
async fn the_same_token_again_waits_longer_each_time_and_its_neighbours_do_not() {
    let gateway = embedded(&[SECRET_SETTING]);
    let old = old();
    let (mut looked_at, mut unseen) = (0, 0);
    // Where this test is slow, a pause may be over before the next try.
    loop {
        let (code, pause) = refused(&gateway, &old).await;
        let Some(pause) = pause else {
            assert_eq!(code, 4401);
            looked_at += 1;
            continue;
        };
        assert_eq!(code, 4429);
        unseen += 1;
        assert!(looked_at >= 3, "three are free");
        let longest = 1000 << (looked_at - 3);
        assert!(pause <= longest, "{pause} after {looked_at}");
        for user in ["alice", "ben"] {
            let good = token(user, json!({}));
            come(&gateway, OFFICE, &good)
                .await
                .map(|_| ())
                .expect("a good token");
        }
        if pause > 1000 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    let expired = counted(&gateway, "auth_total{outcome=\"expired\"}");
    assert_eq!(expired, f64::from(looked_at));
    assert_eq!(counted(&gateway, REPEATED), f64::from(unseen));
    // Over HTTP it is the same token.
    let answer = exchange(
        &gateway,
        "GET /v1/ice-servers",
        &[&format!("Authorization: Bearer {old}")],
    );
    assert!(answer.starts_with("HTTP/1.1 429"), "{answer}");
    assert!(
        answer.contains("\r\nretry-after: ") && answer.contains("refused before"),
        "{answer}"
    );
    assert_eq!(counted(&gateway, REPEATED), f64::from(unseen + 1));
}

/// An office whose tokens have all run out, with clients that reconnect for ever.
#[tokio::test]
async fn a_crowd_with_old_tokens_locks_nobody_out_of_its_address() {
    let gateway = embedded(&[
        SECRET_SETTING,
        "limits.wrong_tokens_per_second_per_address=1",
    ]);
    for round in 0..2 {
        for client in 0..30 {
            let old = signed(&json!({ "sub": client.to_string(), "exp": 1 }), SECRET);
            assert_eq!(refused(&gateway, &old).await, (4401, None), "{round}");
        }
        let good = token("ben", json!({}));
        come(&gateway, OFFICE, &good)
            .await
            .map(|_| ())
            .expect("a good token");
    }
}

#[tokio::test]
async fn a_session_that_tries_to_refresh_with_it_is_told_the_same_and_stays() {
    let gateway = embedded(&[SECRET_SETTING]);
    let with_token = Options {
        token: Some(token("alice", json!({}))),
        ..options(&gateway)
    };
    let mut alice = Peer::open(&with_token).await.expect("a good token");
    let old = old();
    let mut looked_at = 0;
    loop {
        let id = alice.ask(|id| {
            ClientMessage::Refresh(Refresh {
                id,
                token: (&*old).into(),
            })
        });
        let error = hear!(alice, Error, |error| error.re == Some(id));
        if error.code == ErrorCode::RateLimited {
            assert!(error.retry_after_ms.is_some());
            break;
        }
        assert_eq!(
            (error.code, error.retry_after_ms),
            (ErrorCode::Unauthorized, None)
        );
        looked_at += 1;
    }
    assert!(looked_at >= 3, "three are free");
    assert_eq!(counted(&gateway, REPEATED), 1.0);
    alice.ping().await;
}

#[tokio::test]
async fn every_dialect_is_told_in_its_own_way() {
    let gateway = embedded(&[SECRET_SETTING]);
    let old = old();
    // Until it waits for long enough to be tried in all of them.
    while let pause = refused(&gateway, &old).await.1.unwrap_or_default()
        && pause <= 2000
    {
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    let before = counted(&gateway, REPEATED);
    let mut io = Raw::open(&gateway, "/socket.io/?EIO=4&transport=websocket", &[]);
    io.text(&format!("40{}", json!({ "token": old })));
    let told = io.until("44");
    let told: Value = serde_json::from_str(&told[2..]).expect("JSON");
    assert_eq!(told["message"], "Authentication failed");
    let pause = told["data"]["retry_after_ms"].as_u64().expect("a time");
    assert!((1..=4000).contains(&pause), "{told}");

    let mut stomp = Raw::open(&gateway, "/ws", &["Sec-WebSocket-Protocol: v12.stomp"]);
    stomp.text(&format!(
        "CONNECT\naccept-version:1.2\nhost:x\nAuthorization:Bearer {old}\n\n\0"
    ));
    let told = stomp.until("ERROR");
    assert!(
        told.contains("refused before") && told.contains("come again in "),
        "{told}"
    );
    assert_eq!(stomp.closed().0, 4429);

    let mut mdn = Raw::open(
        &gateway,
        &format!("/?access_token={old}"),
        &["Sec-WebSocket-Protocol: json"],
    );
    mdn.text(r#"{"type":"username","name":"Mia"}"#);
    let (code, reason) = mdn.closed();
    assert!(
        code == 4429 && reason.contains("retry_after_ms"),
        "{code}: {reason}"
    );
    assert_eq!(counted(&gateway, REPEATED), before + 3.0);
}

#[tokio::test]
async fn an_address_that_tries_one_token_after_another_is_not_listened_to_for_a_while() {
    let gateway = embedded(&[
        SECRET_SETTING,
        "limits.wrong_tokens_per_second_per_address=1",
    ]);
    let (_here, good) = (
        come(&gateway, OFFICE, &token("alice", json!({})))
            .await
            .map_err(|_| ())
            .expect("a good token"),
        token("ben", json!({})),
    );
    let mut tried = 0;
    let (code, reason) = loop {
        assert!(tried < 100, "nothing is refused unseen");
        let wrong = signed(
            &json!({ "sub": tried }),
            "another secret, which is as long as that",
        );
        let refused = come(&gateway, OFFICE, &wrong).await.map(|_| ());
        match refused.expect_err("a wrong token") {
            (4401, _) => tried += 1,
            other => break other,
        }
    };
    assert!(tried >= 10, "ten may come at once");
    assert_eq!(code, 4429);
    let words = reason["reason"].as_str().unwrap_or_default();
    assert!(
        words.contains("limits.wrong_tokens_per_second_per_address"),
        "{reason}"
    );
    let rule = "limited_total{rule=\"wrong_tokens_per_second_per_address\"}";
    assert_eq!(counted(&gateway, rule), 1.0);
    come(&gateway, ELSEWHERE, &good)
        .await
        .map(|_| ())
        .expect("another address");
    let pause = reason["retry_after_ms"].as_u64().expect("a time");
    tokio::time::sleep(Duration::from_millis(pause)).await;
    come(&gateway, OFFICE, &good)
        .await
        .map(|_| ())
        .expect("it passes");
}
