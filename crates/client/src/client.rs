//! What an application uses: a session that comes back by itself.
//!
//! ```text
//!            Command (bounded, in order)          Connection, and the next
//!  Client ──────────────────────────────► task ◄──────────────────────────► gateway
//!  Events ◄──────────── Mailbox ─────────  one per client: drives a Session
//!            (bounded, handled back)
//! ```
//!
//! While there is no connection, requests wait. What happens after a reconnect is decided by [`crate::session`].

mod answer;
mod control;
mod mailbox;
mod task;
mod token;

use std::sync::Arc;
use std::time::Duration;

use switchboard_protocol::client_message::StatePatch;
use switchboard_protocol::ids::check_kind;
use switchboard_protocol::server_message::{Joined, Welcome};
use switchboard_protocol::{MemberState, Payload, PeerId, RoomId};
use tokio::sync::{mpsc, oneshot, watch};

use crate::connection::{ConnectError, Connection, Options};
use crate::session::{Command, Join, Outcomes, RequestError, SetState, Signal};
use answer::Waiter;
use control::{Asked, Control};
use mailbox::Mailbox;
use task::Task;

pub use answer::Answer;
pub use mailbox::Events;
pub use token::TokenProvider;

/// Requests that wait for the task; further callers wait themselves.
const COMMANDS_MAX: usize = 64;

/// A handle to a session; clones share it. The last one dropped says `bye`.
#[derive(Clone)]
pub struct Client {
    commands: mpsc::Sender<Asked>,
    control: watch::Sender<Control>,
    welcome: watch::Receiver<Arc<Welcome>>,
}

impl Client {
    /// Connects once; from then on the client comes back by itself. [`Options::resume`] is not used here.
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
        mut options: Options,
        tokens: Option<TokenProvider>,
    ) -> Result<(Self, Events), ConnectError> {
        // Its rooms, and the ids it has used, would be another's.
        options.resume = None;
        let (connection, first) = Connection::open(&options).await?;
        let (commands, asked) = mpsc::channel(COMMANDS_MAX);
        let (control, controlled) = watch::channel(Control::default());
        let (welcomed, welcome) = watch::channel(Arc::new(first.clone()));
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
        tokio::spawn(task.run(connection, first));
        let client = Self {
            commands,
            control,
            welcome,
        };
        Ok((client, Events(mailbox)))
    }

    /// Who this client is, for as long as it comes back within its window.
    pub fn peer(&self) -> PeerId {
        self.welcome.borrow().peer
    }

    /// What the present connection, or the last one, was welcomed with, without the rooms.
    pub fn welcome(&self) -> Arc<Welcome> {
        self.welcome.borrow().clone()
    }

    /// Enters a room, and enters it again where a reconnect found it gone. `capacity` counts if this creates the room.
    ///
    /// The room is sent as it is, and gateways compare bytes: where people type its name, normalise it to Unicode's form NFC,
    /// as the browser SDK does.
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
        self.ask(Command::Join(join), Waiter::Joined).await
    }

    /// Leaves a room.
    pub async fn leave(&self, room: &RoomId) -> Result<(), RequestError> {
        self.ask(Command::Leave(room.clone()), Waiter::Done).await
    }

    /// Changes one's own state in a room.
    pub async fn set_state(&self, room: &RoomId, patch: StatePatch) -> Result<(), RequestError> {
        let state = SetState {
            room: room.clone(),
            patch,
        };
        self.ask(Command::SetState(state), Waiter::Done).await
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
        let signal = Signal {
            room: room.clone(),
            to: to.into(),
            kind: kind.into(),
            payload,
            traceparent: None,
        };
        self.queue(signal).await
    }

    /// As [`Self::queue_signal`], for a signal that is part of a trace.
    pub async fn queue(&self, signal: Signal) -> Result<Answer, RequestError> {
        check_kind(&signal.kind)?;
        let (reply, answer) = oneshot::channel();
        let command = Command::Signal(signal);
        self.send((command, Waiter::Signal(reply))).await?;
        Ok(Answer(answer))
    }

    /// Gives the token that the next connection will use, at once where one was refused.
    pub fn set_token(&self, token: impl Into<String>) {
        let token = Some(token.into());
        self.control.send_modify(|control| {
            control.token = token;
            control.tokens += 1;
        });
    }

    /// Says goodbye and waits until the connection is closed, 5 s at most. What waits is not carried out any more.
    pub async fn bye(self) {
        self.control.send_modify(|control| control.stop = true);
        self.commands.closed().await;
    }

    /// As [`Self::bye`], but the others see this client away for so long before it leaves, its resume window at most.
    pub async fn bye_holding(self, hold: Duration) {
        self.control
            .send_modify(|control| control.hold = Some(hold));
        self.bye().await;
    }

    async fn ask<T>(
        &self,
        command: Command,
        waiter: impl FnOnce(answer::Sender<T>) -> Waiter,
    ) -> Result<T, RequestError> {
        let (reply, answer) = oneshot::channel();
        self.send((command, waiter(reply))).await?;
        answer.await.unwrap_or(Err(RequestError::Over))
    }

    async fn send(&self, asked: Asked) -> Result<(), RequestError> {
        let sent = self.commands.send(asked).await;
        sent.map_err(|_| RequestError::Over)
    }
}

#[cfg(test)]
mod tests;
