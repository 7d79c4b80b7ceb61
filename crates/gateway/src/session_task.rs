//! One session: its socket, state and outbox belong to one task, from the handshake to the last step in the directory.
//!
//! ```text
//! await_hello ─► greet (authenticate, attach, welcome) ─► serve ─► detach, close
//! ```

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::extract::ws::Message;
use switchboard_cluster::{AttachError, Local, NewSession, Recipient};
use switchboard_protocol::client_message::Hello;
use switchboard_protocol::server_message::{LeaveReason, Welcome};
use switchboard_protocol::{CloseCode, PeerId, ServerMessage};
use switchboard_session::grants::Grants;
use switchboard_session::{AwaitingHello, Closing, Greeting, Input, Live, Output, Refused};
use tokio::time::{Sleep, sleep_until};

use crate::auth::Identity;
use crate::dialect::native::Frame;
use crate::gateway::Gateway;
use crate::mailbox::Mailbox;
use crate::operations::{self, Asker, RETRY_AFTER};
use crate::wire::{Ended, Wire, Wrote};

/// Frames that are read before writing gets its turn.
const READS_MAX: u32 = 32;
/// The first epoch of a session.
const FIRST_EPOCH: u64 = 1;

/// A connection after its handshake.
pub(crate) struct Connection {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) wire: Wire,
    pub(crate) peer: PeerId,
    pub(crate) mailbox: Arc<Mailbox>,
    /// A token that came in the handshake.
    pub(crate) token: Option<String>,
}

/// How a session ended.
enum End {
    /// The client's connection is gone.
    Gone,
    /// This side ends it.
    Close(Closing),
}

impl From<Ended> for End {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Gone => Self::Gone,
            Ended::Unreadable(closing) => Self::Close(closing),
        }
    }
}

impl Connection {
    /// Serves the connection until it ends.
    pub(crate) async fn run(mut self) {
        let end = match Box::pin(self.await_hello()).await {
            Ok((asker, grants)) => self.serve(asker, grants).await,
            Err(end) => end,
        };
        match end {
            End::Gone => {
                self.gateway.metrics.closed(None);
                self.wire.finish().await;
            }
            End::Close(closing) => {
                self.gateway.metrics.closed(Some(closing.code));
                self.wire.close(&closing).await;
            }
        }
    }

    /// The first phase: waits for `hello`, then says `welcome`.
    async fn await_hello(&mut self) -> Result<(Asker, Grants), End> {
        let _counted = self.gateway.metrics.session("native", "awaiting-hello");
        let mut session = AwaitingHello::new(&self.gateway.rules, Instant::now());
        loop {
            let frame = tokio::select! {
                frame = poll_fn(|cx| self.poll_frame(cx)) => frame?,
                () = sleep_until(session.deadline().into()) => return Err(End::Close(session.overdue())),
            };
            let message = match self.wire.native().decode(&frame) {
                Frame::Message(message) => message,
                Frame::Alive => continue,
                Frame::Close => return Err(End::Gone),
            };
            match session.on(message) {
                Greeting::Hello(hello) => return self.greet(hello).await,
                Greeting::Answer(error) => self.answer(error),
                Greeting::Close(closing) => return Err(End::Close(closing)),
            }
        }
    }

    /// The next frame, while what waits for the client is written.
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, End>> {
        self.mailbox.register(cx.waker());
        if let Some(closing) = self.mailbox.closing() {
            return Poll::Ready(Err(End::Close(closing.clone())));
        }
        if let Poll::Ready(Err(_)) = self.wire.poll_write(&self.mailbox, cx) {
            return Poll::Ready(Err(End::Gone));
        }
        self.wire.poll_read(cx).map_err(End::from)
    }

    async fn greet(&mut self, hello: Hello<'_>) -> Result<(Asker, Grants), End> {
        let token = hello.token.as_deref().or(self.token.as_deref());
        let identity = self.gateway.authenticator.authenticate(token, &self.peer);
        self.gateway.metrics.authenticated(identity.as_ref().err());
        let identity = identity.map_err(|error| {
            End::Close(Closing::because(CloseCode::Unauthorized, error.to_string()))
        })?;
        let local = self
            .attach(&identity, hello.receipts)
            .await
            .map_err(|error| End::Close(refused(&error)))?;
        tracing::debug!(session.id = %self.peer, agent = hello.agent.as_deref(), "a session came");
        let name = identity
            .name
            .or_else(|| hello.name.as_deref().map(Into::into));
        let avatar = identity
            .avatar
            .or_else(|| hello.avatar.as_deref().map(Into::into));
        self.welcome(&local, name.clone());
        Ok((
            Asker {
                local,
                name,
                avatar,
            },
            identity.grants,
        ))
    }

