//! Limits of an address, and of how fast sessions come.

use std::net::TcpStream;
use std::time::Instant;

use serde_json::{Value, json};
use switchboard_testkit::GatewayProcess;

use crate::support::{Raw, SECRET_SETTING, embedded, exchange, limited, token};

const ONE: [u8; 4] = [127, 0, 0, 2];
const OTHER: [u8; 4] = [127, 0, 0, 3];

/// A session of a client at this address.
async fn come(gateway: &GatewayProcess, address: [u8; 4]) -> Result<(Raw, Value), (u16, Value)> {
    come_with(gateway, address, &json!({ "type": "hello" })).await
}

async fn come_with(
    gateway: &GatewayProcess,
    address: [u8; 4],
    hello: &Value,
) -> Result<(Raw, Value), (u16, Value)> {
    let mut raw = Raw::from(gateway, address).await;
    let welcome = raw.hello(hello)?;
    Ok((raw, welcome))
}

/// A hello that goes on with the session that was welcomed so.
fn resuming(welcome: &Value) -> Value {
    let resume = json!({ "peer": welcome["peer"], "secret": welcome["resume"]["secret"] });
    json!({ "type": "hello", "resume": resume })
}

/// The time after which the refused client is to come again. The reason names the key of the limit.
fn named(refused: (u16, Value), code: u16, key: &str) -> u64 {
    let (told, reason) = refused;
    let words = reason["reason"].as_str().unwrap_or_default();
    assert!(told == code && words.contains(key), "{told}: {reason}");
    reason["retry_after_ms"]
        .as_u64()
        .expect("when to come again")
}

#[tokio::test]
async fn an_address_has_so_many_sessions_and_its_neighbours_have_theirs() {
    let gateway = embedded(&["limits.sessions_per_address=2"]);
    let (first, welcome) = come(&gateway, ONE).await.expect("the first");
    let (_second, _) = come(&gateway, ONE).await.expect("the second");
    let refused = come(&gateway, ONE)
        .await
        .map(|_| ())
        .expect_err("the third");
    assert_eq!(named(refused, 4429, "limits.sessions_per_address"), 10_000);
    assert_eq!(limited(&gateway, "sessions_per_address"), 1.0);
    gateway.wait_until("the warning is logged", |gateway| {
        gateway.log().contains("name that in proxy.trusted")
    });
    let (_neighbour, _) = come(&gateway, OTHER).await.expect("another address");

    drop(first);
    gateway.wait_until("rid of the first", |gateway| {
        gateway.metric("switchboard_sessions_away") == 1.0
    });
    let (_third, _) = come(&gateway, ONE).await.expect("there is a place");
    // The place is another's now. A session that resumes is let in all the same.
    let (_first, again) = come_with(&gateway, ONE, &resuming(&welcome))
        .await
        .expect("it resumes");
    assert_eq!(
        (&again["resumed"], &again["peer"]),
        (&json!(true), &welcome["peer"])
    );
    let mut stranger = resuming(&welcome);
    stranger["resume"]["secret"] = "AAAA".into();
    let refused = come_with(&gateway, ONE, &stranger).await.map(|_| ());
    let refused = refused.expect_err("what cannot be resumed is a new session");
    named(refused, 4429, "limits.sessions_per_address");
    let looked_for = gateway.metric("switchboard_resumes_total{outcome=\"refused\"}");
    assert_eq!(looked_for, 0.0, "without a place nothing is looked for");
}

#[tokio::test]
async fn one_who_shows_a_wrong_secret_counts_as_one_new_session_and_not_as_two() {
    let gateway = embedded(&["limits.connects_per_second=1000000"]);
    let (_kept, welcome) = come(&gateway, ONE).await.expect("the first");
    let mut stranger = resuming(&welcome);
    stranger["resume"]["secret"] = "AAAA".into();
    let (_new, told) = come_with(&gateway, ONE, &stranger).await.expect("a place");
    assert_eq!(told["resumed"], false);
    let gateway = embedded(&["limits.connects_per_second_per_address=1"]);
    // Ten may come at once.
    for _ in 0..10 {
        come_with(&gateway, ONE, &stranger)
            .await
            .map(|_| ())
            .expect("one of ten");
    }
}

