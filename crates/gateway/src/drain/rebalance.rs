//! A node that is too full moves a share of its sessions away, and goes on serving.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use switchboard_protocol::PeerId;
use tokio::time::{Instant, sleep, timeout_at};

use super::{CannotDrain, Order, Progress, Share, going_away, pace, told};
use crate::gateway::Gateway;
use crate::tasks::{self, Task};

/// Time between two checks whether the sessions that were told to move have gone.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Begins to move a share of the sessions, picked at random, and returns how many. It closes none of them: a client
/// that does not move stays.
pub(crate) fn rebalance(
    gateway: &Arc<Gateway>,
    share: Share,
    order: Order,
) -> Result<usize, CannotDrain> {
    if gateway.config.redis.url.is_none() {
        return Err(CannotDrain::Alone);
    }
    let pick = || gateway.registry.pick(|sessions| share.of(sessions));
    let (picked, cancel) = gateway.drains.share(share, order.window, pick)?;
    let count = picked.len();
    tracing::info!(
        sessions = count,
        "moving {share} of the sessions to other nodes"
    );
    let gateway = gateway.clone();
    let of = gateway.clone();
    tasks::spawn(&of.tasks, Task::Drain, async move {
        let sending = pin!(send_on(&gateway, &picked, order));
        tokio::select! {
            _ = tasks::guarded(Task::Drain, sending) => {}
            // The node stops: that drain includes them.
            () = cancel.cancelled() => return,
        }
        gateway.registry.unpick(&picked);
        let Progress {
            moved,
            closed,
            left,
            ..
        } = gateway.drains.progress();
        gateway.drains.share_done();
        let stayed = gateway.registry.count_of(&picked);
        tracing::info!(
            moved,
            closed,
            left,
            stayed,
            "moved {moved} of {count} sessions to other nodes; {stayed} stayed"
        );
    });
    Ok(count)
}

async fn send_on(gateway: &Gateway, picked: &[PeerId], order: Order) {
    let deadline = Instant::now() + order.deadline;
    let registry = &gateway.registry;
    pace::pace(picked.to_vec(), order.window, |peer| {
        registry.send_on(&peer, told(deadline), &going_away());
    })
    .await;
    let _ = timeout_at(deadline, async {
        while registry.count_of(picked) > 0 {
            sleep(LOOK_EVERY).await;
        }
    })
    .await;
}
