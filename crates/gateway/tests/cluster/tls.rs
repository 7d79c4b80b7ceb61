//! TLS of the gateway's own: clients over it, a certificate that is replaced under them, and what is no TLS.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use switchboard_client::Options;
use switchboard_testkit::{Certificates, GatewayProcess, TlsTunnel};
use tempfile::TempDir;

use crate::support::{
    BINARY, Peer, Raw, SClient, embedded, options, still_well_at, until_failures, with_files,
};

const OPS: &str = "ops_listen=127.0.0.1:0";

/// A node with a certificate in a folder of its own.
struct Node {
    gateway: GatewayProcess,
    folder: TempDir,
}

impl Node {
    fn start(certificates: &Certificates, more: &[&str]) -> Self {
        Self::start_by(embedded, certificates, more)
    }

    fn start_by(
        start: impl FnOnce(&[&str]) -> GatewayProcess,
        certificates: &Certificates,
        more: &[&str],
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        put(&folder, certificates, "server.pem", "server.key");
        let path = |file| folder.path().join(file).display().to_string();
        let cert = format!("tls.cert_file={}", path("tls.crt"));
        let key = format!("tls.key_file={}", path("tls.key"));
        let settings = [&[OPS, &cert, &key], more].concat();
        let gateway = start(&settings);
        Self { gateway, folder }
    }

    fn reloads(&self, outcome: &str) -> f64 {
        self.gateway.metric(&format!(
            "switchboard_tls_certificate_reloads_total{{outcome=\"{outcome}\"}}"
        ))
    }

    /// Whether the files hold what cannot be used.
    fn is_refused(&self) -> bool {
        self.gateway.metric("switchboard_tls_certificate_refused") == 1.0
    }

    /// Hangs up until the files have been read so often with this outcome.
    fn hang_up_for(&self, outcome: &str, times: f64) {
        self.gateway.hang_up();
        self.gateway
            .wait_until(outcome, |_| self.reloads(outcome) >= times);
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.gateway.address()).expect("the gateway listens");
        let patience = stream.set_read_timeout(Some(Duration::from_secs(30)));
        patience.expect("a time-out can be set");
        stream
    }
}

fn put(folder: &TempDir, from: &Certificates, cert: &str, key: &str) {
    for (file, source) in [("tls.crt", cert), ("tls.key", key)] {
        fs::copy(from.path(source), folder.path().join(file)).expect("it can be copied");
    }
}

/// What is left until the gateway closes the connection.
fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    if let Err(error) = stream.read_to_end(&mut rest) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
    }
    rest
}

fn serial(certificates: &Certificates) -> String {
    let file = certificates.path("server.pem");
    certificates.openssl(&format!("x509 -in {file} -noout -serial"))
}

#[tokio::test]
async fn sessions_over_tls_are_like_others() {
    let certificates = Certificates::make();
    let node = Node::start(&certificates, &[]);
    let tunnel = TlsTunnel::start(node.gateway.address(), &certificates).await;
    still_well_at(&node.gateway, &tunnel.url()).await;
    let https = format!("open https://{}/", node.gateway.address());
    assert!(
        node.gateway.log().contains(&https),
        "{}",
        node.gateway.log()
    );
}

#[test]
fn the_commands_ask_where_the_ops_routes_are_and_need_no_certificate() {
    const ADMIN: &str = "admin.token=admin-token-admin-token";
    let mut node = Node::start(&Certificates::make(), &[ADMIN]);
    let ops = node.gateway.ops_address();
    let switchboard = |command: &str| {
        let ops = format!("ops_listen={ops}");
        let settings = [
            ADMIN,
            &ops,
            "tls.cert_file=/nowhere",
            "tls.key_file=/nowhere",
        ];
        let settings = settings.iter().flat_map(|setting| ["--set", setting]);
        let ran = Command::new(BINARY)
            .env_clear()
            .arg(command)
            .args(settings)
            .output()
            .expect("the binary starts");
        assert!(ran.status.success(), "{ran:?}");
        String::from_utf8(ran.stdout).expect("text")
    };
    let told = switchboard("healthcheck");
    assert_eq!(told, format!("http://{ops}/healthz is well\n"));
    let told = switchboard("drain");
    assert!(
        told.contains(" moves its 0 connections and stops"),
        "{told}"
    );
    assert_eq!(node.gateway.wait().code(), Some(0));
}

