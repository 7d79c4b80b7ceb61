//! Frames from node to node.

use std::collections::BTreeSet;

use bytes::Bytes;
use switchboard_cluster::{BusEvent, Inbox};
use tokio::task::JoinSet;

use crate::people::node;
use crate::stage::Stage;

/// The next frame. A gap is an error here: nothing went wrong.
pub(crate) async fn frame(inbox: &mut dyn Inbox) -> Bytes {
    match inbox.next().await {
        Some(BusEvent::Frame(frame)) => frame,
        event => panic!("{event:?} instead of a frame"),
    }
}

fn numbered(number: u32) -> Bytes {
    Bytes::copy_from_slice(&number.to_be_bytes())
}

pub(crate) async fn frames_arrive_in_order(stage: &Stage) {
    let (sender, receiver) = (stage.node().await, stage.node().await);
    let b = node("gw-b");
    let mut inbox = receiver.bus.subscribe(&b).await.unwrap();
    for number in 0..500 {
        assert_eq!(sender.bus.publish(&b, numbered(number)).await, Ok(1));
    }
    for number in 0..500 {
        assert_eq!(frame(&mut *inbox).await, numbered(number));
    }
}

pub(crate) async fn nobody_there_is_told_as_none(stage: &Stage) {
    let backend = stage.node().await;
    assert_eq!(backend.bus.publish(&node("gw-x"), numbered(1)).await, Ok(0));
}

pub(crate) async fn a_frame_reaches_only_its_node(stage: &Stage) {
    let (one, two) = (stage.node().await, stage.node().await);
    let (a, b) = (node("gw-a"), node("gw-b"));
    let mut inbox_a = one.bus.subscribe(&a).await.unwrap();
    let mut inbox_b = two.bus.subscribe(&b).await.unwrap();
    one.bus.publish(&b, numbered(2)).await.unwrap();
    two.bus.publish(&a, numbered(1)).await.unwrap();
    // To oneself, as between two peers of one node.
    two.bus.publish(&b, numbered(3)).await.unwrap();
    assert_eq!(frame(&mut *inbox_a).await, numbered(1));
    assert_eq!(frame(&mut *inbox_b).await, numbered(2));
    assert_eq!(frame(&mut *inbox_b).await, numbered(3));
}

pub(crate) async fn a_frame_may_be_large(stage: &Stage) {
    let (sender, receiver) = (stage.node().await, stage.node().await);
    let b = node("gw-b");
    let mut inbox = receiver.bus.subscribe(&b).await.unwrap();
    let large: Bytes = (0..256 * 1024)
        .map(|at: u32| at.to_le_bytes()[1] ^ 0xA5)
        .collect();
    for frame in [
        large.clone(),
        Bytes::from_static(b"text"),
        Bytes::from_static(&[0xff, 0, b'\r', b'\n']),
        large,
    ] {
        assert_eq!(sender.bus.publish(&b, frame.clone()).await, Ok(1));
        assert_eq!(self::frame(&mut *inbox).await, frame);
    }
}

pub(crate) async fn a_burst_arrives_whole(stage: &Stage) {
    let (sender, receiver) = (stage.node().await, stage.node().await);
    let b = node("gw-b");
    let mut inbox = receiver.bus.subscribe(&b).await.unwrap();
    let mut numbers = 0..20_000;
    while !numbers.is_empty() {
        // None of these waits for the answer to the one before, and nobody reads yet.
        let mut together = JoinSet::new();
        for number in numbers.by_ref().take(500) {
            let (bus, b) = (sender.bus.clone(), b.clone());
            together.spawn(async move { bus.publish(&b, numbered(number)).await });
        }
        let receivers = together.join_all().await;
        assert!(receivers.into_iter().all(|receivers| receivers == Ok(1)));
    }
    let mut seen = BTreeSet::new();
    for _ in 0..20_000 {
        seen.insert(frame(&mut *inbox).await);
    }
    assert!(seen.into_iter().eq((0..20_000).map(numbered)));
}
