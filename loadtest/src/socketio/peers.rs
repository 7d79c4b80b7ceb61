//! All pairs of one pair of servers.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::pair::{Pair, Plan};
use crate::figures::Outcome;
use crate::pace::Pace;

pub(super) struct Peers(Vec<Pair>);

impl Peers {
    pub(super) async fn open(servers: [SocketAddr; 2], pairs: usize) -> Result<Self> {
        let mut open = Vec::with_capacity(pairs);
        for index in 0..pairs {
            let pair = Pair::open(servers, index).await;
            open.push(pair.with_context(|| format!("pair {index}"))?);
        }
        Ok(Self(open))
    }

    /// Sends for this long, then waits for the rest.
    pub(super) async fn run(&mut self, pace: Pace, time: Duration) -> Result<Outcome> {
        let plan = Plan {
            pace,
            pairs: self.0.len(),
            start: Instant::now(),
            time,
        };
        let mut running = JoinSet::new();
        for mut pair in self.0.drain(..) {
            running.spawn(async move {
                let outcome = pair.run(plan).await;
                let outcome = outcome.with_context(|| format!("pair {}", pair.index()))?;
                anyhow::Ok((pair, outcome))
            });
        }
        let mut sum = Outcome::default();
        while let Some(ended) = running.join_next().await {
            let (pair, outcome) = ended.context("a pair failed")??;
            sum += outcome;
            self.0.push(pair);
        }
        Ok(sum)
    }
}
