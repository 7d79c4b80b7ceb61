//! Two peers in a room: the first sends from one server, the second receives at the other.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio::try_join;

use super::signal::{self, Stamp, Writer};
use super::socket::{Event, Socket};
use crate::figures::Outcome;
use crate::pace::Pace;
use crate::tally::Tally;

/// When nothing has come for so long after the last signal was sent, the rest is lost.
const QUIET: Duration = Duration::from_secs(5);
/// The timer is exact to a millisecond: what is sent within that of its time counts from when it was sent. What is later
/// counts from when it was due: a server that does not read must not make its own latency look short.
const LATE: Duration = Duration::from_millis(2);

/// What all pairs do together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) pace: Pace,
    pub(super) pairs: usize,
    pub(super) start: Instant,
    pub(super) time: Duration,
}

pub(super) struct Pair {
    sender: Sender,
    receiver: Receiver,
}

struct Sender {
    socket: Socket,
    writer: Writer,
    pair: usize,
    /// The number of the next signal.
    next: u64,
}

struct Receiver {
    socket: Socket,
    pair: usize,
    /// The sender's id.
    from: String,
}

impl Pair {
    /// Both in one room, and the sender has been told so.
    pub(super) async fn open(servers: [SocketAddr; 2], index: usize) -> Result<Self> {
        let room = json!({"studyId": "loadtest", "roomId": format!("pair-{index}")});
        let mut sender = Socket::open(servers[0], &format!("sender-{index}")).await?;
        let mut receiver = Socket::open(servers[1], &format!("receiver-{index}")).await?;
        sender.emit("video:join-room", &room).await?;
        sender.expect("video:room-state").await?;
        receiver.emit("video:join-room", &room).await?;
        let joined = sender.expect("video:user-joined").await?;
        ensure!(
            joined["socketId"] == receiver.id(),
            "somebody else joined: {joined}"
        );
        let from = sender.id().to_owned();
        let writer = Writer::new(receiver.id());
        Ok(Self {
            sender: Sender {
                socket: sender,
                writer,
                pair: index,
                next: 0,
            },
            receiver: Receiver {
                socket: receiver,
                pair: index,
                from,
            },
        })
    }

    /// Sends by plan, and waits for what was sent.
    pub(super) async fn run(&mut self, plan: Plan) -> Result<Outcome> {
        let credits = Semaphore::new(match plan.pace {
            Pace::PerSecond(_) => 0,
            Pace::Window(window) => window as usize,
        });
        let first = self.sender.next;
        let (told, end) = oneshot::channel();
        let (sender, receiver) = (&mut self.sender, &mut self.receiver);
        let send = async {
            match plan.pace {
                Pace::PerSecond(rate) => sender.send_steadily(plan, rate).await?,
                Pace::Window(_) => sender.send_on_credit(plan, &credits).await?,
            }
            // Nobody listens only when the receiver has failed, and then its own word counts.
            let _ = told.send(sender.next);
            Ok(())
        };
        let ((), outcome) = try_join!(send, receiver.run(plan, first, end, &credits))?;
        Ok(outcome)
    }

    pub(super) fn index(&self) -> usize {
        self.sender.pair
    }
}

impl Sender {
    /// Open loop.
    async fn send_steadily(&mut self, plan: Plan, rate: u32) -> Result<()> {
        for index in 0.. {
            let due = Pace::due(rate, self.pair, plan.pairs, index);
            let mut now = plan.start.elapsed();
            if due.max(now) >= plan.time {
                break;
            }
            if now < due {
                self.socket.flush().await?;
                self.read_until(plan.start + due).await?;
                now = plan.start.elapsed();
            }
            let is_late = now > due + LATE;
            self.send(if is_late { due } else { now }).await?;
        }
        self.socket.flush().await
    }

    /// Closed loop: the receiver gives a credit for each signal that arrives.
    async fn send_on_credit(&mut self, plan: Plan, credits: &Semaphore) -> Result<()> {
        let end = plan.start + plan.time;
        while Instant::now() < end {
            tokio::select! {
                credit = timeout_at(end, credits.acquire()) => match credit {
                    Ok(credit) => credit?.forget(),
                    Err(_) => break,
                },
                event = self.socket.next() => {
                    event?;
                    continue;
                }
            }
            self.send(plan.start.elapsed()).await?;
            while let Ok(credit) = credits.try_acquire() {
                credit.forget();
                self.send(plan.start.elapsed()).await?;
            }
            self.socket.flush().await?;
        }
        Ok(())
    }

    async fn send(&mut self, sent: Duration) -> Result<()> {
        let stamp = Stamp {
            pair: self.pair,
            number: self.next,
            sent,
        };
        self.next += 1;
        self.socket.feed(self.writer.write(stamp)).await
    }

    /// What the server tells a sender is of no interest, but its pings want answers.
    async fn read_until(&mut self, moment: Instant) -> Result<()> {
        loop {
            tokio::select! {
                () = sleep_until(moment) => return Ok(()),
                event = self.socket.next() => event?,
            };
        }
    }
}

impl Receiver {
    /// Until all that was sent has arrived, or nothing comes any more. `end` tells the number after the last one.
    async fn run(
        &mut self,
        plan: Plan,
        first: u64,
        mut end: oneshot::Receiver<u64>,
        credits: &Semaphore,
    ) -> Result<Outcome> {
        let mut account = Account::new(plan.start, first);
        let end = loop {
            tokio::select! {
                end = &mut end => break end?,
                event = self.socket.next() => {
                    if account.enter(self.stamp(&event?, first)) {
                        credits.add_permits(1);
                    }
                }
            }
        };
        while !account.tally.is_complete(end) {
            let Ok(event) = timeout(QUIET, self.socket.next()).await else {
                break;
            };
            account.enter(self.stamp(&event?, first));
        }
        Ok(account.close(end))
    }

    /// Of a signal of this run; nothing else is of interest.
    fn stamp(&self, event: &Event, first: u64) -> Option<Stamp> {
        let (name, argument) = event.name_and_argument()?;
        signal::read(name, argument, &self.from)
            .filter(|stamp| stamp.pair == self.pair && stamp.number >= first)
    }
}

/// What has arrived in a run.
struct Account {
    start: Instant,
    tally: Tally,
    outcome: Outcome,
}

impl Account {
    fn new(start: Instant, first: u64) -> Self {
        Self {
            start,
            tally: Tally::starting_at(first),
            outcome: Outcome::default(),
        }
    }

    /// Whether it is a signal that had not arrived before.
    fn enter(&mut self, stamp: Option<Stamp>) -> bool {
        let Some(stamp) = stamp else {
            return false;
        };
        let now = self.start.elapsed();
        self.outcome.arrived(now, now.saturating_sub(stamp.sent));
        self.tally.enter(stamp.number)
    }

    fn close(mut self, end: u64) -> Outcome {
        self.outcome.counts = self.tally.close(end);
        self.outcome
    }
}
