//! One fault under traffic, from the first connection to the account.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use switchboard_traffic::{Account, Traffic};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::fault::Fault;
use crate::inflict::inflict;
use crate::stage::Stage;

/// How long everything takes, and how many clients there are.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The gateway's program.
    pub binary: PathBuf,
    /// Pairs of clients.
    pub pairs: usize,
    /// Time between two signals of a client.
    pub pace: Duration,
    /// Time of undisturbed traffic before the fault, and again after every stream flows again.
    pub calm: Duration,
    /// How long a gateway is frozen: longer than its lease of 4 s.
    pub gateway_frozen: Duration,
    /// How long Redis is frozen.
    pub redis_frozen: Duration,
    /// How long Redis is gone: shorter than the 45 s after which the clients give up.
    pub redis_gone: Duration,
    /// How long a fault without an end of its own lasts: a slow Redis, one that takes no writes, files that are all
    /// open.
    pub impaired: Duration,
}

impl Plan {
    /// The defaults of the command.
    pub fn new(binary: PathBuf) -> Self {
        Self {
            binary,
            pairs: 10,
            pace: Duration::from_millis(100),
            calm: Duration::from_secs(5),
            gateway_frozen: Duration::from_secs(10),
            redis_frozen: Duration::from_secs(5),
            redis_gone: Duration::from_secs(20),
            impaired: Duration::from_secs(30),
        }
    }

    /// Small and short, for tests.
    pub fn small(binary: PathBuf) -> Self {
        Self {
            pairs: 4,
            pace: Duration::from_millis(50),
            calm: Duration::from_millis(500),
            gateway_frozen: Duration::from_secs(6),
            redis_frozen: Duration::from_secs(3),
            redis_gone: Duration::from_secs(6),
            impaired: Duration::from_secs(6),
            ..Self::new(binary)
        }
    }
}

/// Starts everything, lets the fault happen under traffic, and sums up. Needs a runtime of several threads.
pub async fn run(fault: Fault, plan: &Plan) -> Result<Account> {
    let binary = plan.binary.clone();
    ensure!(binary.is_file(), "{} is not there", binary.display());
    let stage = spawn_blocking(move || Stage::start(binary, fault));
    let stage = stage.await.context("the processes cannot be started")?;
    let traffic = Traffic::start(plan.pairs, plan.pace, stage.balancer.backends()).await?;
    let doors = traffic.doors().to_vec();

    sleep(plan.calm).await;
    let during = plan.clone();
    let inflicted = spawn_blocking(move || {
        let mut stage = stage;
        inflict(fault, &during, &mut stage, &doors);
        stage
    });
    // Until the last client has said goodbye.
    let stage = inflicted.await.context("the fault did not go as planned")?;
    let settled = traffic.settle().await;
    sleep(plan.calm).await;
    let account = traffic.end().await?;
    settled.with_context(|| format!("{account:?}"))?;
    stage.assert_is_sane();
    Ok(account)
}
