//! From which pages a browser may come, on every way in. What each rule means is tested beside it, in `http/origin.rs`.

use crate::support::{Http, Raw, embedded, exchange, http, send, still_well};
use std::io::{Read, Write};
use switchboard_testkit::GatewayProcess;

const WAYS_IN: [(&str, &str); 2] = [("/v1/connect", "switchboard.v1.json"), ("/", "json")];
const EVIL: &str = "Origin: https://evil.example";

/// The answer to a request for another name than the one that it is sent to.
fn get(gateway: &GatewayProcess, path: &str, host: &str, more: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n");
    send(gateway, &request)
}

/// The answer to a body that a page from elsewhere sends.
fn post(gateway: &GatewayProcess, path: &str, body: &str) -> String {
    let length = format!("Content-Length: {}", body.len());
    let (host, headers) = (
        gateway.address(),
        [EVIL, "Connection: close", &length].join("\r\n"),
    );
    let request = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n\r\n{body}");
    send(gateway, &request)
}

fn refused_over_websocket(gateway: &GatewayProcess, origin: &str) -> Vec<String> {
    let refused = WAYS_IN.map(|(path, subprotocol)| {
        let subprotocol = format!("Sec-WebSocket-Protocol: {subprotocol}");
        let (code, reason) = Raw::open(gateway, path, &[origin, &subprotocol]).closed();
        assert_eq!(code, 4403, "{path}: {reason}");
        assert!(reason.contains("`origins`"), "{path}: {reason}");
        reason
    });
    refused.to_vec()
}

#[tokio::test]
async fn on_loopback_a_page_from_elsewhere_gets_in_nowhere() {
    let gateway = embedded(&[]);
    refused_over_websocket(&gateway, EVIL);
    for reason in refused_over_websocket(&gateway, "Origin: null") {
        assert!(reason.contains("`static_dir`"), "{reason}");
    }
    let mut stomp = Raw::open(
        &gateway,
        "/ws",
        &[EVIL, "Sec-WebSocket-Protocol: v12.stomp"],
    );
    let told = stomp.read_text();
    assert!(
        told.starts_with("ERROR") && told.contains("`origins`"),
        "{told}"
    );
    let opened = exchange(&gateway, "GET /socket.io/?EIO=4&transport=polling", &[EVIL]);
    let (_, sid) = opened.split_once("\"sid\":\"").expect("a session");
    let (sid, _) = sid.split_once('"').expect("its end");
    let polling = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
    // The client asks to be let in while it polls. An error to that would hide from the page what the poll tells.
    let said = post(&gateway, &polling, "40");
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    let told = exchange(&gateway, &format!("GET {polling}"), &[EVIL]);
    assert!(told.contains("44{") && told.contains("`origins`"), "{told}");
    for path in ["/health", "/socket.io/?EIO=4&transport=polling", "/metrics"] {
        let answer = exchange(
            &gateway,
            &format!("GET {path}"),
            &[EVIL, "Accept: application/json"],
        );
        assert!(
            !answer.contains("access-control-allow-origin"),
            "{path}: {answer}"
        );
    }
    still_well(&gateway).await;
}

#[tokio::test]
async fn a_page_from_elsewhere_does_not_speak_in_a_session_that_is_there() {
    let gateway = embedded(&[]);
    let (_, opened) = gateway.get("/socket.io/?EIO=4&transport=polling");
    let (_, sid) = opened.split_once("\"sid\":\"").expect("a session");
    let (sid, _) = sid.split_once('"').expect("its end");
    let polling = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
    // A close packet ends the session, if it may be sent.
    let closed = post(&gateway, &polling, "1");
    assert!(closed.starts_with("HTTP/1.1 403"), "{closed}");
    let handshake = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                     Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    let mut stream = http(&gateway);
    let host = gateway.address();
    let request = format!(
        "GET /socket.io/?EIO=4&transport=websocket&sid={sid} HTTP/1.1\r\nHost: {host}\r\n{EVIL}\r\n{handshake}"
    );
    stream
        .write_all(request.as_bytes())
        .expect("the gateway reads");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 403");
    let said = Http::post(&gateway, &polling, "40");
    assert_eq!(said, (200, "ok".into()));
    let (_, told) = Http::get(&gateway, &polling);
    assert!(told.starts_with("40{"), "{told}");
}

