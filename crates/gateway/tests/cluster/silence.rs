//! Clients that say nothing, or too little.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use switchboard_protocol::Connection;
use switchboard_protocol::server_message::LeaveReason;

use crate::support::{Peer, Raw, embedded, hear, still_well};

#[tokio::test]
async fn whoever_says_no_hello_in_time_is_closed() {
    let gateway = embedded(&["session.hello_timeout_ms=300"]);
    let (code, reason) = Raw::open(&gateway, "/v1/connect", &[]).closed();
    assert_eq!((code, reason.contains("hello")), (4408, true), "{reason}");
    // Saying something else over and over does not help.
    let mut raw = Raw::open(&gateway, "/v1/connect", &[]);
    raw.text(r#"{"type":"ping"}"#);
    assert!(raw.read_text().contains("say hello first"));
    assert_eq!(raw.closed().0, 4408);
    still_well(&gateway).await;
}

#[tokio::test]
async fn whoever_answers_no_ping_is_closed_and_leaves_its_rooms_after_its_window() {
    let gateway = embedded(&[
        "session.heartbeat_ms=200",
        "session.heartbeat_timeout_ms=1500",
        "session.resume_window_ms=10400",
        "session.delivery_deadline_ms=25400",
    ]);
    let mut lively = Peer::in_room(&gateway, "study-1").await;
    let mut silent = Raw::open(&gateway, "/v1/connect", &[]);
    silent.text(r#"{"type":"hello"}"#);
    silent.text(r#"{"type":"join","id":1,"room":"study-1"}"#);
    // Driven while it waits, the other connection answers its pings.
    assert_eq!(
        hear!(lively, MemberUpdated).connection,
        Some(Connection::Away)
    );
    let mut pings = 0;
    let (code, reason) = loop {
        match silent.read().expect("a close frame comes first") {
            (9, _) => pings += 1,
            (8, body) => {
                break (
                    u16::from_be_bytes([body[0], body[1]]),
                    String::from_utf8_lossy(&body[2..]).into_owned(),
                );
            }
            _ => {}
        }
    };
    assert_eq!(
        (code, reason.contains("nothing heard")),
        (4408, true),
        "{reason}"
    );
    assert!(pings >= 2, "{pings} pings");
    assert_eq!(hear!(lively, MemberLeft).reason, LeaveReason::Expired);
    assert!((gateway.metric("switchboard_closes_total{code=\"4408\"}") - 1.0).abs() < f64::EPSILON);
    still_well(&gateway).await;
}

#[tokio::test]
async fn a_request_head_that_comes_byte_by_byte_is_cut_off() {
    let gateway = embedded(&["limits.header_read_timeout_ms=400"]);
    let mut slow = TcpStream::connect(gateway.address()).expect("the gateway listens");
    slow.set_read_timeout(Some(Duration::from_millis(20)))
        .expect("a time-out can be set");
    let started = Instant::now();
    // An endless head, so that nothing but the time ends it.
    let mut head = b"GET /v1/connect HTTP/1.1\r\nX-Slow: "
        .iter()
        .copied()
        .chain(std::iter::repeat(b'x'));
    let cut_off = loop {
        let byte = [head.next().expect("it has no end")];
        let mut answer = [0; 512];
        if slow.write_all(&byte).is_err() {
            break true;
        }
        match slow.read(&mut answer) {
            Ok(0) => break true,
            Err(error)
                if !matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                ) =>
            {
                break true;
            }
            _ if started.elapsed() > Duration::from_secs(20) => break false,
            _ => sleep(Duration::from_millis(5)),
        }
    };
    assert!(cut_off, "it was never cut off");
    // One that says nothing at all is cut off as well.
    let mut silent = TcpStream::connect(gateway.address()).expect("the gateway listens");
    silent
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a time-out can be set");
    assert!(
        matches!(silent.read(&mut [0; 512]), Ok(0..=512)),
        "the end comes by itself"
    );
    assert!(
        started.elapsed() >= Duration::from_millis(350),
        "{:?}",
        started.elapsed()
    );
    still_well(&gateway).await;
}
