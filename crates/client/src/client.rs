//! What an application uses: a session that comes back by itself.
//!
//! ```text
//!            Command (bounded, in order)          Connection
//!  Client ──────────────────────────────► task ◄────────────► gateway
//!  Events ◄──────────── Mailbox ─────────  one per client
//!            (bounded, receipts back)
//! ```
//!
//! While there is no connection, requests wait. After a reconnect the client is a new peer: it enters its rooms again,
//! asks again what was not answered, and lets go of the signals that were on their way (`unconfirmed`).

mod allowance;
mod answer;
mod command;
mod event;
mod heartbeat;
mod live;
mod mailbox;
mod rooms;
mod task;
mod token;
mod unanswered;

use std::sync::Arc;

use switchboard_protocol::client_message::StatePatch;
use switchboard_protocol::ids::check_kind;
use switchboard_protocol::server_message::{Joined, Welcome};
use switchboard_protocol::{MemberState, Payload, PeerId, RoomId};
use tokio::sync::{mpsc, oneshot, watch};

use crate::connection::{ConnectError, Connection, Options};
use command::{Command, Control, Join, SetState, Signal};
use mailbox::Mailbox;
use task::Task;

pub use answer::{Answer, Outcome, Outcomes, RequestError};
pub use event::{ConnectionState, Event};
pub use mailbox::Events;
pub use token::TokenProvider;

/// Requests that wait for the task; further callers wait themselves.
const COMMANDS_MAX: usize = 64;

/// A handle to a session; clones share it. The last one dropped says `bye`.
#[derive(Clone)]
pub struct Client {
    commands: mpsc::Sender<Command>,
    control: watch::Sender<Control>,
    welcome: watch::Receiver<Arc<Welcome>>,
}

impl Client {
    /// Connects once; from then on the client comes back by itself.
    pub async fn connect(options: Options) -> Result<(Self, Events), ConnectError> {
        Self::start(options, None).await
    }

    /// As [`Self::connect`], with tokens from `tokens`: the first, and another each time one is refused.
    pub async fn connect_with(
        mut options: Options,
        mut tokens: TokenProvider,
    ) -> Result<(Self, Events), ConnectError> {
        options.token = tokens().await;
        Self::start(options, Some(tokens)).await
    }

    async fn start(
        options: Options,
        tokens: Option<TokenProvider>,
    ) -> Result<(Self, Events), ConnectError> {
        let (connection, welcome) = Connection::open(&options).await?;
        let (commands, asked) = mpsc::channel(COMMANDS_MAX);
        let (control, controlled) = watch::channel(Control::default());
        let (welcomed, welcome) = watch::channel(Arc::new(welcome));
        let mailbox = Arc::new(Mailbox::default());
        let task = Task::new(
            options,
            tokens,
            asked,
            controlled,
            welcomed,
            mailbox.clone(),
        );
        // Ends by `Control::stop` or with the last handle; nothing has to be waited for but `bye`, which does.
        tokio::spawn(task.run(connection));
        let client = Self {
            commands,
            control,
            welcome,
        };
        Ok((client, Events(mailbox)))
    }

    /// Who this client is, until the next reconnect.
    pub fn peer(&self) -> PeerId {
        self.welcome.borrow().peer
    }

    /// What the present connection, or the last one, was welcomed with.
    pub fn welcome(&self) -> Arc<Welcome> {
        self.welcome.borrow().clone()
    }

    /// Enters a room, and enters it again after each reconnect. `capacity` counts if this creates the room.
    pub async fn join(
        &self,
        room: &RoomId,
        state: Option<MemberState>,
        capacity: Option<u32>,
    ) -> Result<Joined, RequestError> {
        let join = Join {
            room: room.clone(),
            state,
            capacity,
        };
        self.ask(|reply| Command::Join(join, reply)).await
    }

    /// Leaves a room.
    pub async fn leave(&self, room: &RoomId) -> Result<(), RequestError> {
        self.ask(|reply| Command::Leave(room.clone(), reply)).await
    }

    /// Changes one's own state in a room.
    pub async fn set_state(&self, room: &RoomId, patch: StatePatch) -> Result<(), RequestError> {
        let state = SetState {
            room: room.clone(),
            patch,
        };
        self.ask(|reply| Command::SetState(state, reply)).await
    }

    /// Sends a signal to a peer, or to every other member, and waits for what becomes of it.
    pub async fn signal(
        &self,
        room: &RoomId,
        to: impl Into<Option<PeerId>>,
        kind: &str,
        payload: Payload,
    ) -> Result<Outcomes, RequestError> {
        self.queue_signal(room, to, kind, payload).await?.await
    }

    /// As [`Self::signal`], but returns once the signal has its place in the order: for several in flight.
    pub async fn queue_signal(
        &self,
        room: &RoomId,
        to: impl Into<Option<PeerId>>,
        kind: &str,
        payload: Payload,
    ) -> Result<Answer, RequestError> {
        check_kind(kind)?;
        let signal = Signal {
            room: room.clone(),
            to: to.into(),
            kind: kind.into(),
            payload,
        };
        let (reply, answer) = oneshot::channel();
        self.send(Command::Signal(signal, reply)).await?;
        Ok(Answer(answer))
    }

    /// Gives the token that the next connection will use, at once where one was refused.
    pub fn set_token(&self, token: impl Into<String>) {
        let token = Some(token.into());
        self.control.send_modify(|control| control.token = token);
    }

    /// Says goodbye and waits until the connection is closed, 5 s at most. What waits is not carried out any more.
    pub async fn bye(self) {
        self.control.send_modify(|control| control.stop = true);
        self.commands.closed().await;
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(answer::Reply<T>) -> Command,
    ) -> Result<T, RequestError> {
        let (reply, answer) = oneshot::channel();
        self.send(command(reply)).await?;
        answer.await.unwrap_or(Err(RequestError::Over))
    }

    async fn send(&self, command: Command) -> Result<(), RequestError> {
        let sent = self.commands.send(command).await;
        sent.map_err(|_| RequestError::Over)
    }
}

#[cfg(test)]
mod tests;
