//! Handing sessions over to other nodes.
//!
//! A node that stops: not ready → grace for the load balancer → take no more → each client is told `drain` at its own
//! moment of the window and resumes elsewhere, which ends its connection here → the deadline closes the rest → leave the
//! rooms → give the lease back → say how many moved. A second signal hurries, a third one ends the waiting that is left.
//!
//! A node that is too full ([`rebalance`]) tells a share of its sessions the same and goes on serving.

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

/// Closing frames, last steps in the directory and the lease get at least this long, also in a hurry.
const FINISH_MIN: Duration = Duration::from_secs(3);
/// Between two lines about how far a drain has come.
const REPORT_EVERY: Duration = Duration::from_secs(5);

/// What a drain came to.
pub(crate) struct Drained {
    pub(crate) progress: Progress,
    /// Connections that were still there when the waiting ended.
    pub(crate) cut: usize,
    /// Whether every session has left the directory and the lease is given back.
    pub(crate) clean: bool,
}

/// Stops the node, as [`Drains::stop`] was told to.
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
    // An embedded node is alone: its clients have nowhere else to go, and no load balancer has to notice. One that was
    // not ready has no clients.
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

/// Until every client has gone.
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

/// Whoever comes from now on has to go elsewhere.
fn take_no_more(gateway: &Gateway, stop_accepting: &CancellationToken) {
    gateway.drains.take_no_more();
    gateway.registry.refuse(going_away());
    stop_accepting.cancel();
}

/// How many are left of the connections, and whether the cluster has nothing left of this node.
async fn finish(gateway: &Gateway, deadline: Instant) -> (usize, bool) {
    gateway.tasks.close();
    let finish_by = deadline.max(Instant::now() + FINISH_MIN);
    let _ = timeout_at(finish_by, gateway.tasks.wait()).await;
    let cut = gateway.registry.len();
    let left = finish_by.saturating_duration_since(Instant::now());
    (cut, gateway.node.stop(left.max(FINISH_MIN)).await)
}

/// Says now and then how far the drain has come. Does not end.
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

/// What a client is told whose moment has come. Its moment was random already, so it need not wait.
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
