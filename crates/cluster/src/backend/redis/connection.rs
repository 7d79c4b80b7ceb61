//! The connections to Redis and the tasks that keep them.
//!
//! fred reconnects by itself, but the task in which it does so can end or hang: after an unexpected answer, with a full
//! command queue, or in a write to a host that vanished. So fred's events are only hints here; whether a connection is
//! there, and of use, is what Redis answers to what clients need, and one that claims to be there and stays silent is torn
//! down and made again.

use std::pin::pin;
use std::time::Duration;

use fred::error::Error;
use fred::interfaces::{ClientLike, ClusterInterface, EventInterface};
use fred::types::config::Server;
use fred::types::{ClientState, ConnectHandle};
use tokio::sync::broadcast::Receiver;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::reach::Line;
use super::signs::ping;
use super::trouble::Trouble;
use crate::tasks::guard::{Panicked, caught_in};
use crate::tasks::{Alarm, Task};

/// Between the questions to a connection that is there.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Between the looks at one that is not.
const RECHECK: Duration = Duration::from_millis(50);
/// Between the looks at one over which Redis refuses something: that is its operator's to mend.
const RECHECK_REFUSED: Duration = Duration::from_millis(500);
/// Unanswered questions, or answers of a replica, after which a connection that claims to be there is made again.
const SILENCES_MAX: u32 = 2;

/// What fred reports: a connection broke, or could not be made.
type Errors = Receiver<(Error, Option<Server>)>;

/// A connection that [`tend`] can keep.
pub(super) trait Tended: Send + Sync + 'static {
    /// Whose connection it is.
    fn client(&self) -> &(impl ClusterInterface + EventInterface + 'static);

    /// Asks for a sign of life, and puts in place again what a new connection lacks.
    fn revive(&self) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Asks for a sign of life, time and again.
    fn beat(&self) -> impl Future<Output = Result<(), Trouble>> + Send {
        async { Ok(ping(self.client()).await?) }
    }

    /// Ends when the connection does not do its work though it answers: how often in a row. Cancel safe.
    fn ails(&self) -> impl Future<Output = u32> + Send {
        std::future::pending()
    }
}

/// Connects, and keeps connected until `stop`.
pub(super) fn tend(connection: impl Tended, line: Line, alarm: &Alarm, stop: CancellationToken) {
    let mut tender = Tender {
        driver: connection.client().connect(),
        connection,
        line,
    };
    let alarm = alarm.clone();
    tokio::spawn(async move {
        keep(&alarm, &stop, tender.run()).await;
        tender.driver.abort();
    });
}

/// Runs what there is no node without, until `stop`.
pub(super) async fn keep(alarm: &Alarm, stop: &CancellationToken, run: impl Future<Output = ()>) {
    let running = async { caught_in(pin!(run)).await };
    if let Some(Err(Panicked)) = stop.run_until_cancelled(running).await {
        alarm.raise(Task::Redis.name());
    }
}

struct Tender<T> {
    connection: T,
    line: Line,
    /// fred's own task.
    driver: ConnectHandle,
}

impl<T: Tended> Tender<T> {
    async fn run(&mut self) {
        loop {
            let errors = self.down().await;
            self.line.up();
            let trouble = self.up(errors).await;
            self.line.down(&trouble);
        }
    }

    /// Until it answers. What fred reports from just before that answer on comes with it.
    async fn down(&mut self) -> Errors {
        let mut silences = 0;
        loop {
            let mut errors = self.connection.client().error_rx();
            let mut pause = RECHECK;
            match self.connection.revive().await {
                Ok(()) => return errors,
                Err(trouble) if trouble.is_canceled() => silences = 0,
                Err(trouble) => {
                    silences = if trouble.is_silence() {
                        silences + 1
                    } else {
                        0
                    };
                    self.line.down(&trouble);
                    if let Trouble::Refused(_) = trouble {
                        pause = RECHECK_REFUSED;
                    }
                }
            }
            if silences == SILENCES_MAX || self.driver.is_finished() {
                self.reconnect().await;
                silences = 0;
            }
            tokio::select! {
                Ok((error, _)) = errors.recv() => self.line.down(&Trouble::Absent(error)),
                () = sleep(pause) => {}
            }
        }
    }

    /// Until it does not, or is of no use; why.
    async fn up(&mut self, mut errors: Errors) -> Trouble {
        loop {
            tokio::select! {
                Ok((error, _)) = errors.recv() => return Trouble::Absent(error),
                times = self.connection.ails() => {
                    // Reviving is gentler, and on a Cluster finds out where a slot went.
                    if times > 1 {
                        self.reconnect().await;
                    }
                    return Trouble::Deaf;
                }
                () = sleep(HEARTBEAT) => {
                    if let Err(trouble) = self.connection.beat().await {
                        return trouble;
                    }
                }
            }
        }
    }

    /// fred counts the commands that wait, and flushes the last of them. Those that wait when its task is aborted are
    /// never taken off: from then on it would wait for a further one each time, for ever. So the count starts again, while
    /// no client adds to it.
    async fn reconnect(&mut self) {
        self.driver.abort();
        // Until it is really gone; it was cancelled, or ended before with what its events told.
        let _ = (&mut self.driver).await;
        let client = self.connection.client();
        client.inner().set_client_state(ClientState::Disconnected);
        client.inner().counters.reset();
        self.driver = client.connect();
    }
}