#[tokio::test]
async fn openssl_sees_the_certificate_and_http_1_1() {
    let certificates = Certificates::make();
    let node = Node::start(&certificates, &[]);
    for version in ["-tls1_2", "-tls1_3"] {
        let seen = SClient::ask(
            node.gateway.address(),
            &certificates,
            &[version, "-alpn", "h2,http/1.1"],
        );
        assert_eq!(seen.serial, serial(&certificates), "{}", seen.said);
        assert!(
            seen.said.contains("ALPN protocol: http/1.1"),
            "{}",
            seen.said
        );
        assert!(
            seen.said.contains("Verify return code: 0 (ok)"),
            "{}",
            seen.said
        );
    }
    let old = SClient::ask(node.gateway.address(), &certificates, &["-tls1_1"]);
    assert_eq!(old.serial, "");
}

#[tokio::test]
async fn a_certificate_is_replaced_on_sighup_and_connections_live_on() {
    let (first, second) = (Certificates::make(), Certificates::make());
    let node = Node::start(&first, &[]);
    let address = node.gateway.address();
    let tunnel = TlsTunnel::start(address, &first).await;
    let over_tls = Options {
        url: tunnel.url(),
        ..options(&node.gateway)
    };
    let mut alice = Peer::open(&over_tls).await.expect("welcomed");
    let mut bob = Peer::open(&over_tls).await.expect("welcomed");
    alice.join("r").await;
    bob.join("r").await;
    alice.exchange(&mut bob, "r").await;

    put(&node.folder, &second, "server.pem", "client.key");
    node.hang_up_for("failed", 1.0);
    assert!(node.is_refused());
    let why =
        "the new certificate or key cannot be used, so connections go on getting the one before";
    assert!(node.gateway.log().contains(why), "{}", node.gateway.log());
    assert_eq!(SClient::ask(address, &first, &[]).serial, serial(&first));

    put(&node.folder, &second, "server.pem", "server.key");
    node.hang_up_for("replaced", 1.0);
    assert!(!node.is_refused());
    assert_eq!(SClient::ask(address, &second, &[]).serial, serial(&second));
    alice.exchange(&mut bob, "r").await;
    // New clients of the old tunnel do not trust it, those of a new one do.
    assert!(Peer::open(&over_tls).await.is_err());
    let tunnel = TlsTunnel::start(address, &second).await;
    still_well_at(&node.gateway, &tunnel.url()).await;

    fs::remove_file(node.folder.path().join("tls.key")).expect("it is there");
    let failed = node.reloads("failed");
    node.hang_up_for("failed", failed + 1.0);
    assert!(node.is_refused());
    assert_eq!(SClient::ask(address, &second, &[]).serial, serial(&second));
    alice.exchange(&mut bob, "r").await;
}

/// As before there was TLS: the end of a terminal ends what runs in it.
#[test]
fn without_tls_sighup_ends_a_node() {
    let mut gateway = embedded(&[]);
    gateway.hang_up();
    assert!(!gateway.wait().success());
}

