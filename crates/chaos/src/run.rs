//! One fault under traffic, from the first connection to the account.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::account::Account;
use crate::caller::{Caller, Stream, Talk};
use crate::fault::Fault;
use crate::inflict::inflict;
use crate::stage::Stage;

/// A stream that does not flow again for so long after a fault never will.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long, and how many.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The gateway's program.
    pub binary: PathBuf,
    /// Pairs of clients.
    pub pairs: usize,
    /// Between two signals of a client.
    pub pace: Duration,
    /// Undisturbed traffic before the fault, and once more after every stream flows again.
    pub calm: Duration,
    /// How long a gateway is frozen: longer than its lease of 4 s.
    pub gateway_frozen: Duration,
    /// How long Redis is frozen.
    pub redis_frozen: Duration,
    /// How long Redis is gone: shorter than the 45 s after which nobody waits for it any more.
    pub redis_gone: Duration,
    /// How long what goes on badly does so: a slow Redis, one that takes no writes, files that are all taken.
    pub impaired: Duration,
}

impl Plan {
    /// As the command does it, where nothing else is said.
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
    let callers = open_all(plan.pairs, &stage).await?;
    let doors: Vec<_> = callers.iter().map(|caller| caller.door.clone()).collect();
    let streams: Vec<_> = callers.iter().map(|caller| caller.stream.clone()).collect();
    let (sending, reading) = (CancellationToken::new(), CancellationToken::new());
    let stop = sending.clone().drop_guard();
    let talks = talk_all(callers, plan.pace, &sending, &reading);

    sleep(plan.calm).await;
    let during = plan.clone();
    let inflicted = spawn_blocking(move || {
        let mut stage = stage;
        inflict(fault, &during, &mut stage, &doors);
        stage
    });
    // Until the last client has said goodbye.
    let stage = inflicted.await.context("the fault did not go as planned")?;
    let settled = settle(&streams).await;
    sleep(plan.calm).await;
    drop(stop);
    let account = sum_up(talks, &reading).await?;
    settled.with_context(|| format!("{account:?}"))?;
    stage.assert_is_sane();
    Ok(account)
}

/// One after another, so that the balancer puts the two of a pair on different nodes.
async fn open_all(pairs: usize, stage: &Stage) -> Result<Vec<Caller>> {
    let mut callers = Vec::with_capacity(2 * pairs);
    for pair in 0..pairs {
        for _ in 0..2 {
            let door = stage.balancer.door().await?;
            let room = format!("pair-{pair}").parse()?;
            callers.push(Caller::open(door, room).await?);
        }
    }
    Ok(callers)
}

/// Neighbours talk with each other.
fn talk_all(
    callers: Vec<Caller>,
    pace: Duration,
    sending: &CancellationToken,
    reading: &CancellationToken,
) -> Vec<Talk> {
    let ends: Vec<_> = callers
        .iter()
        .map(|caller| (caller.client.peer(), caller.stream.clone()))
        .collect();
    let talk = |(index, caller): (usize, Caller)| {
        let other = ends[index ^ 1].clone();
        let (sending, reading) = (sending.clone(), reading.clone());
        caller.talk(other, pace, sending, reading)
    };
    callers.into_iter().enumerate().map(talk).collect()
}

/// Until every stream has brought something that was sent after the fault.
async fn settle(streams: &[Arc<Stream>]) -> Result<()> {
    let wanted: Vec<_> = streams.iter().map(|stream| stream.sent() + 1).collect();
    let deadline = Instant::now() + SETTLED_WITHIN;
    loop {
        let pairs = streams.iter().zip(&wanted);
        let stuck = pairs.filter(|(stream, wanted)| stream.received() < **wanted);
        let stuck = stuck.count();
        if stuck == 0 {
            return Ok(());
        }
        ensure!(
            Instant::now() < deadline,
            "{stuck} of {} streams do not flow again",
            streams.len()
        );
        sleep(LOOK_EVERY).await;
    }
}

/// Compares what each was told with what the other one got: everything is read that somebody was told of.
async fn sum_up(talks: Vec<Talk>, reading: &CancellationToken) -> Result<Account> {
    let mut told = Vec::new();
    let mut rest = Vec::new();
    for talk in talks {
        told.push(talk.told.await.context("a sender failed")?);
        rest.push((talk.got, talk.client, talk.door));
    }
    reading.cancel();
    let (mut got, mut account) = (Vec::new(), Account::default());
    for (receiving, client, door) in rest {
        got.push(receiving.await.context("a receiver failed")?);
        account.enter_client(door.connections());
        client.bye().await;
    }
    for (index, told) in told.iter().enumerate() {
        account.enter(told, &got[index ^ 1]);
    }
    Ok(account)
}
