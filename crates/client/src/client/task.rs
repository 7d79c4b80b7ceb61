//! The one task of a client: live on a connection, then on the way to the next.

use std::collections::VecDeque;
use std::sync::Arc;

use switchboard_protocol::server_message::Welcome;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::command::{Command, Control};
use super::live::{End, Live};
use super::mailbox::Mailbox;
use super::rooms::Rooms;
use super::token::{TokenProvider, Tokens};
use super::unanswered::{Request, Unanswered};
use super::{ConnectionState, Event};
use crate::connection::{ConnectError, Connection, Disconnected, Options};
use crate::reconnect::{Cause, Input, Next, Reconnect, full_jitter};

/// How long a goodbye may take.
const BYE_WITHIN: std::time::Duration = std::time::Duration::from_secs(5);

/// What outlives a connection.
pub(super) struct Task {
    options: Options,
    tokens: Tokens,
    reconnect: Reconnect,
    welcomed: watch::Sender<Arc<Welcome>>,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) control: watch::Receiver<Control>,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) rooms: Rooms,
    pub(super) unanswered: Unanswered,
    /// Commands that were taken from the queue and have to wait, or to be sent again.
    pub(super) held: VecDeque<Command>,
    /// Of the last message that carried one; it rises over all connections.
    pub(super) last_id: u64,
}

impl Task {
    pub(super) fn new(
        options: Options,
        provider: Option<TokenProvider>,
        commands: mpsc::Receiver<Command>,
        control: watch::Receiver<Control>,
        welcomed: watch::Sender<Arc<Welcome>>,
        mailbox: Arc<Mailbox>,
    ) -> Self {
        Self {
            options,
            tokens: Tokens::new(provider, control.clone()),
            reconnect: Reconnect::new(Box::new(full_jitter)),
            welcomed,
            commands,
            control,
            mailbox,
            rooms: Rooms::default(),
            unanswered: Unanswered::default(),
            held: VecDeque::new(),
            last_id: 0,
        }
    }

    pub(super) async fn run(mut self, mut connection: Connection) {
        loop {
            let welcome = self.welcomed.borrow().clone();
            self.reconnect.on(Input::Opened, Instant::now().into_std());
            let end = Live::new(&mut self, &mut connection, &welcome)
                .serve()
                .await;
            self.let_go();
            let lost = match end {
                End::Lost(lost) => lost,
                End::Bye => {
                    let _ = timeout(BYE_WITHIN, connection.bye()).await;
                    break;
                }
            };
            drop(connection);
            match self.come_back(lost).await {
                Some(next) => connection = next,
                None => break,
            }
        }
        self.mailbox.end();
    }

    /// What was asked on the connection that ended: signals are over, the rest is asked again on the next.
    fn let_go(&mut self) {
        let mut again = VecDeque::new();
        for request in self.unanswered.take() {
            match request {
                Request::Join(join, Some(reply)) => again.push_back(Command::Join(join, reply)),
                // Its room is still among those to enter.
                Request::Join(_, None) => {}
                Request::SetState(state, reply) => again.push_back(Command::SetState(state, reply)),
                // The peer that was to leave is no more.
                Request::Leave(reply) => {
                    let _ = reply.send(Ok(()));
                }
                Request::Signal(signal) => signal.lose(),
            }
        }
        again.append(&mut self.held);
        self.held = again;
    }

    /// Until there is a connection again, or none is to be had.
    async fn come_back(&mut self, mut lost: Disconnected) -> Option<Connection> {
        self.tell(ConnectionState::Reconnecting(lost.clone()));
        let mut input = Input::Ended(Cause::from(&lost));
        loop {
            let next = self.reconnect.on(input, Instant::now().into_std());
            input = match next {
                Next::Wait { until } => {
                    self.unless_stopped(sleep_until(until.into())).await?;
                    Input::Woken
                }
                Next::GetToken => {
                    self.tell(ConnectionState::NeedsToken);
                    let mut control = self.control.clone();
                    tokio::select! {
                        token = self.tokens.another() => self.options.token = Some(token?),
                        () = stopped(&mut control) => return None,
                    }
                    Input::NewToken
                }
                Next::Open => {
                    if let Some(token) = self.tokens.given() {
                        self.options.token = Some(token);
                    }
                    let options = self.options.clone();
                    match self.unless_stopped(Connection::open(&options)).await? {
                        Ok((connection, welcome)) => {
                            self.begin(welcome);
                            return Some(connection);
                        }
                        Err(error) => {
                            let cause = Cause::from(&error);
                            lost = ending(error);
                            Input::Ended(cause)
                        }
                    }
                }
                Next::Stay | Next::GiveUp => {
                    self.tell(ConnectionState::Over(lost));
                    return None;
                }
            };
        }
    }

    fn begin(&mut self, welcome: Welcome) {
        let welcome = Arc::new(welcome);
        self.welcomed.send_replace(welcome.clone());
        self.mailbox.begin_session();
        self.tell(ConnectionState::Live(welcome));
    }

    fn tell(&self, state: ConnectionState) {
        self.mailbox.push(Event::Connection(state));
    }

    async fn unless_stopped<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = stopped(&mut self.control) => None,
        }
    }
}

/// Until the application wants no more, or has dropped its last handle. Cancel safe.
pub(super) async fn stopped(control: &mut watch::Receiver<Control>) {
    let _ = control.wait_for(|control| control.stop).await;
}

/// A connection that did not come about, as the end of the one before.
fn ending(error: ConnectError) -> Disconnected {
    match error {
        ConnectError::Closed(closed) => Disconnected::Closed(closed),
        ConnectError::Ended(ended) => ended,
        ConnectError::Unreachable { error, .. } => Disconnected::Lost(error.kind()),
        ConnectError::TimedOut => Disconnected::Lost(std::io::ErrorKind::TimedOut),
        ConnectError::Options(_) => Disconnected::Lost(std::io::ErrorKind::InvalidInput),
        ConnectError::Refused { .. } | ConnectError::Handshake(_) => {
            Disconnected::Lost(std::io::ErrorKind::ConnectionRefused)
        }
    }
}
