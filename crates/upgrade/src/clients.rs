//! The pairs that talk through haproxy.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use switchboard_traffic::{Account, Door, Traffic};
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::plan::Plan;

/// Clients that talk, each through a door that counts its connections.
pub(crate) struct Clients {
    traffic: Traffic,
    _doors: DropGuard,
}

impl Clients {
    /// Lets them in, and talk for a while.
    pub(crate) async fn start(plan: &Plan, public: SocketAddr) -> Result<Self> {
        let doors = CancellationToken::new();
        let open_door = async || Door::open(public, doors.clone()).await;
        let traffic = Traffic::start(plan.pairs, plan.pace, open_door).await?;
        traffic.settle().await?;
        // What came while they were let in is no measure of calm.
        traffic.take_longest_gap();
        sleep(plan.calm).await;
        Ok(Self {
            traffic,
            _doors: doors.drop_guard(),
        })
    }

    /// The longest time between two signals of one stream, since this was last called.
    pub(crate) fn take_longest_gap(&self) -> Duration {
        self.traffic.take_longest_gap()
    }

    /// Waits until all of them hear each other, and lets them talk for a while more.
    pub(crate) async fn settle(&self, plan: &Plan) -> Result<()> {
        self.traffic.settle().await?;
        sleep(plan.calm).await;
        Ok(())
    }

    /// Asks them what they saw.
    pub(crate) async fn end(self) -> Result<Account> {
        self.traffic.end().await
    }
}
