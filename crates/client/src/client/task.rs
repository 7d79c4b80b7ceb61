//! The one task of a client: drives its [`Session`] with sockets, tokens and time.

mod driving;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;

use switchboard_protocol::ServerMessage;
use switchboard_protocol::server_message::Welcome;
use tokio::sync::{mpsc, watch};

use super::answer::Waiters;
use super::control::{Asked, Control};
use super::mailbox::Mailbox;
use super::token::{TokenProvider, Tokens};
use crate::connection::{ConnectError, Connection, Disconnected, Options};
use crate::reconnect::full_jitter;
use crate::session::{ConnectionId, Input, Output, Session};
use driving::{now, opened, read, sleep_until};

/// Receipts wait while more than this does not get into the socket.
const UNWRITTEN_BYTES_MAX: usize = 256 * 1024;

/// A client's sockets and the session that uses them.
pub(super) struct Task {
    options: Options,
    session: Session,
    /// The one in use; during a move another, until the session has let go of the first.
    connections: Vec<(ConnectionId, Connection)>,
    opening: Option<Opening>,
    tokens: Tokens,
    commands: mpsc::Receiver<Asked>,
    control: watch::Receiver<Control>,
    waiters: Waiters,
    mailbox: Arc<Mailbox>,
    welcomed: watch::Sender<Arc<Welcome>>,
    /// The application wants no more.
    stopping: bool,
    over: bool,
}

struct Opening {
    connection: ConnectionId,
    opened: Opened,
}

type Opened = Pin<Box<dyn Future<Output = Result<(Connection, Welcome), ConnectError>> + Send>>;

/// What a task waits for.
enum Happened {
    Read(ConnectionId, Result<ServerMessage, Disconnected>),
    Opened(Box<Result<(Connection, Welcome), ConnectError>>),
    Asked(Asked),
    Control,
    Token(Option<String>),
    /// The application took an event, or it is time.
    Nothing,
}

impl Task {
    pub(super) fn new(
        options: Options,
        provider: Option<TokenProvider>,
        commands: mpsc::Receiver<Asked>,
        control: watch::Receiver<Control>,
        welcomed: watch::Sender<Arc<Welcome>>,
        mailbox: Arc<Mailbox>,
    ) -> Self {
        Self {
            options,
            session: Session::new(Box::new(full_jitter)),
            connections: Vec::new(),
            opening: None,
            tokens: Tokens::new(provider),
            commands,
            control,
            waiters: Waiters::default(),
            mailbox,
            welcomed,
            stopping: false,
            over: false,
        }
    }

    /// Until the session is over.
    pub(super) async fn run(mut self, connection: Connection, welcome: Welcome) {
        self.opened(ConnectionId::FIRST, connection, welcome);
        while !self.over {
            self.say_receipts();
            // Goodbye waits for the gateway, not for the application.
            let reading = self.stopping || !self.mailbox.is_full();
            self.on(Input::Reading(reading));
            let happened = self.wait(reading).await;
            self.note_handled();
            self.take_in(happened);
        }
        self.mailbox.end();
    }

    /// Cancel safe, all of it.
    async fn wait(&mut self, reading: bool) -> Happened {
        let wake_at = self.session.wake_at();
        let wants_command = self.session.wants_command() && !self.stopping;
        tokio::select! {
            (connection, read) = read(&mut self.connections, reading) => {
                Happened::Read(connection, read)
            }
            opened = opened(&mut self.opening) => Happened::Opened(Box::new(opened)),
            Some(asked) = self.commands.recv(), if wants_command => Happened::Asked(asked),
            _ = self.control.changed(), if !self.stopping => Happened::Control,
            token = self.tokens.provided() => Happened::Token(token),
            () = self.mailbox.taken() => Happened::Nothing,
            () = sleep_until(wake_at) => Happened::Nothing,
        }
    }

    fn take_in(&mut self, happened: Happened) {
        match happened {
            Happened::Read(connection, Ok(message)) => self.hear_all(connection, message),
            Happened::Read(connection, Err(why)) => {
                self.connections.retain(|(id, _)| *id != connection);
                self.on(Input::Ended { connection, why });
            }
            Happened::Opened(opened) => {
                if let Some(Opening { connection, .. }) = self.opening.take() {
                    match *opened {
                        Ok((opened, welcome)) => self.opened(connection, opened, welcome),
                        Err(error) => self.on(Input::failed(connection, error)),
                    }
                }
            }
            Happened::Asked((command, waiter)) => {
                let ask = self.waiters.add(waiter);
                self.on(Input::Command { ask, command });
            }
            Happened::Control => self.heed_control(),
            Happened::Token(token) => {
                if let Some(token) = token {
                    self.new_token(token);
                }
            }
            Happened::Nothing => self.on(Input::Time),
        }
    }

    /// Takes in a message and all those that were read with it, as long as the application keeps up.
    fn hear_all(&mut self, connection: ConnectionId, first: ServerMessage) {
        let mut next = Ok(Some(first));
        loop {
            match next {
                Ok(Some(message)) => self.on(Input::Message {
                    connection,
                    message,
                }),
                Ok(None) => return,
                Err(why) => {
                    self.connections.retain(|(id, _)| *id != connection);
                    return self.on(Input::Ended { connection, why });
                }
            }
            if self.mailbox.is_full() && !self.stopping {
                return;
            }
            let Some(socket) = self.connection(connection) else {
                return;
            };
            next = socket.try_next();
        }
    }

    fn opened(&mut self, id: ConnectionId, connection: Connection, welcome: Welcome) {
        self.connections.push((id, connection));
        let mut out = Vec::new();
        let welcome = Arc::new(welcome);
        let opened = Input::Opened {
            connection: id,
            welcome,
        };
        self.session.on(opened, now(), &mut out);
        // Before the application hears of it.
        if let Some(welcome) = self.session.welcome() {
            self.welcomed.send_replace(welcome.clone());
        }
        self.perform(out);
    }

    fn heed_control(&mut self) {
        let control = self.control.borrow_and_update().clone();
        // Without any handle, nobody is there any more.
        if control.stop || self.control.has_changed().is_err() {
            self.stopping = true;
            let hold = control.hold;
            return self.on(Input::Bye { hold });
        }
        if let Some(token) = self.tokens.given(control) {
            self.new_token(token);
        }
    }

    fn new_token(&mut self, token: String) {
        self.options.token = Some(token.clone());
        if self.tokens.got_one() {
            self.on(Input::NewToken(token.into()));
        }
    }

    fn note_handled(&mut self) {
        for handled in self.mailbox.take_handled() {
            self.on(handled);
        }
    }

    fn say_receipts(&mut self) {
        let mut sockets = self.connections.iter();
        if sockets.all(|(_, socket)| socket.unwritten() < UNWRITTEN_BYTES_MAX) {
            let mut out = Vec::new();
            self.session.receipts(&mut out);
            self.perform(out);
        }
    }

    fn on(&mut self, input: Input) {
        let mut out = Vec::new();
        self.session.on(input, now(), &mut out);
        self.perform(out);
    }
}
