//! One offer is one trace, as an exporter sees it.

use opentelemetry::trace::{SpanKind, TracerProvider as _};
use opentelemetry_sdk::trace::{
    InMemorySpanExporter, InMemorySpanExporterBuilder, Sampler, SdkTracerProvider, SpanData,
};
use switchboard_protocol::{NodeId, PeerId};
use switchboard_traces::sampling::Sampling;
use switchboard_traces::{FrameAbout, SignalAbout, TracedOperation, Traces, current};
use tokio::time::{Duration, Instant, advance};

const BROWSER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn traces(ratio: f64) -> (Traces, InMemorySpanExporter, SdkTracerProvider) {
    let exporter = InMemorySpanExporterBuilder::new().build();
    let provider = SdkTracerProvider::builder()
        .with_sampler(Sampler::AlwaysOn)
        .with_simple_exporter(exporter.clone())
        .build();
    let tracer = provider.tracer("switchboard");
    (
        Traces::to(tracer, Sampling::new(ratio, true)),
        exporter,
        provider,
    )
}

fn about(sender: &PeerId) -> SignalAbout<'_> {
    SignalAbout {
        sender,
        id: 7,
        room: "study",
        kind: "offer",
        bytes: 2500,
    }
}

fn find<'a>(spans: &'a [SpanData], name: &str) -> &'a SpanData {
    let found = spans.iter().find(|span| span.name == name);
    found.unwrap_or_else(|| panic!("no span {name:?} in {spans:?}"))
}

fn attribute(span: &SpanData, key: &str) -> String {
    let found = span
        .attributes
        .iter()
        .find(|known| known.key.as_str() == key);
    found.map_or_else(String::new, |known| known.value.to_string())
}

#[tokio::test]
async fn one_offer_is_one_trace_over_both_nodes() {
    let (sender, receiver) = (PeerId::random(), PeerId::random());
    let (a, at_a, _a) = traces(0.0);
    let (b, at_b, _b) = traces(0.0);
    let node: NodeId = "gw-b".parse().expect("an id");

    let mut sent = a
        .send_signal(Some(BROWSER), about(&sender))
        .expect("it is traced");
    let frame = FrameAbout {
        to: &node,
        envelopes: 3,
        bytes: 3000,
    };
    drop(a.publish_frame(vec![sent.context()], frame));
    let processed = b
        .process_signal(
            b.traced(Some(&sent.traceparent())).as_ref(),
            about(&sender),
            &receiver,
        )
        .expect("the sender's node has decided");
    let written = b.write_signal(&processed).expect("as well");
    drop(processed);
    drop(written);
    a.settle_signal(sent.context(), &receiver.to_string(), "delivered");
    sent.outcome("delivered", false);
    drop(sent);

    let (at_a, at_b) = (
        at_a.get_finished_spans().expect("spans"),
        at_b.get_finished_spans().expect("spans"),
    );
    let send = find(&at_a, "send signal");
    let (publish, settle) = (find(&at_a, "publish frame"), find(&at_a, "settle signal"));
    let (process, write) = (find(&at_b, "process signal"), find(&at_b, "write signal"));
    for span in [send, publish, settle, process, write] {
        let trace = span.span_context.trace_id().to_string();
        assert_eq!(trace, "0af7651916cd43dd8448eb211c80319c", "{}", span.name);
    }
    assert_eq!(send.parent_span_id.to_string(), "b7ad6b7169203331");
    assert_eq!(settle.parent_span_id, send.span_context.span_id());
    assert_eq!(process.parent_span_id, send.span_context.span_id());
    assert_eq!(write.parent_span_id, process.span_context.span_id());
    assert_eq!(publish.links.links[0].span_context, send.span_context);
    assert_eq!(
        (&send.span_kind, &process.span_kind),
        (&SpanKind::Producer, &SpanKind::Consumer)
    );
    assert_eq!(attribute(send, "session.id"), sender.to_string());
    assert_eq!(attribute(send, "room.id"), "study");
    assert_eq!(
        attribute(process, "switchboard.signal.receiver"),
        receiver.to_string()
    );
    assert_eq!(attribute(publish, "messaging.batch.message_count"), "3");
    assert_eq!(attribute(send, "switchboard.outcome"), "delivered");
}

