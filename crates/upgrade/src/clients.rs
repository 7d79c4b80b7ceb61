//! The pairs that talk through haproxy.

use std::net::SocketAddr;

use anyhow::Result;
use switchboard_traffic::Traffic;
use tokio::time::sleep;

use crate::plan::Plan;

/// Lets them in, and talk for a while.
pub(crate) async fn let_in(plan: &Plan, public: SocketAddr) -> Result<Traffic> {
    let traffic = Traffic::start(plan.pairs, plan.pace, public).await?;
    traffic.settle().await?;
    // What came while they were let in is no measure of calm.
    traffic.take_longest_gap();
    sleep(plan.calm).await;
    Ok(traffic)
}

/// Waits until all of them hear each other, and lets them talk for a while more.
pub(crate) async fn settle(traffic: &Traffic, plan: &Plan) -> Result<()> {
    traffic.settle().await?;
    sleep(plan.calm).await;
    Ok(())
}