    async fn attach(
        &mut self,
        identity: &Identity,
        receipts: bool,
    ) -> Result<Arc<Local>, AttachError> {
        let session = NewSession {
            peer: self.peer,
            epoch: FIRST_EPOCH,
            user: identity.user.clone(),
            receipts,
            hidden: identity.grants.hidden,
            recipient: self.mailbox.clone(),
        };
        self.gateway.node.attach(session).await
    }

    fn welcome(&self, local: &Local, name: Option<Arc<str>>) {
        let rules = &self.gateway.rules;
        let welcome = Welcome {
            peer: local.peer,
            user: local.user.clone(),
            name,
            node: self.gateway.node.id().clone(),
            resumed: false,
            heartbeat_ms: u64::try_from(rules.heartbeat.as_millis()).unwrap_or(u64::MAX),
            limits: rules.limits,
            ice_servers: Vec::new(),
        };
        self.send(welcome.into());
    }

    /// The second phase: the session lives until its client goes or this side ends it.
    async fn serve(&mut self, asker: Asker, grants: Grants) -> End {
        let _counted = self.gateway.metrics.session("native", "live");
        let live = Live::new(self.gateway.rules.clone(), grants, Instant::now());
        let timer = Box::pin(sleep_until(live.wake_at().into()));
        let (peer, local) = (self.peer, asker.local.clone());
        let mut serving = Serving {
            connection: self,
            live,
            asker,
            performing: None,
            timer,
            reads_left: READS_MAX,
        };
        let end = serving.run().await;
        serving.note_begun(|_, _| true);
        // An operation under way is finished first: the directory sees one step after another.
        let (performing, node) = (serving.performing.take(), self.gateway.node.clone());
        let reason = match &end {
            End::Close(closing) if closing.code == CloseCode::Bye => LeaveReason::Left,
            _ => LeaveReason::Disconnected,
        };
        match performing {
            Some(performing) => drop(self.gateway.tasks.spawn(async move {
                let _ = performing.await;
                node.detach(local, reason);
            })),
            None => node.detach(local, reason),
        }
        tracing::debug!(session.id = %peer, ?reason, "a session went");
        end
    }

    /// Sends what the session says by itself, and counts it.
    fn answer(&self, message: impl Into<ServerMessage>) {
        let message = message.into();
        self.gateway.metrics.answered(&message);
        self.send(message);
    }

    fn send(&self, message: ServerMessage) {
        // A full outbox closes the session by itself.
        let _ = self.mailbox.push(message);
    }
}

type Performing = Pin<Box<dyn Future<Output = Result<(), Refused>> + Send>>;

/// A live session at work.
struct Serving<'a> {
    connection: &'a mut Connection,
    live: Live,
    asker: Asker,
    performing: Option<Performing>,
    timer: Pin<Box<Sleep>>,
    reads_left: u32,
}

/// What the task wakes up for.
enum Event {
    Frame(Message),
    Wrote(Wrote),
    Performed(Result<(), Refused>),
    Timer,
    End(End),
}

