//! Who may come in, and where to.

use serde_json::{Value, json};
use switchboard_client::{Closed, ConnectError, Options};
use switchboard_protocol::ErrorCode;
use switchboard_testkit::GatewayProcess;

use crate::support::{Peer, SECRET_SETTING, embedded, hear, options, signed, token};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn with_token(gateway: &GatewayProcess, token: impl Into<String>) -> Options {
    Options {
        token: Some(token.into()),
        ..options(gateway)
    }
}

async fn admitted(gateway: &GatewayProcess, user: &str, grants: Value) -> Peer {
    Peer::open(&with_token(gateway, token(user, grants)))
        .await
        .expect("a good token")
}

async fn refused(options: &Options) -> Closed {
    match Peer::open(options).await {
        Err(ConnectError::Closed(closed)) => closed,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("was let in"),
    }
}

#[tokio::test]
async fn a_wrong_token_is_refused_in_a_sentence_that_repeats_nothing_of_it() {
    let gateway = embedded(&[SECRET_SETTING]);
    let good = json!({ "sub": "alice" });
    // {"alg":"none","typ":"JWT"} and {"sub":"alice"}
    let unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhbGljZSJ9.";
    for (token, words) in [
        (unsigned.to_owned(), "HS256"),
        (
            signed(&json!({ "sub": "alice", "exp": 1 }), SECRET),
            "expired",
        ),
        (
            signed(
                &json!({ "sub": "alice", "nbf": 99_999_999_999_u64 }),
                SECRET,
            ),
            "not valid yet",
        ),
        (
            signed(&good, "another secret, just as long as it"),
            "signature",
        ),
        (
            signed(&json!({ "name": "nobody" }), SECRET),
            "names no user",
        ),
        ("garbage".into(), "not a JWT"),
        ("x".repeat(20_000), "longer than 16384 bytes"),
        (String::new(), "a token is needed"),
    ] {
        let closed = refused(&with_token(&gateway, &*token)).await;
        assert_eq!(closed.code, 4401, "{closed}");
        assert!(closed.reason.contains(words), "{words}: {closed}");
        assert!(
            token.is_empty() || !gateway.log().contains(&token),
            "a token is in the log"
        );
    }
    let closed = refused(&options(&gateway)).await;
    assert_eq!(
        (closed.code, closed.reason.contains("a token is needed")),
        (4401, true),
        "{closed}"
    );
    assert!(gateway.metric("switchboard_auth_total{outcome=\"expired\"}") >= 1.0);
    assert!(!gateway.log().contains("panicked"));
}

#[tokio::test]
async fn a_good_token_may_come_in_three_ways_and_names_the_user() {
    let gateway = embedded(&[SECRET_SETTING]);
    let token = signed(&json!({ "sub": "alice", "name": "Alice" }), SECRET);
    let in_url = Options {
        url: format!("{}/v1/connect?access_token={token}", gateway.url()),
        ..options(&gateway)
    };
    for options in [
        with_token(&gateway, &*token),
        Options {
            bearer: true,
            ..with_token(&gateway, &*token)
        },
        in_url,
    ] {
        let peer = Peer::open(&options).await.expect("a good token");
        assert_eq!(
            (peer.welcome.user.as_str(), peer.welcome.name.as_deref()),
            ("alice", Some("Alice"))
        );
        peer.bye().await;
    }
}

#[tokio::test]
async fn a_token_says_which_rooms_and_what_may_be_done_there() {
    let gateway = embedded(&[SECRET_SETTING]);
    let mut creator = admitted(
        &gateway,
        "creator",
        json!({ "rooms": ["study-*", "hall"], "capacity": 3 }),
    )
    .await;
    let error = creator
        .try_join("lobby", None)
        .await
        .expect_err("not covered");
    assert_eq!(
        (error.code, error.message.contains("does not cover")),
        (ErrorCode::Forbidden, true),
        "{error:?}"
    );
    let error = creator
        .try_join("hall", Some(4))
        .await
        .expect_err("over the granted capacity");
    assert_eq!(error.code, ErrorCode::Forbidden, "{error:?}");
    assert_eq!(
        creator
            .try_join("study-1", None)
            .await
            .map(|joined| joined.capacity),
        Ok(3)
    );

    let mut guest = admitted(&gateway, "guest", json!({ "can": ["join"] })).await;
    let error = guest
        .try_join("nowhere", None)
        .await
        .expect_err("would create it");
    assert_eq!(error.code, ErrorCode::NoSuchRoom, "{error:?}");
    guest.join("study-1").await;
    guest.signal("study-1", Some(creator.id), "offer", "1");
    assert_eq!(hear!(guest, Error).code, ErrorCode::Forbidden);
    let mut nobody = admitted(&gateway, "nobody", json!({ "can": [] })).await;
    assert_eq!(
        nobody
            .try_join("study-1", None)
            .await
            .map_err(|error| error.code),
        Err(ErrorCode::Forbidden)
    );
    assert!(!gateway.log().contains("panicked"));
}

#[tokio::test]
async fn a_user_has_as_many_sessions_as_allowed_and_room_for_one_more_after_a_goodbye() {
    let gateway = embedded(&[SECRET_SETTING, "limits.sessions_per_user=2"]);
    let first = admitted(&gateway, "alice", json!({})).await;
    let _second = admitted(&gateway, "alice", json!({})).await;
    let closed = refused(&with_token(&gateway, token("alice", json!({})))).await;
    assert_eq!(
        (closed.code, closed.retry_after_ms.is_some()),
        (4429, true),
        "{closed}"
    );
    assert!(closed.reason.contains("too many sessions"), "{closed}");
    admitted(&gateway, "bob", json!({})).await.bye().await;
    first.bye().await;
    // The directory hears of a goodbye a moment later.
    let mut tries = 0;
    while let Err(error) = Peer::open(&with_token(&gateway, token("alice", json!({})))).await {
        tries += 1;
        assert!(tries < 100, "{error}");
    }
    assert!(!gateway.log().contains("panicked"));
}
