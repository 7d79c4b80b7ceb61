//! Many who come and say nothing, or not enough: they take no place from those who say hello.
//!
//! All come from one address, as the clients of an office or of a load balancer that is not trusted do.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;
use switchboard_testkit::GatewayProcess;

use crate::support::{
    Raw, SECRET_SETTING, http, open_polling, open_polling_as, still_well, token, with_files,
};

/// Files that the node may have open in these tests.
const FILES: u32 = 256;
/// More than fit into them, several times.
const MANY: usize = 1000;
const HONEST: usize = 16;

fn honest(gateway: &GatewayProcess, number: usize) -> Raw {
    let mut raw = Raw::open(gateway, "/v1/connect", &[]);
    let token = token(&format!("user-{number}"), json!({}));
    raw.text(&json!({ "type": "hello", "token": token }).to_string());
    let welcome = raw.read_text();
    assert!(welcome.contains("\"welcome\""), "{number}: {welcome}");
    raw
}

fn shed(gateway: &GatewayProcess, reason: &str) -> f64 {
    gateway.metric(&format!(
        "switchboard_connections_shed_total{{reason=\"{reason}\"}}"
    ))
}

#[tokio::test]
async fn polling_sessions_that_never_connect_take_no_place_from_those_who_say_hello() {
    let gateway = with_files(FILES, &[SECRET_SETTING]);
    let mut attacker = http(&gateway);
    open_polling(&mut attacker, MANY);
    let mut clients = Vec::new();
    for number in 0..HONEST {
        clients.push(honest(&gateway, number));
        open_polling(&mut attacker, 100);
    }
    assert_eq!(
        gateway.metric("switchboard_sessions{dialect=\"native\",state=\"live\"}"),
        HONEST as f64
    );
    assert!(shed(&gateway, "no-hello") > MANY as f64 / 2.0);
    assert!(
        gateway.metric("switchboard_sessions{dialect=\"socketio\",state=\"awaiting-hello\"}")
            < f64::from(FILES)
    );
}

#[tokio::test]
async fn the_limit_of_sessions_counts_those_who_said_hello() {
    let gateway = with_files(FILES, &["limits.sessions=2"]);
    let silent: Vec<_> = (0..20)
        .map(|_| Raw::open(&gateway, "/v1/connect", &[]))
        .collect();
    still_well(&gateway).await;
    drop(silent);
}

#[tokio::test]
async fn the_limit_of_open_files_is_raised_and_what_it_allows_is_said() {
    let gateway = with_files(FILES, &[]);
    let log = gateway.log();
    for said in [
        "\"open_files\":\"256\"",
        "\"open_files_before\":\"32\"",
        "\"sessions\":160",
        "\"connections\":192",
    ] {
        assert!(log.contains(said), "{said} in {log}");
    }
}