#[tokio::test]
async fn on_loopback_pages_of_this_machine_get_in_from_any_port() {
    let gateway = embedded(&[]);
    for origin in [
        "http://localhost:3000",
        "http://127.0.0.1:8080",
        "http://app.localhost",
    ] {
        let origin = format!("Origin: {origin}");
        let mut raw = Raw::open(&gateway, "/v1/connect", &[&origin]);
        raw.text(r#"{"type":"hello"}"#);
        assert!(raw.read_text().contains("\"welcome\""), "{origin}");
        let answer = exchange(
            &gateway,
            "GET /socket.io/?EIO=4&transport=polling",
            &[&origin],
        );
        assert!(
            answer.contains("access-control-allow-credentials: true\r\n"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn on_loopback_a_name_that_leads_here_all_of_a_sudden_is_refused() {
    let gateway = embedded(&["admin.token=0123456789abcdef"]);
    let port = gateway.address().port();
    let host = format!("evil.example:{port}");
    for path in [
        "/",
        "/health",
        "/metrics",
        "/readyz",
        "/v1/nodes/x",
        "/sdk/index.js",
        "/socket.io/?EIO=4&transport=polling",
    ] {
        let answer = get(&gateway, path, &host, "");
        assert!(
            answer.starts_with("HTTP/1.1 403") && answer.contains("`origins`"),
            "{path}: {answer}"
        );
        assert!(get(&gateway, path, &format!("localhost:{port}"), "").starts_with("HTTP/1.1 "));
    }
    let handshake = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                     Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    let mut stream = http(&gateway);
    let request = format!(
        "GET /v1/connect HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n{handshake}\r\n"
    );
    stream
        .write_all(request.as_bytes())
        .expect("the gateway reads");
    let mut told = Vec::new();
    stream
        .read_to_end(&mut told)
        .expect("a close frame and the end");
    let told = String::from_utf8_lossy(&told);
    assert!(told.contains("names of loopback only"), "{told}");

    let behind_a_proxy = embedded(&["origins=https://call.example"]);
    assert!(get(&behind_a_proxy, "/health", "call.example", "").starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn beyond_loopback_the_same_origin_counts_with_or_without_its_default_port() {
    let gateway = embedded(&["listen=0.0.0.0:0", "auth.mode=open"]);
    for (host, origin, may) in [
        ("call.example:443", "https://call.example", true),
        ("CALL.example", "https://call.example", true),
        ("call.example:443", "http://call.example", false),
        ("call.example", "https://evil.example", false),
        ("call.example", "null", false),
    ] {
        let answer = get(&gateway, "/health", host, &format!("Origin: {origin}\r\n"));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert_eq!(
            answer.contains("access-control-allow-origin"),
            may,
            "{origin} at {host}: {answer}"
        );
    }
}

#[tokio::test]
async fn a_trusted_proxy_tells_the_scheme_and_nobody_else() {
    for (trusted, may) in [("127.0.0.0/8", false), ("10.0.0.0/8", true)] {
        let gateway = embedded(&[
            "listen=0.0.0.0:0",
            "auth.mode=open",
            &format!("proxy.trusted={trusted}"),
        ]);
        let answer = get(
            &gateway,
            "/health",
            "call.example",
            "Origin: http://call.example\r\nX-Forwarded-Proto: https\r\n",
        );
        assert_eq!(
            answer.contains("access-control-allow-origin"),
            may,
            "{answer}"
        );
    }
}
