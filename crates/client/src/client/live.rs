//! A client while it has a connection.

mod hear;
mod say;

use std::io;
use std::time::{Duration, Instant};

use switchboard_protocol::ServerMessage;
use switchboard_protocol::server_message::Welcome;

use super::allowance::Allowance;
use super::heartbeat::{Beat, Heartbeat};
use super::task::{Task, stopped};
use crate::connection::{Connection, Disconnected};

/// Requests without an answer, at most; signals have bounds of their own on top.
const UNANSWERED_MAX: usize = 2048;

/// Why a connection is not used any more.
pub(super) enum End {
    /// The application wants no more.
    Bye,
    /// It is gone.
    Lost(Disconnected),
}

pub(super) struct Live<'a> {
    task: &'a mut Task,
    connection: &'a mut Connection,
    welcome: &'a Welcome,
    allowance: Allowance,
    heartbeat: Heartbeat,
    /// When the command in front may go, where the rate holds it.
    held_until: Option<Instant>,
}

impl<'a> Live<'a> {
    pub(super) fn new(
        task: &'a mut Task,
        connection: &'a mut Connection,
        welcome: &'a Welcome,
    ) -> Self {
        let now = now();
        let heartbeat = Duration::from_millis(welcome.heartbeat_ms.max(1));
        Self {
            task,
            connection,
            welcome,
            allowance: Allowance::new(welcome.limits, now),
            heartbeat: Heartbeat::new(heartbeat, now),
            held_until: None,
        }
    }

    /// Until the connection ends or the application is done with it.
    pub(super) async fn serve(mut self) -> End {
        self.enter_rooms(self.task.rooms.joins());
        loop {
            let now = now();
            if let Err(lost) = self.keep_time(now) {
                return End::Lost(lost);
            }
            self.say_what_waits(now);
            let reading = !self.task.mailbox.is_full();
            let next_command =
                self.task.held.is_empty() && self.task.unanswered.len() < UNANSWERED_MAX;
            let deadline = self.deadline();
            tokio::select! {
                message = turn(self.connection, reading) => {
                    if let Err(lost) = message.and_then(|message| self.hear_all(message)) {
                        return End::Lost(lost);
                    }
                }
                command = self.task.commands.recv(), if next_command => match command {
                    Some(command) => self.task.held.push_back(command),
                    None => return End::Bye,
                },
                () = self.task.mailbox.taken() => {}
                () = tokio::time::sleep_until(deadline.into()) => {}
                () = stopped(&mut self.task.control) => return End::Bye,
            }
        }
    }

    /// Takes in a message and all those that were read with it, as long as the application keeps up.
    fn hear_all(&mut self, first: ServerMessage) -> Result<(), Disconnected> {
        self.heartbeat.heard(now());
        self.hear(first);
        while !self.task.mailbox.is_full() {
            match self.connection.try_next()? {
                Some(message) => self.hear(message),
                None => break,
            }
        }
        Ok(())
    }

    fn keep_time(&mut self, now: Instant) -> Result<(), Disconnected> {
        match self.heartbeat.beat(now, !self.task.mailbox.is_full()) {
            Beat::Nothing => {}
            Beat::Ping => self.say_ping(),
            Beat::Lost => return Err(Disconnected::Lost(io::ErrorKind::TimedOut)),
        }
        let due = self.task.rooms.due(now);
        self.enter_rooms(due);
        Ok(())
    }

    fn deadline(&self) -> Instant {
        [self.held_until, self.task.rooms.next_retry()]
            .into_iter()
            .flatten()
            .fold(self.heartbeat.deadline(), Instant::min)
    }
}

/// The next message; only writes while the application is behind. Cancel safe.
async fn turn(connection: &mut Connection, reading: bool) -> Result<ServerMessage, Disconnected> {
    if reading {
        return connection.next().await;
    }
    connection.flush().await?;
    std::future::pending().await
}

/// By tokio's clock, which tests can hold.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
