//! How spans get to their receiver: over TLS, with a token, compressed, and the last ones while the node stops.

use std::process::Command;
use std::time::{Duration, Instant};

use switchboard_testkit::{Certificates, GatewayProcess};

use crate::support::otlp::{Got, Manner, Receiver, WHY_REJECTED, tree};
use crate::support::{BINARY, Peer, TlsFront};

const ROOM: &str = "study-1";
const FAILED: &str = "switchboard_spans_total{outcome=\"failed\"}";
const EXPORTED: &str = "switchboard_spans_total{outcome=\"exported\"}";
const TOKEN: &str = "s3cret-of-the-collector";

/// A ready node that needs no Redis, traces everything, and exports to `url`.
fn exporting(url: &str, variables: &[(&str, &str)]) -> GatewayProcess {
    let own = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
    ];
    let variables: Vec<_> = own.iter().chain(variables).copied().collect();
    let settings = ["otlp.sample_ratio=1", "log.filter=debug"];
    let node = GatewayProcess::start_with_environment(BINARY, &variables, &settings);
    node.wait_until("ready", |node| node.get("/readyz").0 == 200);
    node
}

fn http(receiver: &Receiver) -> String {
    format!("http://{}", receiver.address)
}

/// Waits until more spans than `before` have failed; how many have.
fn until_failed(node: &GatewayProcess, before: f64) -> f64 {
    node.wait_until("without its spans", |node| node.metric(FAILED) > before);
    node.metric(FAILED)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_behind_tls_is_trusted_by_each_name_for_its_authority() {
    let receiver = Receiver::start(Manner::Takes).await;
    let front = TlsFront::start(receiver.address, Certificates::make()).await;
    for name in [
        "SSL_CERT_FILE",
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
        "SWITCHBOARD_OTLP__CA_FILE",
    ] {
        let node = exporting(&front.url(), &[(name, &front.ca_file())]);
        let session = Peer::in_room(&node, ROOM).await.id.to_string();
        let is_its = |got: &Got| got.attribute("session.id") == session;
        receiver.span("join room", is_its).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_nobody_knows_costs_the_spans_and_is_said_once() {
    let receiver = Receiver::start(Manner::Takes).await;
    let front = TlsFront::start(receiver.address, Certificates::make()).await;
    let node = exporting(&front.url(), &[]);
    Peer::in_room(&node, ROOM).await;
    let failed = until_failed(&node, 0.0);
    Peer::in_room(&node, ROOM).await;
    until_failed(&node, failed);
    let log = node.log();
    let told: Vec<_> = log
        .lines()
        .filter(|line| line.contains("spans could not be exported"))
        .collect();
    assert_eq!(told.len(), 1, "{log}");
    assert!(told[0].contains("UnknownIssuer"), "{}", told[0]);
    assert!(told[0].contains("otlp.ca_file, or SSL_CERT_FILE"));
    assert!(receiver.spans().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_arrives_with_compressed_spans_and_is_shown_nowhere() {
    let headers = format!("authorization=Bearer%20{TOKEN},x-tenant=calls");
    for manner in [Manner::Takes, Manner::Refuses] {
        let receiver = Receiver::start(manner).await;
        let variables = [
            ("OTEL_EXPORTER_OTLP_HEADERS", &*headers),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ];
        let node = exporting(&http(&receiver), &variables);
        Peer::in_room(&node, ROOM).await;
        match manner {
            Manner::Takes => drop(receiver.span("join room", |_| true).await),
            _ => drop(until_failed(&node, 0.0)),
        }
        assert_eq!(receiver.header("authorization"), format!("Bearer {TOKEN}"));
        assert_eq!(receiver.header("x-tenant"), "calls");
        assert_eq!(receiver.header("content-encoding"), "gzip");
        assert!(!node.log().contains(TOKEN), "{}", node.log());
    }
    let shown = Command::new(BINARY)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
        .env("OTEL_EXPORTER_OTLP_HEADERS", headers)
        .arg("check-config")
        .output()
        .expect("the binary starts");
    let shown = String::from_utf8([shown.stdout, shown.stderr].concat()).expect("text");
    assert!(shown.contains("http://collector:4318/v1/traces"), "{shown}");
    assert!(!shown.contains(TOKEN), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_take_the_proxy_that_the_environment_names() {
    let proxy = Receiver::start(Manner::Takes).await;
    let collector = "http://collector.invalid:4318";
    let node = exporting(collector, &[("HTTP_PROXY", &http(&proxy))]);
    Peer::in_room(&node, ROOM).await;
    proxy.span("join room", |_| true).await;
    assert_eq!(proxy.header("host"), "collector.invalid:4318");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_does_not_answer_in_the_time_that_a_variable_gives_it_is_given_up() {
    let receiver = Receiver::start(Manner::Hangs).await;
    let node = exporting(&http(&receiver), &[("OTEL_EXPORTER_OTLP_TIMEOUT", "200")]);
    Peer::in_room(&node, ROOM).await;
    until_failed(&node, 0.0);
    let log = node.log();
    assert!(log.contains("nothing came within 0.2 s"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_that_a_receiver_takes_and_rejects_are_lost_and_that_is_said_once() {
    let receiver = Receiver::start(Manner::RejectsOne).await;
    let node = exporting(&http(&receiver), &[]);
    for _ in 0..3 {
        Peer::in_room(&node, ROOM).await;
        let before = node.metric(FAILED);
        until_failed(&node, before);
    }
    node.wait_until("counting every span", |node| {
        let (requests, spans) = (receiver.requests(), receiver.spans().len());
        node.metric(FAILED) == requests as f64 && node.metric(EXPORTED) == (spans - requests) as f64
    });
    let log = node.log();
    let told = log
        .lines()
        .filter(|line| line.contains("the receiver rejected spans"));
    let told: Vec<_> = told.collect();
    assert_eq!(told.len(), 1, "{log}");
    assert!(told[0].contains(WHY_REJECTED), "{}", told[0]);
    assert!(!log.contains("spans could not be exported"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_that_come_while_enough_wait_are_dropped_counted_and_said_once() {
    let receiver = Receiver::start(Manner::Hangs).await;
    let one = ("OTEL_BSP_MAX_QUEUE_SIZE", "1");
    let node = exporting(&http(&receiver), &[one]);
    for _ in 0..3 {
        Peer::in_room(&node, ROOM).await;
    }
    node.wait_until("dropping spans", |node| {
        let dropped = node.metric("switchboard_spans_total{outcome=\"dropped\"}");
        dropped > 1.0 && node.log().contains("spans are dropped")
    });
    let log = node.log();
    let told = log
        .lines()
        .filter(|line| line.contains("spans are dropped"));
    assert_eq!(told.count(), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stops_exports_its_last_spans() {
    let receiver = Receiver::start(Manner::Takes).await;
    let an_hour = ("OTEL_BSP_SCHEDULE_DELAY", "3600000");
    let mut node = exporting(&http(&receiver), &[an_hour]);
    let _ada = Peer::in_room(&node, ROOM).await;
    assert!(receiver.spans().is_empty());
    node.terminate();
    assert_eq!(node.wait().code(), Some(0), "{}", node.log());
    let spans = receiver.spans();
    for name in ["attach session", "join room"] {
        let came = spans.iter().any(|got| got.span.name == name);
        assert!(came, "no {name} in\n{}", tree(&spans));
    }
}

/// A node that was told to stop, has said goodbye to everyone, and still waits for a receiver to take its last spans.
async fn drained_with_a_receiver_that_hangs() -> (Receiver, GatewayProcess) {
    let receiver = Receiver::start(Manner::Hangs).await;
    let node = exporting(&http(&receiver), &[]);
    Peer::in_room(&node, ROOM).await;
    node.wait_until("exporting", |_| !receiver.header("content-type").is_empty());
    node.terminate();
    node.wait_until("drained", |node| node.log().contains("stopped: "));
    (receiver, node)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stops_does_not_wait_long_for_a_receiver_that_hangs() {
    let (_receiver, mut node) = drained_with_a_receiver_that_hangs().await;
    let drained = Instant::now();
    assert_eq!(node.wait().code(), Some(0), "{}", node.log());
    let took = drained.elapsed();
    // 5 s for the spans; the process needs a moment to end on a machine that is busy.
    assert!(took < Duration::from_secs(8), "{took:?}");
    let log = node.log();
    assert!(
        log.contains("the last spans could not be exported"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_a_node_that_waits_for_its_last_spans() {
    let (_receiver, mut node) = drained_with_a_receiver_that_hangs().await;
    node.interrupt();
    let asked_again = Instant::now();
    assert_eq!(node.wait().code(), Some(0), "{}", node.log());
    let took = asked_again.elapsed();
    // The spans would get 5 s.
    assert!(took < Duration::from_secs(4), "{took:?}");
    let log = node.log();
    assert!(log.contains("the last spans are not waited for"), "{log}");
}
