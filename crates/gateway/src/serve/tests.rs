use std::future::{pending, ready};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc;
use std::thread;

use switchboard_protocol::PeerId;
use switchboard_traces::TracedOperation;

use super::*;
use crate::config::{Endpoint, OtlpConfig, Ratio};

#[tokio::test]
async fn a_node_ends_with_its_own_end_its_own_panic_or_the_alarm() {
    let alarm = Alarm::default();
    assert!(unless_failed(&alarm, ready(())).await.is_ok());
    let panicked = unless_failed(&alarm, async { panic!("by a test") }).await;
    let words = |failed: Result<(), NodeFailed>| failed.map_err(|failed| failed.to_string());
    assert!(words(panicked).is_err_and(|words| words.contains("`main`")));
    let raise = async {
        alarm.raise("lease");
        pending::<()>().await;
    };
    assert!(
        words(unless_failed(&alarm, raise).await).is_err_and(|words| words.contains("`lease`"))
    );
}

/// Hands on what comes first at a receiver, and answers it with 200.
fn take_a_request(receiver: &TcpListener, taken: &mpsc::Sender<String>) {
    let (mut socket, _) = receiver.accept().expect("a connection");
    let (mut came, mut more) = (String::new(), [0; 4096]);
    while !came.contains("join room") {
        let bytes = socket.read(&mut more).expect("the rest of a request");
        assert!(bytes > 0, "{came}");
        came += &String::from_utf8_lossy(&more[..bytes]);
    }
    taken.send(came).expect("a test waits for it");
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    socket.write_all(answer).expect("it is read");
}

/// Runs a node that fails once a span has ended, and exports to this receiver. Dropping what is returned would export too.
async fn fail_after_a_span(receiver: &TcpListener) -> (Traces, Export) {
    let address = receiver.local_addr().expect("an address");
    let config = OtlpConfig {
        endpoint: Some(Endpoint::whole(&format!("http://{address}/v1/traces")).expect("a URL")),
        sample_ratio: Ratio(1.0),
        ..OtlpConfig::default()
    };
    let (node, metrics) = (NodeId::start("test"), Metrics::new());
    let started = otlp::start(&config, &node, metrics.span_counters());
    let (traces, export) = started.expect("it starts");
    drop(traces.operation(TracedOperation::Join, &PeerId::random(), None));
    let alarm = Alarm::default();
    alarm.raise("lease");
    let signals = Signals::new().expect("signals can be had");
    let run = async |_: &mut Signals| pending().await;
    let ran = run_and_export(&alarm, &export, signals, run).await;
    assert!(ran.is_err_and(|failed| failed.to_string().contains("`lease`")));
    (traces, export)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_fails_exports_its_last_spans() {
    let receiver = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let receiving = receiver.try_clone().expect("another handle");
    let (taken, request) = mpsc::channel();
    thread::spawn(move || take_a_request(&receiving, &taken));
    let _node = fail_after_a_span(&receiver).await;
    let request = request.try_recv().expect("it ended without its spans");
    assert!(request.starts_with("POST /v1/traces"), "{request}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_fails_waits_a_moment_for_a_receiver_that_hangs() {
    let receiver = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let began = Instant::now();
    let _node = fail_after_a_span(&receiver).await;
    let took = began.elapsed();
    // It would be 5 s for a node that stops in order.
    assert!(took < Duration::from_secs(4), "{took:?}");
}
