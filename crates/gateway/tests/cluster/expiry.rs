//! Tokens that run out while their bearers are connected.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use switchboard_client::{Client, Options, TokenProvider};
use switchboard_protocol::client_message::Refresh;
use switchboard_protocol::{ClientMessage, ErrorCode};
use switchboard_testkit::GatewayProcess;

use crate::support::{Peer, Raw, SECRET_SETTING, embedded, hear, options, signed};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// A token ends when it says so.
const STRICT: &str = "auth.jwt.leeway_ms=0";

/// A token of that user for so many seconds from now.
fn token(user: &str, seconds: u64, grants: Value) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let exp = now.expect("after 1970").as_secs() + seconds;
    signed(
        &json!({"sub": user, "exp": exp, "switchboard": grants}),
        SECRET,
    )
}

async fn with_token(gateway: &GatewayProcess, token: String) -> Peer {
    let options = Options {
        token: Some(token),
        ..options(gateway)
    };
    Peer::open(&options).await.expect("a good token")
}

fn refresh(peer: &mut Peer, token: &str) -> u64 {
    peer.ask(|id| {
        ClientMessage::Refresh(Refresh {
            id,
            token: token.into(),
        })
    })
}

#[tokio::test]
async fn a_client_is_told_before_its_token_ends_and_closed_when_it_has_no_other() {
    let gateway = embedded(&[SECRET_SETTING, STRICT]);
    let mut alice = with_token(&gateway, token("alice", 4, json!({}))).await;
    let told = hear!(alice, Expiring);
    assert!(told.in_ms <= 2000, "{told:?}");
    let closed = alice.closed().await;
    assert_eq!(closed.code, 4401, "{closed}");
    assert!(closed.reason.contains("has expired"), "{closed}");
    let ticket = alice.ticket();
    let with_another = Options {
        token: Some(token("alice", 60, json!({}))),
        ..ticket.options(&gateway)
    };
    let back = ticket.show(&with_another).await.expect("a good token");
    assert!(back.welcome.resumed, "its session was held");
}

#[tokio::test]
async fn a_token_that_ends_when_nobody_can_count_to_does_not_end() {
    let gateway = embedded(&[SECRET_SETTING, STRICT]);
    for exp in [9_000_000_000_000_000_000_u64, u64::MAX] {
        let token = signed(&json!({"sub": "alice", "exp": exp}), SECRET);
        with_token(&gateway, token).await.ping().await;
    }
    assert!(!gateway.log().contains("panicked"));
}

#[tokio::test]
async fn a_session_goes_on_with_another_token_of_the_same_user_and_what_that_covers() {
    let gateway = embedded(&[SECRET_SETTING, STRICT]);
    let mut alice = with_token(&gateway, token("alice", 4, json!({}))).await;
    for room in ["study", "hall"] {
        alice.try_join(room, None).await.expect("it may");
    }
    hear!(alice, Expiring);
    for (wrong, words) in [
        (token("bob", 60, json!({})), "another user's"),
        ("garbage".into(), "not a JWT"),
        (
            signed(&json!({"sub": "alice", "exp": 1}), SECRET),
            "expired",
        ),
    ] {
        let id = refresh(&mut alice, &wrong);
        let error = hear!(alice, Error, |error| error.re == Some(id));
        assert_eq!(error.code, ErrorCode::Unauthorized, "{error:?}");
        assert!(error.message.contains(words), "{error:?}");
    }
    let id = refresh(&mut alice, &token("alice", 6, json!({"rooms": ["st*"]})));
    let closed = hear!(alice, RoomClosed);
    assert_eq!(closed.room.as_str(), "hall");
    hear!(alice, Done, |done| done.re == id);
    // It is told of the new token's end, past that of the old one.
    hear!(alice, Expiring);
    let error = alice.try_join("hall", None).await.expect_err("not covered");
    assert_eq!(error.code, ErrorCode::Forbidden);
    alice.ping().await;
}

#[tokio::test]
async fn the_shipped_client_asks_for_tokens_and_stays() {
    let gateway = embedded(&[SECRET_SETTING, STRICT]);
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let tokens: TokenProvider = Box::new(move || {
        let lasts = match counter.fetch_add(1, Ordering::SeqCst) {
            0 => 3,
            _ => 60,
        };
        Box::pin(async move { Some(token("alice", lasts, json!({}))) })
    });
    let (client, _events) = Client::connect_with(options(&gateway), tokens)
        .await
        .expect("a good token");
    let peer = client.welcome().peer;
    tokio::time::timeout(Duration::from_secs(10), async {
        while gateway.metric("switchboard_auth_total{outcome=\"accepted\"}") < 2.0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .expect("it says another token");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(client.welcome().peer, peer);
    assert_eq!(
        gateway.metric("switchboard_connections_total"),
        1.0,
        "it never reconnected"
    );
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_cannot_refresh_stay_unless_that_is_bounded() {
    for (settings, stays) in [
        (vec![SECRET_SETTING, STRICT], true),
        (
            vec![SECRET_SETTING, STRICT, "auth.max_session_ms=1000"],
            false,
        ),
    ] {
        let gateway = embedded(&settings);
        let path = format!("/?access_token={}", token("mia", 2, json!({})));
        let mut mia = Raw::open(&gateway, &path, &["Sec-WebSocket-Protocol: json"]);
        mia.text(r#"{"type":"username","name":"Mia"}"#);
        mia.until(r#"{"type":"userlist""#);
        let mut bob = with_token(&gateway, token("bob", 60, json!({}))).await;
        match stays {
            true => {
                tokio::time::sleep(Duration::from_secs(4)).await;
                mia.text(r#"{"type":"message","text":"hi"}"#);
                mia.until(r#"{"type":"message""#);
            }
            false => assert_eq!(tokio::task::block_in_place(|| mia.closed()).0, 4401),
        }
        bob.ping().await;
    }
}
