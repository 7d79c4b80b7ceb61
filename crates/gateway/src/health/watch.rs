//! The task that decides about readiness while Redis is lost.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use switchboard_cluster::Reach;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Readiness;
use super::neighbours::Neighbours;

/// Time between two readings of which nodes there are.
const LEARN_EVERY: Duration = Duration::from_secs(10);
/// Time between two questions to them, and between the loss and the first question: when Redis restarts, one node
/// notices a moment before another.
const ASK_EVERY: Duration = Duration::from_secs(2);

/// Until told to stop: reads which other nodes there are while Redis answers, and asks them while Redis is lost.
pub(crate) async fn watch(
    readiness: Arc<Readiness>,
    neighbours: Neighbours,
    stop: CancellationToken,
) {
    if !readiness.embedded {
        let watching = keep_watch(&readiness, neighbours);
        let _ = stop.run_until_cancelled(watching).await;
    }
}

async fn keep_watch(readiness: &Readiness, mut neighbours: Neighbours) {
    let mut reach = readiness.reach();
    loop {
        let now = reach.borrow_and_update().clone();
        let pause = match now {
            Reach::Reached => {
                if readiness.cut_off.swap(false, Ordering::Relaxed) {
                    tracing::info!("Redis is back: this node is ready again");
                }
                let leases = &*readiness.backend.leases;
                // After a failure it tries again later; the known nodes stay known.
                let _ = neighbours.learn(leases, readiness.node.id()).await;
                LEARN_EVERY
            }
            Reach::Lost(_) => ASK_EVERY,
            Reach::Never(_) => Duration::MAX,
        };
        match timeout(pause, reach.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) if matches!(*reach.borrow(), Reach::Lost(_)) => {
                judge(readiness, neighbours.one_reaches_redis().await);
            }
            Err(_) => {}
        }
    }
}

fn judge(readiness: &Readiness, cut_off: bool) {
    let was = readiness.cut_off.swap(cut_off, Ordering::Relaxed);
    match (was, cut_off) {
        (false, true) => {
            tracing::warn!("another node can use Redis and this one cannot: not ready until it can")
        }
        (true, false) => {
            tracing::warn!(
                "no other node says that it can use Redis either: this node is ready again, without Redis"
            );
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use switchboard_cluster::node::{Node, Settings};
    use switchboard_cluster::{Backend, InFlightMax, Status, memory};
    use switchboard_protocol::NodeId;
    use tokio::sync::watch;

    use super::super::neighbours::tests::{info, neighbour};
    use switchboard_traces::Traces;

    use super::*;
    use crate::metrics::Metrics;

    /// A node that has lost Redis, in a cluster with one neighbour.
    struct Scene {
        readiness: Arc<Readiness>,
        reach: watch::Sender<Reach>,
        neighbours: Neighbours,
        asked: watch::Receiver<u32>,
    }

    async fn lost_beside(neighbours_redis: &str) -> Scene {
        let (said, reach) = watch::channel(Reach::Reached);
        let backend = Backend {
            reach,
            ..memory::backend()
        };
        let body = format!(r#"{{"ready":true,"redis":"{neighbours_redis}"}}"#);
        let (address, asked) = neighbour(200, body).await;
        let (own, other) = (NodeId::start("own"), NodeId::start("other"));
        let entered = backend.leases.register(&other, &info(address)).await;
        assert_eq!(entered, Ok(true));
        let mut neighbours = Neighbours::new().expect("a client");
        let learned = neighbours.learn(&*backend.leases, &own).await;
        learned.expect("the leases answer");

        let observe = Arc::new(Metrics::new());
        let node = Node::new(own, settings(), backend.clone(), observe);
        node.start();
        let serving = |status: &_| *status == Status::Serving;
        node.status().wait_for(serving).await.expect("a node");
        said.send_replace(Reach::Lost("connection refused".into()));
        Scene {
            readiness: Arc::new(Readiness::new(node, backend, false)),
            reach: said,
            neighbours,
            asked,
        }
    }

    fn settings() -> Settings {
        Settings {
            info: info("127.0.0.1:1".into()),
            cluster_key: None,
            lease: Duration::from_secs(4),
            resume_window: Duration::from_secs(60),
            delivery_deadline: Duration::from_secs(75),
            heartbeat_timeout: Duration::from_secs(40),
            in_flight: InFlightMax {
                signals: 1,
                bytes: 1,
                node_bytes: 1,
            },
            away_max: 1000,
            away_bytes: 1 << 24,
            revocations_kept: Duration::from_secs(3600),
            sessions_per_user: 1,
            linger_max: Duration::ZERO,
            local_shortcut: false,
            traces: Traces::off(),
        }
    }

    async fn until_ready_is(readiness: &Readiness, ready: bool) {
        let turned = async {
            while readiness.report().ready != ready {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(30), turned)
            .await
            .expect("it turns");
    }

    #[tokio::test]
    async fn a_node_that_alone_has_lost_redis_is_not_ready_until_it_is_back() {
        let scene = lost_beside("up").await;
        let readiness = &scene.readiness;
        assert!(readiness.report().ready, "nobody was asked yet");
        let test = async {
            until_ready_is(readiness, false).await;
            let report = readiness.report();
            assert_eq!(report.redis, "connection refused");
            assert!(report.reason.expect("why not").contains("another one"));
            scene.reach.send_replace(Reach::Reached);
            until_ready_is(readiness, true).await;
        };
        tokio::select! {
            () = keep_watch(readiness, scene.neighbours) => panic!("it watches on"),
            () = test => {}
        }
    }

    #[tokio::test]
    async fn where_all_have_lost_redis_all_stay_ready() {
        let mut scene = lost_beside("connection refused").await;
        let asked_again = async {
            let twice = scene.asked.wait_for(|asked| *asked == 2).await;
            drop(twice.expect("the neighbour lives"));
            assert!(
                scene.readiness.report().ready,
                "the first answer was judged"
            );
        };
        tokio::select! {
            () = keep_watch(&scene.readiness, scene.neighbours) => panic!("it watches on"),
            () = asked_again => {}
        }
    }
}
