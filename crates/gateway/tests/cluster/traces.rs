//! One offer is one trace over both gateways and the bus, as a receiver of OTLP gets it; and a receiver that is away, slow or
//! refuses hurts nobody.

use std::time::Duration;

use serde_json::Value;
use switchboard_protocol::client_message::Signal;
use switchboard_protocol::{ClientMessage, Encoding, Payload, PeerId};
use switchboard_testkit::{GatewayProcess, RedisServer};

use crate::support::otlp::{Got, Manner, Receiver, hex, tree};
use crate::support::{BINARY, Peer, Raw, hear, still_well};

const ROOM: &str = "study-1";
const OFFER: &[u8] = br#"{"type":"offer","sdp":"v=0\r\n"}"#;
/// A browser that traces, and asks for it.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn sampled() -> String {
    format!("00-{TRACE}-b7ad6b7169203331-01")
}

/// Two ready gateways that export to `receiver`.
struct Traced {
    nodes: [GatewayProcess; 2],
    redis: RedisServer,
}

impl Traced {
    fn start(receiver: &Receiver, settings: &[&str]) -> Self {
        let redis = RedisServer::start();
        let url = format!("redis.url={}", redis.url());
        let settings: Vec<_> = settings.iter().copied().chain([&*url]).collect();
        let nodes = ["gw-a", "gw-b"].map(|name| {
            let endpoint = format!("http://{}", receiver.address);
            let variables = [
                ("SWITCHBOARD_NODE__NAME", name),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
                ("OTEL_BSP_SCHEDULE_DELAY", "100"),
            ];
            GatewayProcess::start_with_environment(BINARY, &variables, &settings)
        });
        for node in &nodes {
            node.wait_until("ready", |node| node.get("/readyz").0 == 200);
        }
        Self { nodes, redis }
    }
}

/// An offer with a `traceparent`; its id.
fn offer(from: &mut Peer, to: &Peer, traceparent: Option<&str>) -> u64 {
    from.ask(|id| {
        ClientMessage::Signal(Signal {
            id,
            room: ROOM.into(),
            to: Some(to.id.to_string().into()),
            kind: "offer".into(),
            payload: Payload {
                encoding: Encoding::Json,
                bytes: OFFER,
            },
            traceparent: traceparent.map(Into::into),
        })
    })
}

fn named<'a>(spans: &'a [Got], name: &str) -> &'a Got {
    let mut found = spans.iter().filter(|got| got.span.name == name);
    let first = found
        .next()
        .unwrap_or_else(|| panic!("no {name:?} in\n{}", tree(spans)));
    assert!(
        found.next().is_none(),
        "more than one {name:?} in\n{}",
        tree(spans)
    );
    first
}

const OF_AN_OFFER: [&str; 5] = [
    "send signal",
    "publish frame",
    "process signal",
    "write signal",
    "settle signal",
];

#[tokio::test]
async fn a_browser_that_asks_finds_its_offer_in_its_own_trace_from_both_gateways() {
    let receiver = Receiver::start(Manner::Takes).await;
    let traced = Traced::start(&receiver, &["otlp.sample_ratio=0"]);
    let mut ada = Peer::in_room(&traced.nodes[0], ROOM).await;
    let mut ben = Peer::in_room(&traced.nodes[1], ROOM).await;
    hear!(ada, MemberJoined);
    let id = offer(&mut ada, &ben, Some(&sampled()));
    let came = hear!(ben, Signal);
    hear!(ada, Delivered, |delivered| delivered.id == id);

    let spans = receiver.trace(TRACE, &OF_AN_OFFER).await;
    println!("{}", tree(&spans));
    let [send, publish, process, write, settle] = OF_AN_OFFER.map(|name| named(&spans, name));
    for (got, node) in [
        (send, "gw-a"),
        (publish, "gw-a"),
        (settle, "gw-a"),
        (process, "gw-b"),
        (write, "gw-b"),
    ] {
        assert!(
            got.node.starts_with(node),
            "{} is of {}",
            got.span.name,
            got.node
        );
        assert_eq!(got.service, "switchboard");
    }
    assert_eq!(hex(&send.span.parent_span_id), "b7ad6b7169203331");
    assert_eq!(process.span.parent_span_id, send.span.span_id);
    assert_eq!(settle.span.parent_span_id, send.span.span_id);
    assert_eq!(write.span.parent_span_id, process.span.span_id);
    assert_eq!(publish.span.links[0].span_id, send.span.span_id);
    assert_eq!(send.attribute("session.id"), ada.id.to_string());
    assert_eq!(send.attribute("room.id"), ROOM);
    assert_eq!(send.attribute("switchboard.outcome"), "delivered");
    assert_eq!(
        process.attribute("switchboard.signal.receiver"),
        ben.id.to_string()
    );
    // The receiver goes on with the trace.
    let handed_on = came.traceparent.expect("it is traced");
    assert_eq!(&handed_on[3..35], TRACE);
    let parent = hex(&send.span.span_id);
    assert!(handed_on.ends_with(&format!("-{parent}-01")), "{handed_on}");
}

