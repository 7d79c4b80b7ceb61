//! One node's connection to Redis: a pipeline in which commands take effect in the order they were sent, answers may be
//! lost, and everything waits while the server hangs.

use std::sync::Arc;

use parking_lot::Mutex;
use switchboard_cluster::Reach;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Duration, Instant, sleep, sleep_until, timeout};

use crate::gate::Gate;
use crate::random::Random;

/// A command without an answer counts as failed after this; it may take effect later all the same.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(2);
/// What a node without a connection waits before it gives up a command.
const REFUSED_AFTER: Duration = Duration::from_millis(3);
/// Commands on their way.
const PIPELINE: usize = 16_384;

/// How bad the network between nodes and Redis is, in thousandths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Badness {
    /// Commands that never arrive.
    pub(crate) lost_commands: u32,
    /// Answers that never arrive: the command took effect.
    pub(crate) lost_answers: u32,
    /// Frames that vanish.
    pub(crate) lost: u32,
    /// Frames that arrive twice.
    pub(crate) repeated: u32,
    /// Frames that others overtake.
    pub(crate) delayed: u32,
    /// Publishes whose answer is lost.
    pub(crate) unanswered: u32,
}

/// What all nodes share.
pub(crate) struct Server {
    /// Shut: Redis hangs.
    pub(crate) gate: Gate,
    pub(crate) badness: Mutex<Badness>,
}

impl Server {
    pub(crate) fn new(badness: Badness) -> Arc<Self> {
        Arc::new(Self {
            gate: Gate::open(),
            badness: Mutex::new(badness),
        })
    }
}

/// A node's way to Redis.
pub(crate) struct Path {
    pub(crate) gate: Gate,
    pub(crate) server: Arc<Server>,
    pub(crate) random: Random,
    pub(crate) reach: watch::Sender<Reach>,
    pub(crate) doubts: watch::Sender<u64>,
    state: Mutex<State>,
    pipeline: mpsc::Sender<Command>,
}

struct State {
    cut: bool,
    deaf: bool,
    /// Counts connections; what was sent on an older one may be lost.
    connection: u64,
    /// What is on its way when the connection is cut arrives up to here.
    arrives_until: u64,
    sent: u64,
}

struct Command {
    number: u64,
    connection: u64,
    at: Instant,
    run: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// No answer. The command may have taken effect, or still may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoAnswer;

impl Path {
    pub(crate) fn new(server: Arc<Server>, random: Random) -> Arc<Self> {
        let (pipeline, commands) = mpsc::channel(PIPELINE);
        let path = Arc::new(Self {
            gate: Gate::open(),
            server,
            random,
            reach: watch::Sender::new(Reach::Reached),
            doubts: watch::Sender::new(0),
            state: Mutex::new(State {
                cut: false,
                deaf: false,
                connection: 1,
                arrives_until: 0,
                sent: 0,
            }),
            pipeline,
        });
        tokio::spawn(path.clone().serve(commands));
        path
    }

    /// Takes a command to Redis and its answer back.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        command: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, NoAnswer> {
        self.gate.pass().await;
        let badness = *self.server.badness.lock();
        if self.is_cut() || self.random.chance(badness.lost_commands) {
            sleep(REFUSED_AFTER).await;
            self.gate.pass().await;
            return Err(NoAnswer);
        }
        let (answer, answered) = oneshot::channel();
        let run = async move {
            let _ = answer.send(command.await);
        };
        let command = self.number(Box::pin(run));
        // A full pipeline refuses, as fred does past its bound.
        self.pipeline.try_send(command).map_err(|_| NoAnswer)?;
        let answer = timeout(COMMAND_TIMEOUT, answered).await;
        self.gate.pass().await;
        if self.random.chance(badness.lost_answers) {
            return Err(NoAnswer);
        }
        answer.ok().and_then(Result::ok).ok_or(NoAnswer)
    }

    /// From 0 (at once) to 2 ms one way.
    pub(crate) fn latency(&self) -> Duration {
        self.random.millis(0..3)
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.state.lock().cut
    }

    /// Frames for this node get lost, and nobody notices.
    pub(crate) fn is_deaf(&self) -> bool {
        self.state.lock().deaf
    }

    pub(crate) fn set_deaf(&self, deaf: bool) {
        self.state.lock().deaf = deaf;
    }

    /// The server is another one now: what is on its way to the former one never arrives here.
    pub(crate) fn lose_what_is_under_way(&self) {
        self.state.lock().arrives_until = 0;
    }

    /// Cuts the connection: of what is on its way, some still arrives, and no answer comes back.
    pub(crate) fn cut(&self) {
        let mut state = self.state.lock();
        if std::mem::replace(&mut state.cut, true) {
            return;
        }
        state.connection += 1;
        state.arrives_until = state.sent - self.random.number(0..4).min(state.sent);
        drop(state);
        self.reach.send_replace(Reach::Lost("it is cut".into()));
    }

    /// A new connection, to a server that may not be the same.
    pub(crate) fn mend(&self) {
        if !std::mem::replace(&mut self.state.lock().cut, false) {
            return;
        }
        self.reach.send_replace(Reach::Reached);
        self.doubts.send_modify(|doubts| *doubts += 1);
    }

    fn number(&self, run: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>) -> Command {
        let at = Instant::now() + self.latency();
        let mut state = self.state.lock();
        state.sent += 1;
        Command {
            number: state.sent,
            connection: state.connection,
            at,
            run,
        }
    }

    /// Carries out what arrives, one after another.
    async fn serve(self: Arc<Self>, mut commands: mpsc::Receiver<Command>) {
        while let Some(command) = commands.recv().await {
            sleep_until(command.at).await;
            self.server.gate.pass().await;
            let arrives = {
                let state = self.state.lock();
                command.connection == state.connection || command.number <= state.arrives_until
            };
            if arrives {
                command.run.await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::run::in_one_thread;

    #[test]
    fn of_what_is_under_way_as_the_server_goes_some_arrives_unless_another_takes_its_place() {
        for (is_another, arrives) in [(false, true), (true, false)] {
            let count = Arc::new(AtomicUsize::new(0));
            let counted = count.clone();
            in_one_thread(async move {
                let path = Path::new(Server::new(Badness::default()), Random::of(1, "path"));
                let asked = (0..10).map(|_| {
                    let (path, counted) = (path.clone(), counted.clone());
                    tokio::spawn(async move {
                        path.ask(async move { counted.fetch_add(1, Ordering::Relaxed) })
                            .await
                    })
                });
                let asked: Vec<_> = asked.collect();
                tokio::task::yield_now().await;
                path.cut();
                if is_another {
                    path.lose_what_is_under_way();
                }
                for asked in asked {
                    let _ = asked.await;
                }
            });
            assert_eq!(count.load(Ordering::Relaxed) > 0, arrives);
        }
    }
}