#[tokio::test]
async fn a_node_that_exports_nothing_makes_nothing() {
    let (sender, off) = (PeerId::random(), Traces::off());
    assert!(off.send_signal(Some(BROWSER), about(&sender)).is_none());
    assert!(
        off.process_signal(off.traced(Some(BROWSER)).as_ref(), about(&sender), &sender)
            .is_none()
    );
    assert!(
        off.operation(TracedOperation::Join, &sender, Some("study"))
            .is_none()
    );
    assert!(
        off.slow_signal(None, about(&sender), Instant::now())
            .is_none()
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_client_asks_for_beyond_the_bound_is_traced_by_no_node() {
    let (sender, receiver) = (PeerId::random(), PeerId::random());
    let (a, _, _a) = traces(0.0);
    let (b, _, _b) = traces(0.0);
    let taken = (0..20).filter(|_| a.send_signal(Some(BROWSER), about(&sender)).is_some());
    assert_eq!(taken.count(), 10);
    let goes_on = a.untraced(BROWSER).expect("it is a context");
    assert_eq!(&*goes_on, BROWSER.replace("-01", "-00"));
    assert!(
        b.process_signal(b.traced(Some(&goes_on)).as_ref(), about(&sender), &receiver)
            .is_none()
    );
    assert_eq!(Traces::off().untraced(BROWSER).as_deref(), Some(BROWSER));
    assert_eq!(a.untraced("no trace"), None);
}

#[tokio::test(start_paused = true)]
async fn of_the_receivers_of_a_broadcast_so_many_have_spans_as_a_node_makes_a_second() {
    let (sender, receiver) = (PeerId::random(), PeerId::random());
    let spans = |traces: &Traces| {
        let each = (0..3000).map(|_| {
            traces.process_signal(
                traces.traced(Some(BROWSER)).as_ref(),
                about(&sender),
                &receiver,
            )
        });
        each.flatten().count()
    };
    let (some, _, _some) = traces(0.5);
    assert_eq!(spans(&some), 1000);
    let (all, _, _all) = traces(1.0);
    assert_eq!(spans(&all), 3000);
}

#[tokio::test]
async fn what_the_senders_node_did_not_choose_no_other_node_traces() {
    let (sender, receiver) = (PeerId::random(), PeerId::random());
    let (b, _, _b) = traces(1.0);
    let not_sampled = BROWSER.replace("-01", "-00");
    for traceparent in [None, Some(&*not_sampled), Some("not a traceparent")] {
        assert!(
            b.process_signal(b.traced(traceparent).as_ref(), about(&sender), &receiver)
                .is_none()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_signal_is_reported_with_its_whole_time() {
    let sender = PeerId::random();
    let (a, exporter, _a) = traces(0.0);
    let since = Instant::now();
    assert!(a.slow_signal(None, about(&sender), since).is_none());
    advance(Duration::from_secs(3)).await;
    let slow = a
        .slow_signal(Some(BROWSER), about(&sender), since)
        .expect("it was slow");
    assert_eq!(slow.took, Duration::from_secs(3));
    let spans = exporter.get_finished_spans().expect("spans");
    let span = find(&spans, "send signal");
    assert_eq!(span.span_context.trace_id().to_string(), slow.trace_id);
    assert_eq!(slow.trace_id, "0af7651916cd43dd8448eb211c80319c");
    let lasted = span
        .end_time
        .duration_since(span.start_time)
        .expect("it ends later");
    assert!(lasted >= Duration::from_millis(2990), "{lasted:?}");
    assert_eq!(attribute(span, "switchboard.slow"), "true");
}

#[tokio::test]
async fn an_operation_and_its_steps_are_one_trace() {
    let session = PeerId::random();
    let (a, exporter, _a) = traces(1.0);
    let mut join = a
        .operation(TracedOperation::Join, &session, Some("study"))
        .expect("all are traced");
    let step = async { drop(a.step("room_join")) };
    Traces::carry(Some(&join), step).await;
    assert!(a.step("room_join").is_none(), "nothing is traced here");
    join.outcome("room-full", true);
    drop(join);
    let spans = exporter.get_finished_spans().expect("spans");
    let (join, step) = (find(&spans, "join room"), find(&spans, "room_join"));
    assert_eq!(step.parent_span_id, join.span_context.span_id());
    assert_eq!(attribute(join, "switchboard.outcome"), "room-full");
}

#[tokio::test]
async fn a_thread_is_in_a_span_while_it_does_what_the_span_is_about() {
    let session = PeerId::random();
    let (a, _exporter, _a) = traces(1.0);
    let begin = |operation| a.operation(operation, &session, None).expect("traced");
    let (join, moved) = (begin(TracedOperation::Join), begin(TracedOperation::Move));
    let work = async {
        assert_eq!(current(), Some(join.context()));
        {
            let _within = moved.enter();
            assert_eq!(current(), Some(moved.context()));
        }
        tokio::task::yield_now().await;
        assert_eq!(current(), Some(join.context()));
    };
    let others = async {
        assert_eq!(current(), None, "between two polls of what is traced");
    };
    tokio::join!(Traces::carry(Some(&join), work), others);
    assert_eq!(current(), None);
}
