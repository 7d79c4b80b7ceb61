//! Handing sessions over to other nodes.
//!
//! A node that stops: it is not ready → it waits a grace period for the load balancer → it takes no new connections →
//! it tells each client `drain` at a random moment of the window; the client resumes at another node, which ends its
//! connection here → at the deadline it closes the rest → it leaves the rooms → it releases its lease → it logs how
//! many moved. A second signal makes it skip to the deadline, a third one makes it stop waiting.
//!
//! A node that is too full ([`rebalance`]) tells a share of its sessions to move and continues to serve.

mod order;
mod pace;
mod progress;
pub(crate) mod rebalance;
mod share;
mod signals;
mod state;

use std::sync::Arc;
use std::time::Duration;

use switchboard_protocol::CloseCode;
use switchboard_protocol::server_message::Drain;
use switchboard_session::Closing;
use tokio::time::{Instant, interval, sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

pub(crate) use self::order::{Order, Request};
pub(crate) use self::progress::Progress;
pub(crate) use self::share::Share;
pub(crate) use self::signals::Signals;
pub(crate) use self::state::{CannotDrain, Drains};
use crate::gateway::Gateway;

/// The least time for closing frames, for the last steps in the directory and for the lease, even after a second signal.
const FINISH_MIN: Duration = Duration::from_secs(3);
/// Time between two lines about the progress of a drain.
const REPORT_EVERY: Duration = Duration::from_secs(5);

/// How a drain ended.
pub(crate) struct Drained {
    pub(crate) progress: Progress,
    /// Connections that were still there when the waiting ended.
    pub(crate) cut: usize,
    /// Whether every session has left the directory and the lease is given back.
    pub(crate) clean: bool,
}

/// Stops the node in the way that was given to [`Drains::stop`].
pub(crate) async fn drain(
    gateway: &Arc<Gateway>,
    order: Order,
    stop_accepting: &CancellationToken,
    signals: &mut Signals,
) -> Drained {
    let mut deadline = Instant::now() + order.deadline;
    let connections = gateway.registry.pick_all().len();
    tracing::info!(connections, "stopping; a second signal hurries");
    let was_ready = gateway.readiness.report().ready;
    gateway.readiness.drain();
    // An embedded node is alone: its clients cannot move, and no load balancer has to notice. A node that was not ready
    // has no clients.
    if gateway.config.redis.url.is_some() && (was_ready || connections > 0) {
        tokio::select! {
            () = hand_over(gateway, order, deadline, stop_accepting) => {}
            () = signals.next() => {
                tracing::info!("hurrying");
                deadline = Instant::now();
            }
            () = sleep_until(deadline) => {}
            () = report(gateway) => {}
        }
    }
    take_no_more(gateway, stop_accepting);
    gateway.registry.close(going_away());
    let (cut, clean) = tokio::select! {
        finished = finish(gateway, deadline) => finished,
        () = signals.next() => (gateway.registry.len(), false),
    };
    Drained {
        progress: gateway.drains.progress(),
        cut,
        clean,
    }
}

/// Tells every client to move, and waits until all have gone.
async fn hand_over(
    gateway: &Gateway,
    order: Order,
    deadline: Instant,
    stop_accepting: &CancellationToken,
) {
    sleep(order.grace).await;
    take_no_more(gateway, stop_accepting);
    let closing = going_away();
    pace::pace(gateway.registry.pick_all(), order.window, |peer| {
        gateway.registry.send_on(&peer, told(deadline), &closing);
    })
    .await;
    gateway.tasks.close();
    gateway.tasks.wait().await;
}

/// From now on new connections are refused.
fn take_no_more(gateway: &Gateway, stop_accepting: &CancellationToken) {
    gateway.drains.take_no_more();
    gateway.registry.refuse(going_away());
    stop_accepting.cancel();
}

/// Waits for the end of the connections. Returns how many are left, and whether nothing of this node is left in the
/// cluster.
async fn finish(gateway: &Gateway, deadline: Instant) -> (usize, bool) {
    gateway.tasks.close();
    let finish_by = deadline.max(Instant::now() + FINISH_MIN);
    let _ = timeout_at(finish_by, gateway.tasks.wait()).await;
    let cut = gateway.registry.len();
    let left = finish_by.saturating_duration_since(Instant::now());
    (cut, gateway.node.stop(left.max(FINISH_MIN)).await)
}

/// Logs the progress every few seconds. Does not end.
async fn report(gateway: &Gateway) {
    let mut every = interval(REPORT_EVERY);
    every.tick().await;
    loop {
        every.tick().await;
        let Progress {
            moved,
            closed,
            left,
            remaining,
            ..
        } = gateway.drains.progress();
        tracing::info!(
            moved,
            closed,
            left,
            remaining,
            "draining: {remaining} still here, {moved} moved, {closed} closed, {left} left by themselves"
        );
    }
}

/// The message that tells a client to move. It arrives at a random moment already, so the client need not wait.
fn told(deadline: Instant) -> Drain {
    let left = deadline.saturating_duration_since(Instant::now());
    Drain {
        reconnect_after_ms: 0,
        deadline_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
    }
}

fn going_away() -> Closing {
    Closing::new(CloseCode::GoingAway)
}
