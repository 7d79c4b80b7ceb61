//! What is done for a traced signal, or for a session that moves, is done within its span: so are the lines that are logged.

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use switchboard_cluster::Node;
use switchboard_cluster::memory::MemoryCluster;
use switchboard_protocol::ServerMessage;
use switchboard_traces::Traces;
use switchboard_traces::sampling::Sampling;

use crate::rig::{introduce, node, settings};

/// A node that traces this share of everything.
async fn tracing(cluster: &MemoryCluster, ratio: f64) -> Node {
    let mut settings = settings();
    let tracer = SdkTracerProvider::builder().build().tracer("a test");
    settings.traces = Traces::to(tracer, Sampling::new(ratio, false));
    node(cluster.backend(), settings).await
}

#[tokio::test(start_paused = true)]
async fn a_signal_reaches_its_receiver_within_its_span() {
    let cluster = MemoryCluster::new();
    let nodes = [tracing(&cluster, 1.0).await, tracing(&cluster, 0.0).await];
    let (alice, bob) = introduce(&nodes[0], &nodes[1]).await;
    bob.handle_signals();
    alice.signal("r", Some(bob.peer()));
    alice.until_answered(1).await;
    let messages = bob.told.messages();
    let traceparent = messages.iter().find_map(|message| match message {
        ServerMessage::Signal(signal) => signal.traceparent.clone(),
        _ => None,
    });
    let traceparent = traceparent.expect("it is traced");
    let spans = bob.told.spans();
    let [span] = &spans[..] else {
        panic!("{spans:?}");
    };
    assert_eq!(span.trace_id().to_string(), traceparent[3..35]);
    assert_ne!(span.span_id().to_string(), traceparent[36..52], "its own");

    bob.signal("r", Some(alice.peer()));
    bob.until_answered(1).await;
    assert!(alice.told.spans().is_empty(), "that one is not traced");
}

#[tokio::test(start_paused = true)]
async fn a_session_is_superseded_within_the_span_of_its_move() {
    for (ratio, spans) in [(1.0, 1), (0.0, 0)] {
        let cluster = MemoryCluster::new();
        let (one, other) = (tracing(&cluster, ratio).await, tracing(&cluster, 0.0).await);
        let (alice, _bob) = introduce(&one, &other).await;
        let moved = alice.resume_on(&other).await;
        alice.until_superseded().await;
        assert_eq!(alice.told.spans().len(), spans);
        drop(moved);
    }
}
