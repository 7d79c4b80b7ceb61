//! Many who come and say nothing, or not enough: they take no place from those who say hello.
//!
//! All come from one address, as the clients of an office or of a load balancer that is not trusted do.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::json;
use switchboard_testkit::GatewayProcess;

use crate::support::{Raw, SECRET_SETTING, http, still_well, token, with_files};

/// Files that the node may have open in these tests.
const FILES: u32 = 256;
/// More than fit into them, several times.
const MANY: usize = 1000;
const HONEST: usize = 16;

/// Opens polling sessions over one TCP connection, and says nothing on any.
fn open_polling(stream: &mut TcpStream, sessions: usize) {
    const REQUEST: &str =
        "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for _ in 0..sessions / 10 {
        stream
            .write_all(REQUEST.repeat(10).as_bytes())
            .expect("the gateway reads");
        let mut opened = 0;
        while opened < 10 {
            let mut bytes = [0; 4096];
            let length = stream.read(&mut bytes).expect("the gateway answers");
            assert!(length > 0, "the gateway ended the connection");
            let text = String::from_utf8_lossy(&bytes[..length]);
            opened += text.matches("\"sid\"").count();
        }
    }
}

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
