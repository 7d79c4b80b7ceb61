//! A proxy in front that says which client it connects for: limits count clients and not the proxy, and nobody else is believed.
//!
//! What is counted here are sessions without hello: when there are too many, the oldest of the largest source goes.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use switchboard_testkit::{Certificates, GatewayProcess, HaproxyFront, Tells, TlsTunnel};

use crate::support::{
    Raw, embedded, failures, open_polling_as, still_well_at, until_failures, with_files,
};

/// Files that the node may have open in these tests, and far more clients than fit into them.
const FILES: u32 = 256;
const MANY: usize = 1000;
const QUIET: [u8; 4] = [127, 0, 0, 2];
const OPS: &str = "ops_listen=127.0.0.1:0";
const REQUIRED: &str = "proxy.protocol=required";
const REQUEST: &[u8] = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const V1: &[u8] = b"PROXY TCP4 203.0.113.9 127.0.0.1 51234 443\r\n";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x09\x7f\0\0\x01\xc8\x22\x01\xbb";

/// What a node behind such a haproxy is told.
fn settings(tells: Tells, trusted: &str) -> Vec<String> {
    let trusted = format!("proxy.trusted={trusted}");
    match tells {
        Tells::ForwardedFor => vec![trusted],
        Tells::ProxyV1 | Tells::ProxyV2 => vec![trusted, REQUIRED.into(), OPS.into()],
    }
}

fn behind(tells: Tells, trusted: &str) -> (GatewayProcess, HaproxyFront) {
    let settings = settings(tells, trusted);
    let settings: Vec<_> = settings.iter().map(String::as_str).collect();
    let gateway = with_files(FILES, &settings);
    let front = HaproxyFront::start(gateway.address(), tells);
    (gateway, front)
}

/// Whether a quiet client is still there after another one has opened very many sessions through the same proxy, with these
/// header lines for each.
async fn quiet_client_stays(
    gateway: &GatewayProcess,
    front: &HaproxyFront,
    more: impl Fn(usize) -> String,
) -> bool {
    let mut quiet = Raw::through(front.address(), QUIET, "/v1/connect", &[]).await;
    let mut many = TcpStream::connect(front.address()).expect("haproxy listens");
    open_polling_as(&mut many, MANY, more);
    let shed = gateway.metric("switchboard_connections_shed_total{reason=\"no-hello\"}");
    assert!(shed > MANY as f64 / 2.0, "{shed}");
    quiet.text(r#"{"type":"hello"}"#);
    let (opcode, body) = quiet.read().expect("a frame");
    opcode == 1 && String::from_utf8_lossy(&body).contains("\"welcome\"")
}

#[tokio::test]
async fn each_client_of_a_trusted_proxy_is_a_source() {
    for tells in Tells::ALL {
        let (gateway, front) = behind(tells, HaproxyFront::SOURCE);
        assert!(
            quiet_client_stays(&gateway, &front, |_| String::new()).await,
            "{tells:?}"
        );
    }
}

#[tokio::test]
async fn all_clients_of_a_proxy_that_is_not_trusted_are_one_source() {
    let (gateway, front) = behind(Tells::ForwardedFor, "192.0.2.1");
    assert!(!quiet_client_stays(&gateway, &front, |_| String::new()).await);
}

#[tokio::test]
async fn a_client_that_says_it_is_many_is_one() {
    for tells in Tells::ALL {
        let (gateway, front) = behind(tells, HaproxyFront::SOURCE);
        let forged = |one| format!("X-Forwarded-For: 203.0.{}.{}\r\n", one / 250, one % 250);
        assert!(
            quiet_client_stays(&gateway, &front, forged).await,
            "{tells:?}"
        );
    }
}

#[tokio::test]
async fn limits_of_an_address_count_the_client_and_not_the_proxy_whatever_it_says_of_itself() {
    const OTHER: [u8; 4] = [127, 0, 0, 3];
    let hello = serde_json::json!({ "type": "hello" });
    for tells in Tells::ALL {
        let mut settings = settings(tells, HaproxyFront::SOURCE);
        settings.push("limits.sessions_per_address=1".into());
        let settings: Vec<_> = settings.iter().map(String::as_str).collect();
        let gateway = embedded(&settings);
        let front = HaproxyFront::start(gateway.address(), tells);
        let come = async |address, header: &[&str]| {
            let mut raw = Raw::through(front.address(), address, "/v1/connect", header).await;
            raw.hello(&hello).map(|_| raw)
        };
        let _first = come(QUIET, &[]).await.expect("the first of its address");
        for forged in [
            vec![],
            vec!["X-Forwarded-For: 203.0.113.7"],
            vec!["Forwarded: for=203.0.113.7"],
        ] {
            let refused = come(QUIET, &forged).await.map(|_| ());
            let (code, reason) = refused.expect_err("the second of its address");
            assert_eq!(code, 4429, "{tells:?}, {forged:?}: {reason}");
        }
        let _other = come(OTHER, &[]).await.expect("another address");
    }
}

/// The whole answer to bytes that are sent at once; what the gateway resets has none.
fn answer(gateway: &GatewayProcess, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(gateway.address()).expect("the gateway listens");
    let _ = stream.write_all(bytes);
    read_to_end(stream)
}

fn read_to_end(mut stream: TcpStream) -> String {
    let patience = stream.set_read_timeout(Some(Duration::from_secs(30)));
    patience.expect("a time-out can be set");
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
    }
    String::from_utf8(answer).expect("text")
}

