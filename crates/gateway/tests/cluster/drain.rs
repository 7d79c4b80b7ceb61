//! A gateway is told to stop.

use std::time::{Duration, Instant};

use switchboard_client::Options;
use switchboard_protocol::server_message::LeaveReason;
use switchboard_testkit::GatewayProcess;

use crate::support::{Cluster, Peer, embedded, hear, options, still_well};

const ROOM: &str = "study-1";

fn is_listening(gateway: &GatewayProcess) -> bool {
    std::net::TcpStream::connect(gateway.address()).is_ok()
}

#[tokio::test]
async fn a_drain_is_not_ready_then_sends_its_clients_away_over_the_window_and_ends_well() {
    const WINDOW: Duration = Duration::from_millis(1500);
    let mut cluster = Cluster::start(
        2,
        &[
            "drain.grace_ms=1500",
            "drain.window_ms=1500",
            "drain.deadline_ms=30000",
        ],
    );
    let mut staying = Peer::in_room(&cluster.nodes[1], ROOM).await;
    let mut leaving = Vec::new();
    for _ in 0..3 {
        leaving.push(Peer::in_room(&cluster.nodes[0], ROOM).await);
    }
    cluster.nodes[0].terminate();
    let drained = &cluster.nodes[0];
    drained.wait_until("not ready", |node| node.get("/readyz").0 == 503);
    assert!(drained.get("/readyz").1.contains("draining"));
    assert_eq!(drained.get("/healthz").0, 200);
    // In the grace period those whom the load balancer still sends are served.
    leaving.push(Peer::in_room(drained, ROOM).await);

    let mut closed_at = Vec::new();
    for peer in leaving {
        closed_at.push(tokio::spawn(async move {
            let mut peer = peer;
            assert_eq!(peer.closed().await.code, 1001);
            Instant::now()
        }));
    }
    let mut moments = Vec::new();
    for closed in closed_at {
        moments.push(closed.await.expect("each is closed with 1001"));
    }
    moments.sort();
    let spread = moments[3] - moments[0];
    assert!(spread > WINDOW / 4, "spread over {spread:?} of {WINDOW:?}");
    for _ in 0..4 {
        assert_eq!(hear!(staying, MemberLeft).reason, LeaveReason::Disconnected);
    }
    let status = cluster.nodes[0].wait();
    assert_eq!(status.code(), Some(0), "{}", cluster.nodes[0].log());
    assert!(
        cluster.nodes[0]
            .log()
            .contains("every connection was closed and has left its rooms"),
        "{}",
        cluster.nodes[0].log()
    );
    still_well(&cluster.nodes[1]).await;
    assert!(
        cluster.nodes[1].metric("switchboard_nodes_reaped_total") == 0.0,
        "it gave its lease back"
    );
}

#[tokio::test]
async fn a_second_signal_hurries() {
    let mut cluster = Cluster::start(
        1,
        &[
            "drain.grace_ms=60000",
            "drain.window_ms=60000",
            "drain.deadline_ms=600000",
        ],
    );
    let gateway = &mut cluster.nodes[0];
    let mut peer = Peer::in_room(gateway, ROOM).await;
    gateway.terminate();
    gateway.wait_until("not ready", |gateway| gateway.get("/readyz").0 == 503);
    gateway.terminate();
    assert_eq!(peer.closed().await.code, 1001);
    assert_eq!(gateway.wait().code(), Some(0));
    assert!(gateway.log().contains("hurrying"), "{}", gateway.log());
}

#[tokio::test]
async fn an_embedded_node_ends_at_once() {
    let mut gateway = embedded(&["drain.grace_ms=20000", "drain.window_ms=20000"]);
    let mut peer = Peer::in_room(&gateway, ROOM).await;
    let started = Instant::now();
    gateway.interrupt();
    assert_eq!(peer.closed().await.code, 1001);
    assert_eq!(gateway.wait().code(), Some(0), "{}", gateway.log());
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
    assert!(!is_listening(&gateway));
}

#[tokio::test]
async fn a_client_that_answers_nothing_does_not_hold_up_the_end() {
    let mut gateway = embedded(&[]);
    let raw = crate::support::Raw::open(&gateway, "/v1/connect", &[]);
    let silent = Peer::open(&Options {
        receipts: false,
        ..options(&gateway)
    })
    .await
    .expect("welcome");
    gateway.terminate();
    assert_eq!(gateway.wait().code(), Some(0), "{}", gateway.log());
    drop((raw, silent));
}