/// Clients that come too fast are told so. None waits to be accepted behind those that only connect.
#[tokio::test]
async fn connections_that_say_nothing_keep_nobody_waiting() {
    let gateway = embedded(&["limits.connects_per_second=1", "ops_listen=127.0.0.1:0"]);
    let (lost, welcome) = come(&gateway, ONE).await.expect("the first");
    drop(lost);
    let began = Instant::now();
    let silent: Vec<_> = (0..200)
        .map(|_| TcpStream::connect(gateway.address()).expect("the gateway listens"))
        .collect();
    let resumed = come_with(&gateway, OTHER, &resuming(&welcome)).await;
    assert_eq!(resumed.expect("it resumes").1["resumed"], true);
    for _ in 0..100 {
        assert_eq!(gateway.ops_get("/healthz").0, 200);
    }
    let took = began.elapsed().as_secs();
    assert!(took < 20, "at four a second it would take 50 s: {took} s");
    drop(silent);
}

/// The log says for each of these rules that the address may be a proxy's.
#[tokio::test]
async fn whichever_limit_an_address_reaches_the_log_names_the_proxy_that_it_may_be() {
    for (setting, rule) in [
        ("limits.sessions_per_address=1", "sessions_per_address"),
        (
            "limits.connects_per_second_per_address=1",
            "connects_per_second_per_address",
        ),
        (
            "limits.wrong_tokens_per_second_per_address=1",
            "wrong_tokens_per_second_per_address",
        ),
        (
            "limits.http_per_second_per_address=1",
            "http_per_second_per_address",
        ),
    ] {
        let gateway = embedded(&[setting, SECRET_SETTING]);
        let mut here = Vec::new();
        for number in 0.. {
            let user = format!("user-{number}");
            let good = token(&user, json!({}));
            let token = match rule {
                "wrong_tokens_per_second_per_address" => format!("{good}x"),
                _ => good,
            };
            match rule {
                "http_per_second_per_address" => {
                    let bearer = format!("Authorization: Bearer {token}");
                    exchange(&gateway, "GET /v1/ice-servers", &[&bearer]);
                }
                _ => {
                    let hello = json!({ "type": "hello", "token": token });
                    here.extend(come_with(&gateway, ONE, &hello).await);
                }
            }
            if limited(&gateway, rule) > 0.0 {
                break;
            }
            assert!(number < 200, "{rule}: nothing is refused");
        }
        let warning = format!("an address has reached limits.{rule}; if it is");
        gateway.wait_until(&warning, |gateway| gateway.log().contains(&warning));
    }
}

#[tokio::test]
async fn the_address_is_what_a_trusted_proxy_says_and_a_network_of_ipv6_is_one() {
    let gateway = embedded(&[
        "limits.sessions_per_address=1",
        "proxy.trusted=127.0.0.1/32",
    ]);
    let come = |address: &str| {
        let header = format!("X-Forwarded-For: {address}");
        let mut raw = Raw::open(&gateway, "/v1/connect", &[&header]);
        raw.hello(&json!({ "type": "hello" })).map(|_| raw)
    };
    let _first = come("2001:db8:0:1::5").expect("the first of its network");
    let refused = come("2001:db8:0:1::6").map(|_| ()).expect_err("the second");
    named(refused, 4429, "limits.sessions_per_address");
    let _other = come("2001:db8:0:2::5").expect("another network");
    let _v4 = come("192.0.2.1").expect("an address");
    let refused = come("::ffff:192.0.2.1").map(|_| ()).expect_err("the same");
    named(refused, 4429, "limits.sessions_per_address");
}

