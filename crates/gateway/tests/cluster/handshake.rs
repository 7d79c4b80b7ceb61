//! Before there is a session: where from, how, and whether there is a node at all.

use std::net::TcpListener;
use std::process::{Command, Output};

use crate::support::{Raw, embedded, exchange, opening, still_well};

fn switchboard(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_switchboard"))
        .env_clear()
        .args(arguments)
        .output()
        .expect("the binary starts")
}

#[tokio::test]
async fn a_page_of_another_origin_may_not_connect() {
    let gateway = embedded(&["origins=https://app.example.com"]);
    let mut raw = Raw::open(
        &gateway,
        "/v1/connect",
        &["Origin: https://evil.example.com"],
    );
    let (code, reason) = raw.closed();
    assert_eq!((code, reason.contains("origin")), (4403, true), "{reason}");
    let mut raw = Raw::open(
        &gateway,
        "/v1/connect",
        &["Origin: https://app.example.com"],
    );
    raw.text(r#"{"type":"hello"}"#);
    assert!(raw.read_text().contains("\"welcome\""));
    // No origin, no browser.
    still_well(&gateway).await;
}

#[tokio::test]
async fn what_is_no_websocket_handshake_is_answered_in_http() {
    let gateway = embedded(&[]);
    for (request, headers, status) in [
        ("GET /v1/connect", &[][..], "426"),
        ("POST /v1/connect", &[], "405"),
        ("GET /nowhere", &[], "404"),
        // Other protocols that a client offers are ignored.
        ("GET /", &["Upgrade: h2c"], "200"),
    ] {
        let answer = exchange(&gateway, request, headers);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{request}: {answer}"
        );
    }
    let answer = exchange(
        &gateway,
        "GET /health",
        &[&format!("X-Long: {}", "x".repeat(40_000))],
    );
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    still_well(&gateway).await;
}

/// Where WebSockets are opened.
const ENTRANCES: [&str; 4] = [
    "/v1/connect",
    "/ws",
    "/",
    "/socket.io/?EIO=4&transport=websocket",
];
const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";

#[tokio::test]
async fn every_entrance_takes_a_handshake_as_proxies_rewrite_it() {
    let gateway = embedded(&[]);
    for path in ENTRANCES {
        for connection in [
            &["Connection: keep-alive", "Connection: Upgrade"][..],
            &["Connection: Upgrade", "Connection: keep-alive"],
            &["Connection: keep-alive, UPGRADE"],
            &["connection: x,upgrade"],
        ] {
            let rest = ["upgrade: h2c, WebSocket", "Sec-WebSocket-Version: 13", KEY];
            let lines = [connection, &rest].concat();
            let answer = opening(&gateway, &format!("GET {path}"), &lines);
            assert!(
                answer.starts_with("HTTP/1.1 101")
                    && answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
                "{path} {lines:?}: {answer}"
            );
        }
    }
    still_well(&gateway).await;
}

#[tokio::test]
async fn every_entrance_names_the_version_that_it_speaks_and_refuses_a_bad_key() {
    let gateway = embedded(&[]);
    let upgrade = ["Connection: Upgrade", "Upgrade: websocket"];
    for path in ENTRANCES {
        for version in [&["Sec-WebSocket-Version: 8"][..], &[]] {
            let lines = [&upgrade[..], version, &[KEY]].concat();
            let answer = opening(&gateway, &format!("GET {path}"), &lines);
            assert!(answer.starts_with("HTTP/1.1 426"), "{path}: {answer}");
            let head = answer.to_ascii_lowercase();
            assert!(head.contains("sec-websocket-version: 13\r\n"), "{answer}");
            assert!(head.contains("upgrade: websocket\r\n"), "{answer}");
        }
        for key in [&[][..], &["Sec-WebSocket-Key: short"], &[KEY, KEY]] {
            let lines = [&upgrade[..], &["Sec-WebSocket-Version: 13"], key].concat();
            let answer = opening(&gateway, &format!("GET {path}"), &lines);
            assert!(answer.starts_with("HTTP/1.1 400"), "{path}: {answer}");
        }
    }
    still_well(&gateway).await;
}

#[tokio::test]
async fn a_page_may_send_the_headers_that_its_pre_flight_asks_for() {
    let gateway = embedded(&["origins=https://app.example.com"]);
    for path in ["/socket.io/?EIO=4&transport=polling", "/health"] {
        let ask = |origin: &str| {
            let origin = format!("Origin: {origin}");
            let lines = [
                &origin,
                "Access-Control-Request-Method: GET",
                "Access-Control-Request-Headers: x-client-version,authorization",
            ];
            exchange(&gateway, &format!("OPTIONS {path}"), &lines).to_ascii_lowercase()
        };
        let answer = ask("https://app.example.com");
        assert!(answer.starts_with("http/1.1 200"), "{answer}");
        for line in [
            "access-control-allow-headers: x-client-version,authorization\r\n",
            "access-control-allow-origin: https://app.example.com\r\n",
            "access-control-allow-credentials: true\r\n",
        ] {
            assert!(answer.contains(line), "{path}: {answer}");
        }
        let answer = ask("https://evil.example.com");
        assert!(!answer.contains("access-control-allow-origin"), "{answer}");
    }
}

#[tokio::test]
async fn the_subprotocol_chooses_the_encoding() {
    let gateway = embedded(&[]);
    for (offered, binary) in [
        ("switchboard.v1.json", false),
        ("other, switchboard.v1.msgpack", true),
        (
            "other\r\nSec-WebSocket-Protocol: switchboard.v1.msgpack",
            true,
        ),
        ("json", false),
    ] {
        let mut raw = Raw::open(
            &gateway,
            "/v1/connect",
            &[&format!("Sec-WebSocket-Protocol: {offered}")],
        );
        if binary {
            raw.send(2, b"\x81\xa4type\xa5hello");
        } else {
            raw.text(r#"{"type":"hello"}"#);
        }
        let (opcode, body) = raw.read().expect("a welcome");
        assert_eq!(
            (
                opcode == 2,
                String::from_utf8_lossy(&body).contains("welcome")
            ),
            (binary, true),
            "{offered}"
        );
    }
}

#[test]
fn a_port_in_use_ends_the_start_with_a_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    for key in ["listen", "ops_listen"] {
        let settings = [&format!("{key}={address}"), "listen=127.0.0.1:0"];
        let settings = if key == "listen" {
            &settings[..1]
        } else {
            &settings[..]
        };
        let arguments: Vec<_> = settings
            .iter()
            .flat_map(|setting| ["--set", *setting])
            .collect();
        let output = switchboard(&arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains(&format!("cannot listen on {address}")) && said.contains(key),
            "{said}"
        );
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn a_wrong_redis_url_ends_the_start_with_a_sentence_and_no_password() {
    for url in [
        "http://:hunter2@localhost",
        "redis://:hunter2@host:port",
        "redis://:hunter2@",
        "localhost:6379",
    ] {
        let output = switchboard(&["--listen", "127.0.0.1:0", "--redis-url", url]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{url}: {said}");
        assert!(said.contains("redis"), "{url}: {said}");
        assert!(
            !said.contains("hunter2") && !said.contains("panicked"),
            "{url}: {said}"
        );
    }
}