#[tokio::test]
async fn a_source_that_is_not_trusted_cannot_say_that_it_is_many() {
    let gateway = with_files(FILES, &[]);
    let mut slow = Raw::from(&gateway, [127, 0, 0, 2]).await;
    let spoofed = |one| format!("X-Forwarded-For: 203.0.{}.{}\r\n", one / 250, one % 250);
    open_polling_as(&mut http(&gateway), MANY, spoofed);
    assert!(shed(&gateway, "no-hello") > 0.0);
    slow.text(r#"{"type":"hello"}"#);
    assert!(slow.read_text().contains("\"welcome\""));
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_is_a_source() {
    let gateway = with_files(FILES, &["proxy.trusted=127.0.0.0/8"]);
    let mut slow = Raw::open(&gateway, "/v1/connect", &["X-Forwarded-For: 203.0.113.9"]);
    open_polling_as(&mut http(&gateway), MANY, |_| {
        "X-Forwarded-For: 203.0.113.10\r\n".into()
    });
    assert!(shed(&gateway, "no-hello") > 0.0);
    slow.text(r#"{"type":"hello"}"#);
    assert!(slow.read_text().contains("\"welcome\""));
}

/// Sends the beginning of a request.
fn begin(gateway: &GatewayProcess, beginning: &str) -> Option<TcpStream> {
    let mut stream = http(gateway);
    // Whoever was cut off meanwhile cannot write.
    stream.write_all(beginning.as_bytes()).ok()?;
    Some(stream)
}

/// The id of an Engine.IO session without hello.
fn polling_session(gateway: &GatewayProcess) -> String {
    let (_, opened) = gateway.get("/socket.io/?EIO=4&transport=polling");
    let (_, sid) = opened.split_once("\"sid\":\"").expect("a session");
    sid.split_once('"').expect("its end").0.into()
}

/// A request of which one byte of its body comes.
fn slow_body(sid: &str) -> String {
    format!(
        "POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: localhost\r\n\
         Content-Length: 1000\r\n\r\n4"
    )
}

const ADMIN_SETTING: &str = "admin.token=admin-token-admin-token";
/// Of an order whose body does not end either: unlike those of an Engine.IO session, there may be many at a time.
const SLOW_ORDER: &str = "POST /v1/nodes/any/drain HTTP/1.1\r\nHost: localhost\r\n\
                          Authorization: Bearer admin-token-admin-token\r\nContent-Length: 1000\r\n\r\n{";
const SLOW_HEAD: &str = "GET /health HTTP/1.1\r\nHost: local";

#[tokio::test]
async fn bodies_and_heads_that_do_not_end_are_closed_in_time() {
    let gateway = with_files(FILES, &["limits.header_read_timeout_ms=300"]);
    let unknown = slow_body("AAAAAAAAAAAAAAAAAAAA");
    let known = slow_body(&polling_session(&gateway));
    let idle = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for beginning in [&unknown, &known, SLOW_HEAD, "", idle] {
        let mut stream = begin(&gateway, beginning).expect("the gateway reads");
        let mut answer = Vec::new();
        // The read time-out of the stream would be an error.
        stream.read_to_end(&mut answer).expect("the end");
    }
    still_well(&gateway).await;
}

#[tokio::test]
async fn a_node_full_of_requests_that_do_not_end_answers_and_lets_in() {
    for kind in ["body", "head", "nothing"] {
        let gateway = with_files(128, &[SECRET_SETTING, ADMIN_SETTING]);
        let beginning = match kind {
            "body" => SLOW_ORDER.into(),
            "head" => SLOW_HEAD.into(),
            _ => String::new(),
        };
        let slow: Vec<_> = (0..300).map(|_| begin(&gateway, &beginning)).collect();
        assert_eq!(gateway.get("/healthz").0, 200);
        assert!(shed(&gateway, "http") >= 100.0, "{kind}");
        for number in 0..HONEST {
            honest(&gateway, number);
        }
        assert_eq!(gateway.get("/readyz").0, 200);
        assert!(!gateway.log().contains("cannot be accepted"));
        drop(slow);
    }
}

#[tokio::test]
async fn sessions_that_fill_a_node_stay_and_it_answers() {
    let gateway = with_files(128, &[SECRET_SETTING]);
    let mut sessions: Vec<_> = (0..32).map(|number| honest(&gateway, number)).collect();
    let silent: Vec<_> = (0..200).map(|_| begin(&gateway, "")).collect();
    let mut refused = Raw::open(&gateway, "/v1/connect", &[]);
    refused.text(&json!({ "type": "hello", "token": token("late", json!({})) }).to_string());
    let (code, reason) = refused.closed();
    assert!(
        code == 4503 && reason.contains("sessions"),
        "{code} {reason}"
    );
    assert_eq!(gateway.get("/healthz").0, 200);
    for session in &mut sessions {
        session.text(r#"{"type":"ping","id":1}"#);
        assert!(session.read_text().contains("\"pong\""));
    }
    drop(silent);
}

#[tokio::test]
async fn a_client_that_reads_nothing_of_a_page_loses_it_and_its_file() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("large.bin"), vec![0; 32 << 20]).expect("a file");
    let folder = format!("static_dir={}", folder.path().display());
    let gateway = with_files(FILES, &["limits.header_read_timeout_ms=300", &folder]);
    let before = gateway.metric("process_open_fds");
    let request = "GET /large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let unread: Vec<_> = (0..20).map(|_| begin(&gateway, request)).collect();
    gateway.wait_until("rid of them", |gateway| {
        gateway.metric("process_open_fds") <= before
    });
    drop(unread);
}

#[tokio::test]
async fn files_that_are_sent_count_like_connections() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("large.bin"), vec![0; 32 << 20]).expect("a file");
    let folder = format!("static_dir={}", folder.path().display());
    let gateway = with_files(128, &[&folder]);
    let request = "GET /large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let unread: Vec<_> = (0..100).map(|_| begin(&gateway, request)).collect();
    gateway.wait_until("within its bounds", |gateway| {
        gateway.metric("process_open_fds") <= 100.0
    });
    assert!(shed(&gateway, "http") > 0.0);
    assert!(!gateway.log().contains("cannot be accepted"));
    drop(unread);
}

#[tokio::test]
async fn without_a_file_for_one_more_connection_others_are_cut_off_and_it_is_said_once() {
    let gateway = with_files(FILES, &[]);
    gateway.limit_files(48);
    let slow: Vec<_> = (0..100).map(|_| begin(&gateway, SLOW_HEAD)).collect();
    assert_eq!(gateway.get("/healthz").0, 200);
    assert!(shed(&gateway, "open-files") > 0.0);
    drop(slow);
    still_well(&gateway).await;
    assert_eq!(gateway.log().matches("cannot be accepted").count(), 1);
}

#[tokio::test]
async fn polls_with_a_byte_of_the_next_request_behind_them_are_cut_off_like_others() {
    for behind in ["", "x"] {
        // Nobody's time to say hello is up meanwhile.
        let gateway = with_files(FILES, &["session.hello_timeout_ms=600000"]);
        let sids: Vec<_> = (0..60).map(|_| polling_session(&gateway)).collect();
        gateway.limit_files(48);
        let polls = sids.iter().map(|sid| {
            let path = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
            let poll = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n{behind}");
            begin(&gateway, &poll)
        });
        let polls: Vec<_> = polls.collect();
        let request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let mut stream = begin(&gateway, request).expect("the gateway reads");
        // After 25 seconds a ping would be written to those that were cut off, and end them.
        let patience = Some(Duration::from_secs(15));
        stream.set_read_timeout(patience).expect("a time-out");
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 200", "{behind:?}");
        assert!(shed(&gateway, "open-files") > 0.0, "{behind:?}");
        drop(polls);
    }
}