#[tokio::test]
async fn what_nobody_asks_for_and_the_ratio_leaves_out_is_in_no_trace_and_passes_as_it_came() {
    let receiver = Receiver::start(Manner::Takes).await;
    let traced = Traced::start(&receiver, &["otlp.sample_ratio=0"]);
    let mut ada = Peer::in_room(&traced.nodes[0], ROOM).await;
    let mut ben = Peer::in_room(&traced.nodes[1], ROOM).await;
    hear!(ada, MemberJoined);
    let not_sampled = sampled().replace("-01", "-00");
    for (said, heard) in [
        (None, None),
        (Some(&*not_sampled), Some(&*not_sampled)),
        (Some("no trace"), None),
    ] {
        let id = offer(&mut ada, &ben, said);
        assert_eq!(hear!(ben, Signal).traceparent.as_deref(), heard);
        hear!(ada, Delivered, |delivered| delivered.id == id);
    }
    // Spans go in their order: one that comes later says that no earlier one is to come.
    let id = offer(&mut ada, &ben, Some(&sampled()));
    hear!(ben, Signal);
    hear!(ada, Delivered, |delivered| delivered.id == id);
    let spans = receiver.trace(TRACE, &OF_AN_OFFER).await;
    assert_eq!(
        receiver.spans().len(),
        spans.len(),
        "{}",
        tree(&receiver.spans())
    );
}

#[tokio::test]
async fn a_signal_that_takes_long_is_reported_with_a_trace_of_its_own() {
    let receiver = Receiver::start(Manner::Takes).await;
    let traced = Traced::start(&receiver, &["otlp.sample_ratio=0"]);
    let mut ada = Peer::in_room(&traced.nodes[0], ROOM).await;
    let mut ben = Peer::in_room(&traced.nodes[1], ROOM).await;
    hear!(ada, MemberJoined);
    let id = offer(&mut ada, &ben, None);
    // He reads it, and so says that he has it, after longer than a second.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    hear!(ben, Signal);
    hear!(ada, Delivered, |delivered| delivered.id == id);
    let session = ada.id.to_string();
    let slow = receiver
        .span("send signal", |got| got.attribute("session.id") == session)
        .await;
    assert_eq!(slow.attribute("switchboard.slow"), "true");
    let lasted = slow.span.end_time_unix_nano - slow.span.start_time_unix_nano;
    assert!(lasted >= 1_000_000_000, "{lasted} ns");
    let log = traced.nodes[0].log();
    let line = log.lines().find(|line| line.contains("a signal took long"));
    let line = line.unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains(&hex(&slow.span.trace_id)), "{line}");
    assert!(line.contains(&session), "{line}");
}

#[tokio::test]
async fn joins_resumes_and_moves_are_traces_too() {
    let receiver = Receiver::start(Manner::Takes).await;
    let traced = Traced::start(&receiver, &["otlp.sample_ratio=1"]);
    let ada = Peer::in_room(&traced.nodes[0], ROOM).await;
    let session = ada.id.to_string();
    let _ada = ada.lose().resume(&traced.nodes[1]).await;
    for name in [
        "attach session",
        "join room",
        "resume session",
        "move session",
    ] {
        let found = receiver
            .span(name, |got| got.attribute("session.id") == session)
            .await;
        let steps = receiver.trace(&hex(&found.span.trace_id), &[name]).await;
        println!("{}", tree(&steps));
    }
}

/// The lines of a node's log that begin with this message.
fn lines(node: &GatewayProcess, message: &str) -> Vec<Value> {
    let log = node.log();
    let whole = log.rfind('\n').map_or("", |end| &log[..end]);
    let line = |line| serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("{line}"));
    let mut lines: Vec<_> = whole.lines().map(line).collect();
    lines.retain(|line| {
        let said = line["message"].as_str();
        said.is_some_and(|said| said.starts_with(message))
    });
    lines
}

#[tokio::test]
async fn lines_of_what_is_traced_name_its_trace_and_other_lines_name_none() {
    let receiver = Receiver::start(Manner::Takes).await;
    let settings = ["otlp.sample_ratio=1", "log.filter=debug"];
    let traced = Traced::start(&receiver, &settings);
    let node = &traced.nodes[0];
    let mut ada = Peer::in_room(node, ROOM).await;
    ada.leave(ROOM).await;
    let session = ada.id.to_string();
    let of_ada = |got: &Got| got.attribute("session.id") == session;
    for (span, message) in [
        ("join room", "a session joined a room"),
        ("leave room", "a session left a room"),
    ] {
        let got = receiver.span(span, of_ada).await;
        let lines = lines(node, message);
        let [line] = &lines[..] else {
            panic!("{lines:?}");
        };
        assert_eq!(line["trace_id"], hex(&got.span.trace_id), "{line}");
        assert_eq!(line["span_id"], hex(&got.span.span_id), "{line}");
    }
    for line in lines(node, "this node serves") {
        assert!(line["trace_id"].is_null(), "{line}");
    }
}