#[tokio::test]
async fn what_is_no_tls_is_closed_and_counted() {
    let certificates = Certificates::make();
    let node = Node::start(&certificates, &["limits.header_read_timeout_ms=300"]);
    let mut plain = node.connect();
    write!(plain, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("the gateway reads");
    let told = String::from_utf8(rest(plain)).expect("text");
    assert!(told.starts_with("HTTP/1.1 400"), "{told}");
    assert!(
        told.ends_with("\r\n\r\nthis port speaks TLS: use https:// or wss://\n"),
        "{told}"
    );
    until_failures(&node.gateway, "plain-http", 1);
    let garbage = [
        &b"\0\0\0\0\0\0\0\0"[..],
        &[0x80; 600],
        &[0xff; 20_000],
        b"\x16\x03\x01\x00\x04\x02\0\0\0",
    ];
    for bytes in garbage {
        let mut stream = node.connect();
        let _ = stream.write_all(bytes);
        rest(stream);
    }
    until_failures(&node.gateway, "tls", garbage.len());
    // No handshake, and some of one.
    for beginning in [&b""[..], b"\x16\x03\x01\x02\x00\x01\x00"] {
        let mut stream = node.connect();
        stream.write_all(beginning).expect("the gateway reads");
        assert_eq!(rest(stream), b"");
    }
    until_failures(&node.gateway, "too-slow", 2);
    let tunnel = TlsTunnel::start(node.gateway.address(), &certificates).await;
    still_well_at(&node.gateway, &tunnel.url()).await;
}

#[tokio::test]
async fn clients_that_shake_no_hands_take_no_place_from_others() {
    let certificates = Certificates::make();
    let start = |settings: &[&str]| with_files(128, settings);
    let node = Node::start_by(start, &certificates, &[]);
    let silent: Vec<_> = (0..300).map(|_| node.connect()).collect();
    let tunnel = TlsTunnel::start(node.gateway.address(), &certificates).await;
    still_well_at(&node.gateway, &tunnel.url()).await;
    let shed = node
        .gateway
        .metric("switchboard_connections_shed_total{reason=\"http\"}");
    assert!(shed >= 100.0, "{shed}");
    drop(silent);
}

/// Beyond loopback a page must come from the address that it asks, by the scheme that this node speaks.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_the_same_origin_is_one_over_https() {
    let certificates = Certificates::make();
    let node = Node::start(&certificates, &["listen=0.0.0.0:0", "auth.mode=open"]);
    let port = node.gateway.address().port();
    let tunnel = TlsTunnel::start(([127, 0, 0, 1], port).into(), &certificates).await;
    for (origin, is_same) in [
        ("https://localhost", true),
        ("http://localhost", false),
        ("https://evil.example", false),
    ] {
        let origin = format!("Origin: {origin}");
        let mut raw =
            Raw::through(tunnel.address(), [127, 0, 0, 1], "/v1/connect", &[&origin]).await;
        raw.text(r#"{"type":"hello"}"#);
        if is_same {
            assert!(raw.read_text().contains("\"welcome\""));
        } else {
            assert_eq!(raw.closed().0, 4403, "{origin}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_nothing_of_a_page_loses_it() {
    let certificates = Certificates::make();
    let pages = tempfile::tempdir().expect("a folder");
    fs::write(pages.path().join("large.bin"), vec![0; 32 << 20]).expect("a file");
    let pages = format!("static_dir={}", pages.path().display());
    let settings = ["limits.header_read_timeout_ms=300", &*pages];
    let node = Node::start(&certificates, &settings);
    let tunnel = TlsTunnel::start(node.gateway.address(), &certificates).await;
    let before = node.gateway.metric("process_open_fds");
    let unread: Vec<_> = (0..10)
        .map(|_| {
            let mut stream = TcpStream::connect(tunnel.address()).expect("the tunnel listens");
            let request = "GET /large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n";
            write!(stream, "{request}").expect("the gateway reads");
            stream
        })
        .collect();
    for stream in &unread {
        stream.peek(&mut [0]).expect("the answer has begun");
    }
    node.gateway.wait_until("rid of them", |gateway| {
        gateway.metric("process_open_fds") <= before
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stops_says_so_over_tls() {
    let certificates = Certificates::make();
    let mut node = Node::start(&certificates, &[]);
    let tunnel = TlsTunnel::start(node.gateway.address(), &certificates).await;
    let mut client = Raw::through(tunnel.address(), [127, 0, 0, 1], "/v1/connect", &[]).await;
    client.text(r#"{"type":"hello"}"#);
    assert!(client.read_text().contains("\"welcome\""));
    // A handshake that does not come holds nothing up.
    let silent = node.connect();
    node.gateway.terminate();
    assert_eq!(client.closed().0, 1001);
    assert_eq!(node.gateway.wait().code(), Some(0));
    drop(silent);
}
