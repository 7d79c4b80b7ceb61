//! `POST /v1/revocations`: users, tokens and sessions that are worth nothing from one moment to the next.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use switchboard_client::{ConnectError, Options};
use switchboard_protocol::client_message::Refresh;
use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{ClientMessage, ErrorCode};
use switchboard_testkit::GatewayProcess;

use crate::support::{
    Cluster, Peer, Raw, SECRET_SETTING, embedded, hear, limited, node, options, send, signed,
};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const ADMIN: &str = "admin.token=0123456789abcdef-admin";
const ROOM: &str = "study-1";

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("after 1970").as_secs()
}

/// A token of that user that was made so many seconds ago.
fn token(user: &str, jti: &str, seconds_ago: u64) -> String {
    let iat = now() - seconds_ago;
    let claims = json!({ "sub": user, "jti": jti, "iat": iat, "exp": now() + 3600 });
    signed(&claims, SECRET)
}

fn with_token(gateway: &GatewayProcess, token: &str) -> Options {
    Options {
        token: Some(token.into()),
        ..options(gateway)
    }
}

async fn in_room(gateway: &GatewayProcess, token: &str) -> Peer {
    let mut peer = Peer::open(&with_token(gateway, token))
        .await
        .expect("a good token");
    peer.try_join(ROOM, None).await.expect("it may");
    peer
}

/// The reason for which a client with this token is not let in.
async fn refusal(gateway: &GatewayProcess, token: &str) -> Option<String> {
    match Peer::open(&with_token(gateway, token)).await {
        Ok(_) => None,
        Err(ConnectError::Closed(closed)) => {
            assert_eq!(closed.code, 4401, "{closed}");
            Some(closed.reason)
        }
        Err(other) => panic!("{other}"),
    }
}

fn post(gateway: &GatewayProcess, authorization: &str, body: &str) -> (u16, Value) {
    let request = format!(
        "POST /v1/revocations HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{authorization}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let (status, answer) = gateway.request(&request);
    let answer = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("no JSON: {answer}"));
    (status, answer)
}