#[tokio::test]
async fn a_line_about_a_frame_names_the_trace_of_the_offer_in_it() {
    let receiver = Receiver::start(Manner::Takes).await;
    let settings = ["otlp.sample_ratio=0", "log.filter=debug"];
    let mut traced = Traced::start(&receiver, &settings);
    let mut ada = Peer::in_room(&traced.nodes[0], ROOM).await;
    let ben = Peer::in_room(&traced.nodes[1], ROOM).await;
    hear!(ada, MemberJoined);
    traced.redis.kill();
    offer(&mut ada, &ben, Some(&sampled()));
    let message = "a frame could not be published";
    let is_its = |line: &Value| line["trace_id"] == TRACE;
    traced.nodes[0].wait_until(message, |node| lines(node, message).iter().any(is_its));
}

#[tokio::test]
async fn a_receiver_that_refuses_hangs_or_is_away_costs_spans_and_nothing_else() {
    for manner in [Manner::Refuses, Manner::Hangs, Manner::IsAway] {
        let receiver = Receiver::start(manner).await;
        let traced = Traced::start(&receiver, &["otlp.sample_ratio=1"]);
        let [first, second] = &traced.nodes;
        still_well(first).await;
        still_well(second).await;
        if manner != Manner::Hangs {
            first.wait_until("spans failed", |node| {
                let (_, metrics) = node.get("/metrics");
                let failed = "switchboard_spans_total{outcome=\"failed\"} ";
                let count = metrics.lines().find_map(|line| line.strip_prefix(failed));
                count.is_some_and(|count| count != "0")
            });
            assert!(
                first.log().contains("spans could not be exported"),
                "{}",
                first.log()
            );
        }
        still_well(first).await;
    }
}

#[tokio::test]
async fn each_dialect_has_its_offers_traced() {
    let receiver = Receiver::start(Manner::Takes).await;
    let traced = Traced::start(&receiver, &["otlp.sample_ratio=1"]);
    let [first, second] = &traced.nodes;
    let mut ben = Peer::in_room(second, ROOM).await;

    let mut io = Raw::open(first, "/socket.io/?EIO=4&transport=websocket", &[]);
    io.text("40");
    io.until("40{");
    io.text(&format!(r#"420["join-room","{ROOM}"]"#));
    io.until("430");
    let io_id = hear!(ben, MemberJoined).member.peer;
    io.text(&format!(
        r#"42["offer",{{"target":"{}","sdp":{{"type":"offer","sdp":"v=0"}}}}]"#,
        ben.id
    ));

    let mut stomp = Raw::open(first, "/ws", &["Sec-WebSocket-Protocol: v12.stomp"]);
    stomp.text("CONNECT\naccept-version:1.2\nhost:x\n\n\0");
    stomp.until("CONNECTED");
    stomp.text(&format!(
        "SEND\nreceipt:in\ndestination:/app/rooms/{ROOM}/join\n\n\0"
    ));
    stomp.until("RECEIPT");
    let stomp_id = hear!(ben, MemberJoined).member.peer;
    stomp.text(&format!(
        "SEND\ndestination:/app/rooms/{ROOM}/signal\n\n{}\0",
        r#"{"type":"OFFER","sdp":"v=0"}"#
    ));

    for from in [io_id, stomp_id] {
        hear!(ben, Signal, |signal| signal.from == from);
        is_traced(&receiver, from).await;
    }

    let mut lobby = Peer::in_room(second, "lobby").await;
    let mut mdn = Raw::open(first, "/", &["Sec-WebSocket-Protocol: json"]);
    mdn.text(r#"{"type":"username","name":"Mia"}"#);
    mdn.until(r#"{"type":"userlist""#);
    let mdn_id = hear!(lobby, MemberJoined).member.peer;
    mdn.text(
        r#"{"type":"video-offer","target":null,"name":"Mia","sdp":{"type":"offer","sdp":"v=0"}}"#,
    );
    hear!(lobby, Signal);
    is_traced(&receiver, mdn_id).await;
}

/// A signal of that peer is one trace, from its own gateway to its receiver's.
async fn is_traced(receiver: &Receiver, from: PeerId) {
    let session = from.to_string();
    let is_its = |got: &Got| got.attribute("session.id") == session;
    let sent = receiver.span("send signal", is_its).await;
    let names = ["send signal", "process signal"];
    let spans = receiver.trace(&hex(&sent.span.trace_id), &names).await;
    println!("{}", tree(&spans));
    assert!(named(&spans, "send signal").node.starts_with("gw-a"));
}