fn trusting() -> GatewayProcess {
    embedded(&[
        OPS,
        REQUIRED,
        "proxy.trusted=127.0.0.0/8",
        "limits.header_read_timeout_ms=300",
    ])
}

#[tokio::test]
async fn a_forged_header_is_not_believed() {
    let (gateway, front) = behind(Tells::ProxyV2, HaproxyFront::SOURCE);
    // Directly: nothing of it is read.
    for header in [V1, V2, b""] {
        assert_eq!(answer(&gateway, &[header, REQUEST].concat()), "");
    }
    until_failures(&gateway, "untrusted-proxy", 3);
    assert_eq!(
        gateway
            .log()
            .matches("comes from no proxy of `proxy.trusted`")
            .count(),
        1
    );
    // Through the proxy: the header is the first bytes of the client, and that is no HTTP.
    let mut stream = TcpStream::connect(front.address()).expect("haproxy listens");
    stream
        .write_all(&[V1, REQUEST].concat())
        .expect("haproxy reads");
    assert!(read_to_end(stream).starts_with("HTTP/1.1 400"));
    // Where it is off, it is no HTTP either.
    let gateway = embedded(&["proxy.trusted=127.0.0.0/8"]);
    assert!(answer(&gateway, &[V1, REQUEST].concat()).starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn what_comes_behind_a_header_is_not_lost_however_it_comes() {
    let gateway = trusting();
    let health_check = &b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"[..];
    for header in [V1, V2, b"PROXY UNKNOWN\r\n", health_check] {
        let told = answer(&gateway, &[header, REQUEST].concat());
        assert!(told.starts_with("HTTP/1.1 200"), "{told}");
        let mut stream = TcpStream::connect(gateway.address()).expect("the gateway listens");
        stream.set_nodelay(true).expect("an option");
        for byte in [header, REQUEST].concat() {
            stream.write_all(&[byte]).expect("the gateway reads");
        }
        let told = read_to_end(stream);
        assert!(told.starts_with("HTTP/1.1 200"), "{told}");
    }
    assert_eq!(failures(&gateway, "proxy-header"), 0.0);
}

/// The PROXY header names no client, as that of a health check. Anybody may have written the headers of HTTP behind it.
#[tokio::test]
async fn a_client_that_its_proxy_does_not_know_cannot_name_itself() {
    let gateway = embedded(&[
        OPS,
        REQUIRED,
        "proxy.trusted=127.0.0.0/8",
        "limits.http_per_second_per_address=1",
    ]);
    let ask = |header: &[u8], client: usize| {
        let request = format!(
            "GET /v1/ice-servers HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             X-Forwarded-For: 203.0.113.{client}\r\n\r\n"
        );
        answer(&gateway, &[header, request.as_bytes()].concat())
    };
    for header in [
        &b"PROXY UNKNOWN\r\n"[..],
        b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0",
        b"\r\n\r\n\0\r\nQUIT\n\x21\0\0\0",
    ] {
        let refused = (0..100).any(|client| ask(header, client).starts_with("HTTP/1.1 429"));
        assert!(refused, "all are one: {header:?}");
    }
}

#[tokio::test]
async fn what_is_no_header_is_closed_and_counted() {
    let gateway = trusting();
    let too_long = [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff"[..], &[0; 1000]].concat();
    let garbage = [
        REQUEST,
        b"\x16\x03\x01\x00\xc8\x01",
        b"PROXY TCP4 nowhere 127.0.0.1 1 2\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n",
        b"\r\n\r\n\0\r\nQUIT\n\x11\x11\0\x0c",
        &too_long,
        &[b'P'; 4096],
    ];
    for bytes in garbage {
        assert_eq!(answer(&gateway, bytes), "");
    }
    until_failures(&gateway, "proxy-header", garbage.len());
    assert_eq!(
        gateway
            .log()
            .matches("a trusted proxy sends no PROXY header")
            .count(),
        1
    );
    // Some of one, and no more: also where a byte comes now and then.
    for beginning in [&V1[..20], &V2[..12], b""] {
        assert_eq!(answer(&gateway, beginning), "");
    }
    until_failures(&gateway, "too-slow", 3);
    // A client that leaves by itself is no failure.
    drop(TcpStream::connect(gateway.address()).expect("the gateway listens"));
    let told = answer(&gateway, &[V1, REQUEST].concat());
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");
    assert!(!gateway.log().contains("panicked"), "{}", gateway.log());
}

#[tokio::test]
async fn the_header_comes_before_tls() {
    let certificates = Certificates::make();
    let cert = format!("tls.cert_file={}", certificates.path("server.pem"));
    let key = format!("tls.key_file={}", certificates.path("server.key"));
    let trusted = "proxy.trusted=127.0.0.1";
    let gateway = embedded(&[OPS, REQUIRED, trusted, &cert, &key]);
    let tunnel = TlsTunnel::start_behind(gateway.address(), &certificates, V2).await;
    still_well_at(&gateway, &tunnel.url()).await;
    assert_eq!(gateway.ops_get("/healthz").0, 200);
}

#[tokio::test]
async fn sessions_go_on_through_haproxy() {
    for tells in Tells::ALL {
        let (gateway, front) = behind(tells, HaproxyFront::SOURCE);
        still_well_at(&gateway, &front.url()).await;
    }
}