fn revoke(gateway: &GatewayProcess, body: Value) -> Value {
    let authorization = "Authorization: Bearer 0123456789abcdef-admin\r\n";
    let (status, answer) = post(gateway, authorization, &body.to_string());
    assert_eq!(status, 200, "{answer}");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_s_sessions_end_on_all_nodes_and_newer_tokens_are_good() {
    let cluster = Cluster::start(2, &[SECRET_SETTING, ADMIN]);
    let [one, other] = &cluster.nodes[..] else {
        panic!("two nodes")
    };
    let old = token("ada", "1", 60);
    let mut bob = in_room(other, &token("bob", "2", 60)).await;
    let mut ada = [in_room(one, &old).await, in_room(other, &old).await];
    for ada in &mut ada {
        let id = ada.id;
        hear!(bob, MemberJoined, |joined| joined.member.peer == id);
    }
    let answer = revoke(one, json!({ "user": "ada" }));
    let before = answer["before"].as_u64().expect("a time");
    assert!(before.abs_diff(now()) < 60, "{answer}");
    for mut ada in ada {
        let closed = ada.closed().await;
        assert_eq!(closed.code, 4401);
        assert!(closed.reason.contains("revoked"), "{closed}");
        let left = hear!(bob, MemberLeft);
        assert_eq!((left.peer, left.reason), (ada.id, LeaveReason::Kicked));
    }
    for node in &cluster.nodes {
        let reason = refusal(node, &old).await.expect("it is revoked");
        assert!(reason.contains("revoked"), "{reason}");
        let bearer = format!("Authorization: Bearer {old}\r\n");
        let request = format!(
            "GET /v1/ice-servers HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{bearer}\r\n"
        );
        assert_eq!(node.request(&request).0, 401);
        // As one that has signed in again would have it.
        let iat = json!({ "sub": "ada", "iat": before, "exp": now() + 3600 });
        in_room(node, &signed(&iat, SECRET)).await.bye().await;
    }
    assert!(one.metric("switchboard_auth_total{outcome=\"revoked\"}") >= 2.0);
    assert_eq!(one.metric("switchboard_sessions_revoked_total"), 1.0);
    assert_eq!(other.metric("switchboard_revocations"), 1.0);
    bob.ping().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_or_a_session_is_revoked_by_its_name() {
    let cluster = Cluster::start(2, &[SECRET_SETTING, ADMIN]);
    let [one, other] = &cluster.nodes[..] else {
        panic!("two nodes")
    };
    let (lost, kept) = (token("ada", "lost", 60), token("ada", "kept", 60));
    let mut thief = in_room(other, &lost).await;
    let mut kicked = in_room(other, &kept).await;
    let mut stays = in_room(other, &kept).await;
    revoke(one, json!({ "token": "lost" }));
    assert_eq!(thief.closed().await.code, 4401);
    for node in &cluster.nodes {
        assert!(refusal(node, &lost).await.is_some());
    }
    let ticket = kicked.ticket();
    revoke(one, json!({ "peer": kicked.id.as_str() }));
    assert_eq!(kicked.closed().await.code, 4401);
    let back = Options {
        token: Some(kept.clone()),
        ..ticket.options(one)
    };
    for _ in 0..6 {
        match ticket.show(&back).await {
            Err(ConnectError::Closed(closed)) => assert_eq!(closed.code, 4401, "{closed}"),
            Ok(_) => panic!("the session is revoked"),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(limited(one, "repeated_token"), 0.0);
    // The token is not, and begins another session at once, however often the revoked one was asked for.
    in_room(one, &kept).await.bye().await;
    stays.ping().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_revoked_outlives_redis_forgetting_it() {
    let cluster = Cluster::start(2, &[SECRET_SETTING, ADMIN]);
    let old = token("ada", "1", 60);
    revoke(&cluster.nodes[0], json!({ "user": "ada" }));
    let other = &cluster.nodes[1];
    other.wait_until("it knows", |node| {
        node.metric("switchboard_revocations") == 1.0
    });
    cluster.redis.call(&["FLUSHALL"]);
    cluster.nodes[0].wait_until("the log is written again", |_| {
        cluster
            .redis
            .call(&["XLEN", "sb:{revoked}:log"])
            .contains('1')
    });
    let third = node(&cluster.redis, &[SECRET_SETTING, ADMIN]);
    third.wait_until("ready", |node| node.get("/readyz").0 == 200);
    for node in cluster.nodes.iter().chain([&third]) {
        node.wait_until("ready again", |node| node.get("/readyz").0 == 200);
        let reason = refusal(node, &old).await.expect("it is revoked");
        assert!(reason.contains("revoked"), "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_every_dialect_are_closed() {
    let gateway = embedded(&[SECRET_SETTING, ADMIN]);
    let old = token("mia", "1", 60);
    let mut chat = Raw::open(
        &gateway,
        &format!("/?access_token={old}"),
        &["Sec-WebSocket-Protocol: json"],
    );
    chat.text(r#"{"type":"username","name":"Mia"}"#);
    chat.until(r#"{"type":"userlist""#);
    let mut stomp = Raw::open(&gateway, "/ws", &["Sec-WebSocket-Protocol: v12.stomp"]);
    stomp.text(&format!(
        "CONNECT\naccept-version:1.2\nhost:localhost\npasscode:{old}\n\n\0"
    ));
    stomp.until("CONNECTED");
    let mut socketio = Raw::open(&gateway, "/socket.io/?EIO=4&transport=websocket", &[]);
    socketio.until("0");
    socketio.text(&format!("40{}", json!({ "token": old })));
    socketio.until("40");
    revoke(&gateway, json!({ "user": "mia" }));
    let closed =
        tokio::task::block_in_place(|| [chat.closed().0, stomp.closed().0, socketio.closed().0]);
    assert_eq!(closed, [4401; 3]);
    let mut again = Raw::open(&gateway, "/socket.io/?EIO=4&transport=websocket", &[]);
    again.until("0");
    again.text(&format!("40{}", json!({ "token": old })));
    let error = again.until("44");
    assert!(error.contains("Authentication failed"), "{error}");
}

#[tokio::test]
async fn a_refresh_with_a_revoked_token_is_refused_and_the_session_goes_on() {
    let gateway = embedded(&[SECRET_SETTING, ADMIN]);
    let mut ada = in_room(&gateway, &token("ada", "good", 60)).await;
    revoke(&gateway, json!({ "token": "lost" }));
    ada.ask(|id| {
        ClientMessage::Refresh(Refresh {
            id,
            token: token("ada", "lost", 10).into(),
        })
    });
    let error = hear!(ada, Error);
    assert_eq!(error.code, ErrorCode::Unauthorized, "{error:?}");
    assert!(error.message.contains("revoked"), "{error:?}");
    ada.ping().await;
}

#[tokio::test]
async fn only_an_admin_revokes_and_what_is_wrong_is_named() {
    let gateway = embedded(&[SECRET_SETTING, ADMIN]);
    let authorized = "Authorization: Bearer 0123456789abcdef-admin\r\n";
    for (authorization, body, status, words) in [
        ("", r#"{"user":"ada"}"#, 401, "admin.token"),
        (
            "Authorization: Bearer no\r\n",
            r#"{"user":"ada"}"#,
            401,
            "admin.token",
        ),
        (authorized, "", 400, "say what to revoke"),
        (authorized, "{", 400, "say what to revoke"),
        (authorized, r#"{"user":"ada","peer":"x"}"#, 400, "one of"),
        (authorized, r#"{"user":"ada","befor":1}"#, 400, "befor"),
        (authorized, r#"{"token":""}"#, 400, "jti"),
    ] {
        let (code, problem) = post(&gateway, authorization, body);
        assert_eq!(code, status, "{body}: {problem}");
        assert_eq!(problem["status"], status);
        let detail = problem["detail"].as_str().expect("a sentence");
        assert!(detail.contains(words), "{body}: {detail}");
    }
    let head = send(
        &gateway,
        "POST /v1/revocations HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    );
    let kind = "content-type: application/problem+json";
    assert!(head.to_lowercase().contains(kind), "{head}");
    let closed = embedded(&[]);
    let (code, problem) = post(&closed, authorized, r#"{"user":"ada"}"#);
    assert_eq!(code, 403, "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_redis_is_away_nothing_is_revoked_and_that_is_said() {
    let mut cluster = Cluster::start(1, &[SECRET_SETTING, ADMIN]);
    cluster.redis.kill();
    let node = &cluster.nodes[0];
    node.wait_until("it notices", |node| {
        node.metric("switchboard_backend_up") == 0.0
    });
    let authorization = "Authorization: Bearer 0123456789abcdef-admin\r\n";
    let (status, problem) = post(node, authorization, r#"{"user":"ada"}"#);
    assert_eq!(status, 503, "{problem}");
    assert!(problem["retry_after_ms"].as_u64() > Some(0), "{problem}");
}