impl Serving<'_> {
    async fn run(&mut self) -> End {
        loop {
            let ended = match poll_fn(|cx| self.poll_event(cx)).await {
                Event::Frame(frame) => self.frame(&frame),
                Event::Wrote(wrote) => self.wrote(wrote),
                Event::Performed(result) => self.input(Input::Performed(result)),
                Event::Timer => self.input(Input::Tick),
                Event::End(end) => Some(end),
            };
            if let Some(end) = ended {
                return end;
            }
        }
    }

    /// Reading goes first, for a while, so that one flush serves a batch; then writing; a client that does not read does
    /// not stop either.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        let Connection { mailbox, wire, .. } = &mut *self.connection;
        mailbox.register(cx.waker());
        if let Some(closing) = mailbox.closing() {
            return Poll::Ready(Event::End(End::Close(closing.clone())));
        }
        if let Some(performing) = &mut self.performing
            && let Poll::Ready(result) = performing.as_mut().poll(cx)
        {
            self.performing = None;
            return Poll::Ready(Event::Performed(result));
        }
        let mut frame = if self.reads_left > 0 {
            wire.poll_read(cx)
        } else {
            Poll::Pending
        };
        if frame.is_pending() {
            let was_cut_short = self.reads_left == 0;
            self.reads_left = READS_MAX;
            match wire.poll_write(mailbox, cx) {
                Poll::Ready(Ok(wrote)) => return Poll::Ready(Event::Wrote(wrote)),
                Poll::Ready(Err(_)) => return Poll::Ready(Event::End(End::Gone)),
                Poll::Pending => {}
            }
            if was_cut_short {
                frame = wire.poll_read(cx);
            }
        }
        match frame {
            Poll::Ready(Ok(frame)) => {
                self.reads_left = self.reads_left.saturating_sub(1);
                Poll::Ready(Event::Frame(frame))
            }
            Poll::Ready(Err(ended)) => Poll::Ready(Event::End(ended.into())),
            Poll::Pending => self.timer.as_mut().poll(cx).map(|()| Event::Timer),
        }
    }

    fn frame(&mut self, frame: &Message) -> Option<End> {
        match self.connection.wire.native().decode(frame) {
            Frame::Message(Ok(message)) => self.input(Input::Message(message)),
            Frame::Message(Err(error)) => self.input(Input::Broken(error)),
            Frame::Alive => self.input(Input::Alive),
            Frame::Close => Some(End::Gone),
        }
    }

    fn wrote(&mut self, wrote: Wrote) -> Option<End> {
        match wrote {
            Wrote::RoomClosed(room) => self.input(Input::RoomGone(&room)),
            Wrote::Signals(signals) => {
                for (sender, id) in signals {
                    self.connection
                        .gateway
                        .node
                        .written(&self.asker.local, &sender, id);
                }
                None
            }
        }
    }

    /// Notes that the client may have these of the signals that are on their way to the kernel.
    fn note_begun(&self, may_have: impl Fn(&PeerId, u64) -> bool) {
        for (sender, id) in self
            .connection
            .wire
            .begun()
            .iter()
            .filter(|(sender, id)| may_have(sender, *id))
        {
            self.connection
                .gateway
                .node
                .begun(&self.asker.local, sender, *id);
        }
    }

    /// Gives the session an input and carries out what follows.
    fn input(&mut self, input: Input<'_>) -> Option<End> {
        let mut outputs = Vec::new();
        self.live.on(input, Instant::now(), &mut outputs);
        for output in outputs {
            if let Some(end) = self.carry_out(output) {
                return Some(end);
            }
        }
        let wake_at = self.live.wake_at().into();
        if self.timer.deadline() > wake_at || self.timer.is_elapsed() {
            self.timer.as_mut().reset(wake_at);
        }
        None
    }

    fn carry_out(&mut self, output: Output<'_>) -> Option<End> {
        let node = &self.connection.gateway.node;
        match output {
            Output::Send(message) => self.connection.answer(message),
            Output::Relay(signal) => {
                if node.relay(&self.asker.local, &signal).is_err() {
                    let message = format!("you are not in the room {}; join it first", signal.room);
                    let refused =
                        Refused::new(switchboard_protocol::ErrorCode::NotAMember, message);
                    self.connection.answer(refused.to_error(Some(signal.id)));
                }
            }
            Output::Received(received) => {
                // A slow client may have read a signal of which the rest of its batch still waits.
                self.note_begun(|sender, id| *sender == received.from && id <= received.id);
                node.received(&self.asker.local, &received.from, received.id);
            }
            Output::Perform(operation) => {
                self.performing = Some(Box::pin(operations::perform(
                    node.clone(),
                    self.asker.clone(),
                    operation,
                )));
            }
            Output::Ping => {
                if self.connection.wire.ping().is_err() {
                    return Some(End::Gone);
                }
            }
            Output::Close(closing) => return Some(End::Close(closing)),
        }
        None
    }
}

fn refused(error: &AttachError) -> Closing {
    match error {
        AttachError::TooManySessions => {
            Closing::because(CloseCode::Limit, "too many sessions; close one")
                .retry_after(RETRY_AFTER * 10)
        }
        AttachError::Stale => Closing::new(CloseCode::Superseded),
        AttachError::Unavailable => {
            Closing::because(CloseCode::Unavailable, "the cluster is not available now")
                .retry_after(RETRY_AFTER)
        }
    }
}