#[tokio::test]
async fn an_address_may_begin_so_many_sessions_a_second_and_those_that_resume_are_not_among_them() {
    let gateway = embedded(&["limits.connects_per_second_per_address=1"]);
    let (lost, welcome) = come(&gateway, ONE).await.expect("the first");
    drop(lost);
    let mut here = Vec::new();
    let refused = loop {
        assert!(here.len() < 100, "nothing is refused");
        match come(&gateway, ONE).await {
            Ok((raw, _)) => here.push(raw),
            Err(refused) => break refused,
        }
    };
    assert!(here.len() >= 9, "ten may come at once");
    let pause = named(refused, 4429, "limits.connects_per_second_per_address");
    assert!((1000..=3000).contains(&pause), "{pause}");
    assert_eq!(limited(&gateway, "connects_per_second_per_address"), 1.0);
    come(&gateway, OTHER)
        .await
        .map(|_| ())
        .expect("another address");
    let resumed = come_with(&gateway, ONE, &resuming(&welcome)).await;
    let (_resumed, welcome) = resumed.expect("it resumes");
    assert_eq!(welcome["resumed"], true);
}

#[tokio::test]
async fn those_that_come_too_fast_are_told_to_come_one_after_another_and_resumes_go_first() {
    let gateway = embedded(&["limits.connects_per_second=2"]);
    let mut pauses = Vec::new();
    let (mut kept, began) = (None, Instant::now());
    while pauses.len() < 4 {
        match come(&gateway, ONE).await {
            Ok((_, welcome)) => kept = Some(welcome),
            Err(refused) => pauses.push((
                named(refused, 4503, "limits.connects_per_second"),
                began.elapsed(),
            )),
        }
        assert!(began.elapsed().as_secs() < 60, "nothing is refused");
    }
    let comes_at = pauses
        .iter()
        .map(|(pause, at)| *pause as f64 + at.as_secs_f64() * 1000.0);
    let comes_at: Vec<_> = comes_at.collect();
    // Each half a second after the one before, but for the time that connections took.
    assert!(comes_at[3] - comes_at[0] > 750.0, "{pauses:?}");
    assert_eq!(limited(&gateway, "connects_per_second"), 4.0);
    let resume = resuming(&kept.expect("one was welcomed"));
    let resumed = come_with(&gateway, ONE, &resume).await;
    let (_resumed, welcome) = resumed.expect("it resumes");
    assert_eq!(welcome["resumed"], true);
}

#[tokio::test]
async fn requests_with_a_token_have_a_rate_of_their_user_and_of_their_address() {
    let settings = [
        SECRET_SETTING,
        "limits.http_per_second_per_user=1",
        "limits.http_per_second_per_address=2",
        "proxy.trusted=127.0.0.1/32",
    ];
    let gateway = embedded(&settings);
    let ask = |user: &str, address: &str| {
        let bearer = format!("Authorization: Bearer {}", token(user, json!({})));
        let address = format!("X-Forwarded-For: {address}");
        exchange(&gateway, "GET /v1/ice-servers", &[&bearer, &address])
    };
    let until_refused = |user: &str, address: &str| {
        for times in 0..100 {
            let answer = ask(user, address);
            if !answer.starts_with("HTTP/1.1 200") {
                return (times, answer);
            }
        }
        panic!("nothing is refused");
    };
    let (times, answer) = until_refused("alice", "192.0.2.1");
    assert!(
        times >= 10 && answer.starts_with("HTTP/1.1 429"),
        "{times}: {answer}"
    );
    assert!(
        answer.contains("limits.http_per_second_per_user"),
        "{answer}"
    );
    assert!(
        answer.contains("\r\nretry-after: ") && answer.contains("\"retry_after_ms\":"),
        "{answer}"
    );
    assert!(
        ask("ben", "192.0.2.1").starts_with("HTTP/1.1 200"),
        "another user"
    );
    let many: Vec<_> = (0..100)
        .map(|user| ask(&format!("user-{user}"), "192.0.2.1"))
        .collect();
    let refused = many
        .iter()
        .find(|answer| answer.starts_with("HTTP/1.1 429"));
    let refused = refused.expect("the address has a rate too");
    assert!(
        refused.contains("limits.http_per_second_per_address"),
        "{refused}"
    );
    assert!(
        ask("ben", "192.0.2.2").starts_with("HTTP/1.1 200"),
        "another address"
    );
    for rule in ["http_per_second_per_user", "http_per_second_per_address"] {
        assert!(limited(&gateway, rule) >= 1.0, "{rule}");
    }
}
