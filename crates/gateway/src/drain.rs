//! Stopping: not ready → grace for the load balancer → stop accepting → close every session at its own moment of the
//! window → leave the rooms → give the lease back → say what did not finish. A second signal hurries.

use std::sync::Arc;
use std::time::Duration;

use switchboard_protocol::CloseCode;
use switchboard_session::Closing;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::gateway::Gateway;

/// Closing frames, last steps in the directory and the lease get at least this long, also in a hurry.
const FINISH_MIN: Duration = Duration::from_secs(3);

/// The signals that stop a node.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// What a drain came to.
pub(crate) struct Drained {
    pub(crate) closed: usize,
    /// Connections that were still there at the deadline.
    pub(crate) cut: usize,
    /// Whether every session has left the directory and the lease is given back.
    pub(crate) clean: bool,
}

/// Stops the node.
pub(crate) async fn drain(
    gateway: &Arc<Gateway>,
    stop_accepting: &CancellationToken,
    mut signals: Signals,
) -> Drained {
    let settings = &gateway.config.drain;
    let mut deadline = Instant::now() + settings.deadline;
    let connections = gateway.registry.len();
    tracing::info!(connections, "stopping; a second signal hurries");
    let was_ready = gateway.readiness.report().ready;
    gateway.readiness.drain();
    // An embedded node is alone: its clients have nowhere else to go, and no load balancer has to notice. One that was
    // not ready has no clients.
    if gateway.config.redis.url.is_some() && (was_ready || connections > 0) {
        tokio::select! {
            () = spread(gateway, stop_accepting, settings.grace, settings.window) => {}
            () = signals.next() => {
                tracing::info!("hurrying");
                deadline = Instant::now();
            }
            () = sleep_until(deadline) => {}
        }
    }
    stop_accepting.cancel();
    gateway.registry.close(going_away());
    gateway.tasks.close();
    let finish_by = deadline.max(Instant::now() + FINISH_MIN);
    let _ = timeout_at(finish_by, gateway.tasks.wait()).await;
    let cut = gateway.registry.len();
    let patience = finish_by
        .saturating_duration_since(Instant::now())
        .max(FINISH_MIN);
    Drained {
        closed: connections.saturating_sub(cut),
        cut,
        clean: gateway.node.stop(patience).await,
    }
}

/// Closes each connection at its own moment of the window.
async fn spread(
    gateway: &Gateway,
    stop_accepting: &CancellationToken,
    grace: Duration,
    window: Duration,
) {
    sleep(grace).await;
    stop_accepting.cancel();
    // The registry's order is random to the clients, so going through it evenly is as good as drawing moments.
    let mailboxes = gateway.registry.mailboxes();
    let Ok(count) = u32::try_from(mailboxes.len()) else {
        return;
    };
    let (start, pause) = (Instant::now(), window / count.max(1));
    for (index, mailbox) in (0_u32..).zip(mailboxes) {
        mailbox.close(going_away());
        sleep_until(start + pause * (index + 1)).await;
    }
}

fn going_away() -> Closing {
    Closing::new(CloseCode::GoingAway)
}
