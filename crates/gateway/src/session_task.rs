//! One session: its socket, state and outbox belong to one task, from the handshake to the last step in the directory.
//!
//! ```text
//! await_hello ─► greet (authenticate, attach or resume, welcome) ─► serve ─► detach, close
//! ```

mod serving;
#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::extract::ws::Message;
use switchboard_cluster::guard::{Panicked, caught};
use switchboard_cluster::{
    AttachError, Departure, LocalSession, NewSession, Node, Recipient, Repeated, ResumeError,
    Resumed,
};
use switchboard_protocol::client_message::{Hello, Resume};
use switchboard_protocol::server_message::{LeaveReason, ResumeTicket, RoomSnapshot, Welcome};
use switchboard_protocol::{ClientMessage, CloseCode, PeerId, RoomId, ServerMessage};
use switchboard_session::grants::Grants;
use switchboard_session::{AwaitingHello, Closing, Greeting, Input, Live};
use tokio::time::sleep_until;

use self::serving::Serving;
use crate::auth::{Identity, IdentityClaim};
use crate::caller::Carriers;
use crate::dialect::{self, Dialect, Heard, Introduction};
use crate::gateway::Gateway;
use crate::mailbox::Mailbox;
use crate::metrics::{AWAITING_HELLO, LIVE};
use crate::operations::{Asker, RETRY_AFTER};
use crate::registry::Place;
use crate::tasks::{self, Task, guarded};
use crate::wire::{Ended, Wire};

/// A connection after its handshake.
pub(crate) struct Connection {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) wire: Wire,
    pub(crate) dialect: Box<dyn Dialect>,
    pub(crate) peer: PeerId,
    pub(crate) mailbox: Arc<Mailbox>,
    /// A token that came in the handshake.
    pub(crate) token: Option<String>,
    /// A session that is attached and has not got its `welcome`.
    pub(crate) arrived: Option<Arc<LocalSession>>,
    /// Until hello.
    pub(crate) carriers: Option<Carriers>,
    /// As long as the connection is served.
    pub(crate) _place: Place,
}

/// A session that has said hello.
struct Greeted {
    asker: Asker,
    grants: Grants,
    /// Of one that goes on: where it is.
    in_rooms: Option<Vec<RoomId>>,
}

/// How a connection ended.
enum End {
    /// The client's connection is gone.
    Gone,
    /// This side ends it.
    Close(Closing),
    /// Its task panicked, and the client is to find its connection lost.
    Panicked,
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
    /// Ends a connection that is not wanted. The close code is told after the handshake: a browser sees none before.
    pub(crate) async fn refuse(&mut self, why: &'static str) {
        self.close(&Closing::because(CloseCode::Forbidden, why))
            .await;
    }

    /// Serves the connection until it ends. What is here, and in [`serve`](Self::serve), across an await is the memory of
    /// every session.
    pub(crate) async fn run(&mut self) {
        self.gateway.metrics.connected();
        let mut greeting = Box::pin(self.await_hello());
        let greeted = guarded(Task::Session, greeting.as_mut()).await;
        drop(greeting);
        let end = match greeted {
            Ok(Ok(greeted)) => self.serve(greeted).await,
            Ok(Err(end)) => end,
            Err(Panicked) => self.give_up_greeting(),
        };
        match end {
            End::Gone => {
                self.gateway.metrics.closed(None);
                self.mailbox.clear();
                self.wire.finish().await;
            }
            End::Close(closing) => self.close(&closing).await,
            // What is half said stays so.
            End::Panicked => {
                self.gateway.metrics.closed(None);
                self.mailbox.clear();
            }
        }
    }

    async fn close(&mut self, closing: &Closing) {
        self.gateway.metrics.closed(Some(closing.code));
        let dialect = &mut *self.dialect;
        self.wire.close(&self.mailbox, dialect, closing).await;
        self.mailbox.clear();
    }

    fn give_up_greeting(&mut self) -> End {
        let Some(local) = self.arrived.take() else {
            return End::Panicked;
        };
        let end = panicked(&self.gateway, &local.peer);
        let departure = departure(&end, self.gateway.rules.resume_window);
        self.gateway.node.detach(local, departure);
        end
    }

    /// The first phase: waits for `hello`, then says `welcome`.
    async fn await_hello(&mut self) -> Result<Box<Greeted>, End> {
        let metrics = self.gateway.metrics.clone();
        let _counted = metrics.session(self.dialect.name(), AWAITING_HELLO);
        if let Some(introduction) = self.dialect.introduction() {
            return self.greet(introduction).await;
        }
        let mut session = AwaitingHello::new(&self.gateway.rules, Instant::now());
        loop {
            let frame = tokio::select! {
                frame = poll_fn(|cx| self.poll_frame(cx)) => frame?,
                () = sleep_until(session.deadline().into()) => return Err(End::Close(session.overdue())),
            };
            if let Some(introduction) = self.hear_hello(&mut session, &frame)? {
                return self.greet(introduction).await;
            }
        }
    }

    /// The `hello` in a frame, if there is one.
    fn hear_hello(
        &mut self,
        session: &mut AwaitingHello,
        frame: &Message,
    ) -> Result<Option<Introduction<'static>>, End> {
        let Self {
            gateway,
            wire,
            dialect,
            mailbox,
            ..
        } = self;
        let mut found = Ok(None);
        dialect::hear(&mut **dialect, frame, &mut |heard| {
            if !matches!(found, Ok(None)) {
                return;
            }
            let message = match heard {
                Heard::Hello(introduction) => return found = Ok(Some(introduction.into_owned())),
                Heard::Input(Input::Message(message)) => Ok(message),
                Heard::Input(Input::Enter(enter)) => Ok(ClientMessage::Join(enter.join)),
                Heard::Input(Input::Broken(error)) => Err(error),
                Heard::Input(_) => return,
                Heard::Say(frame) => return wire.answer(frame, mailbox),
                Heard::Close => return found = Err(End::Gone),
                Heard::End(closing) => return found = Err(End::Close(closing)),
            };
            match session.on(message) {
                Greeting::Hello(hello) => found = Ok(Some(Introduction::from(hello).into_owned())),
                Greeting::Answer(error) => answer(gateway, mailbox, error),
                Greeting::Close(closing) => found = Err(End::Close(closing)),
            }
        });
        found
    }

    /// The next frame, while what waits for the client is written.
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, End>> {
        self.mailbox.register(cx.waker());
        if let Some(closing) = self.mailbox.closing() {
            return Poll::Ready(Err(End::Close(closing.clone())));
        }
        let dialect = &mut *self.dialect;
        if let Poll::Ready(Err(_)) = self.wire.poll_write(&self.mailbox, dialect, cx) {
            return Poll::Ready(Err(End::Gone));
        }
        self.wire.poll_read(cx).map_err(End::from)
    }

    async fn greet(&mut self, introduction: Introduction<'_>) -> Result<Box<Greeted>, End> {
        let hello = &introduction.hello;
        let resumed = match &hello.resume {
            Some(resume) => self.resume(&introduction, resume).await?,
            None => None,
        };
        let (identity, local, rooms) = match resumed {
            Some((identity, resumed)) => (identity, resumed.local, Some(resumed.rooms)),
            None => {
                let identity = self.authenticate(&introduction, &self.peer)?;
                self.admit()?;
                let session = self.session(self.peer, &identity, hello);
                let attached = self.gateway.node.attach(session).await;
                let local = attached.map_err(|error| End::Close(refused(&error)))?;
                self.arrived = Some(local.clone());
                (identity, local, None)
            }
        };
        tracing::debug!(session.id = %local.peer, agent = hello.agent.as_deref(), resumed = rooms.is_some(), "a session came");
        let name = identity
            .name
            .or_else(|| hello.name.as_deref().map(Into::into));
        let avatar = identity
            .avatar
            .or_else(|| hello.avatar.as_deref().map(Into::into));
        let in_rooms = rooms.as_ref().map(|rooms| {
            let ids = rooms.iter().map(|room| room.room.clone());
            ids.collect()
        });
        let welcome = self.welcome(&local, name.clone(), rooms).into();
        self.wire.begin_with(&welcome, &mut *self.dialect);
        let registry = &self.gateway.registry;
        registry.greeted(&self.peer, self.dialect.resumes());
        Ok(Box::new(Greeted {
            asker: Asker {
                local,
                name,
                avatar,
                is_verified: self.gateway.authenticator.asks_for_tokens(),
            },
            grants: identity.grants,
            in_rooms,
        }))
    }

    /// `None`: there is nothing to resume, and the client gets a new session.
    async fn resume(
        &mut self,
        introduction: &Introduction<'_>,
        resume: &Resume<'_>,
    ) -> Result<Option<(Identity, Resumed)>, End> {
        // What was said before a process froze may be long over: its client has the session elsewhere by now.
        if self.wire.is_over().await {
            return Err(End::Gone);
        }
        let identity = self.authenticate(introduction, &resume.peer)?;
        self.admit()?;
        let session = self.session(resume.peer, &identity, &introduction.hello);
        let node = &self.gateway.node;
        // It cannot be taken back half done, and there may be a queue of them. The cluster asks whether one is still wanted.
        let mut resuming = pin!(node.resume(session, &resume.secret, resume));
        let resumed = poll_fn(|cx| {
            if !self.mailbox.is_gone() && self.wire.poll_over(cx).is_ready() {
                self.mailbox.note_gone();
            }
            resuming.as_mut().poll(cx)
        });
        let resumed = resumed.await;
        if resumed.is_err() {
            // Rooms that were entered by then had something to tell. Nobody is welcomed, and so nobody is told.
            self.mailbox.clear();
        }
        match resumed {
            Ok(resumed) => {
                self.arrived = Some(resumed.local.clone());
                let resumed = leave_what_is_not_granted(node, resumed, &identity.grants).await;
                Ok(Some((identity, resumed)))
            }
            Err(ResumeError::Refused) => Ok(None),
            Err(error @ ResumeError::OtherUser) => Err(End::Close(Closing::because(
                CloseCode::Unauthorized,
                error.to_string(),
            ))),
            Err(ResumeError::Superseded) => Err(End::Close(Closing::new(CloseCode::Superseded))),
            Err(ResumeError::Unavailable) => Err(End::Close(unavailable())),
        }
    }

    /// Who a client is that has, or wants, this peer id.
    fn authenticate(
        &self,
        introduction: &Introduction<'_>,
        peer: &PeerId,
    ) -> Result<Identity, End> {
        let token = introduction.hello.token.as_deref();
        let claim = IdentityClaim {
            token: token.or(self.token.as_deref()),
            user: introduction.user.as_deref(),
        };
        let identity = self.gateway.authenticator.authenticate(&claim, peer);
        self.gateway.metrics.authenticated(identity.as_ref().err());
        identity.map_err(|error| {
            End::Close(Closing::because(CloseCode::Unauthorized, error.to_string()))
        })
    }

    /// Counts the connection as a session, if there may be one more.
    fn admit(&mut self) -> Result<(), End> {
        if self.gateway.registry.admit(&self.peer) {
            if let Some(carriers) = self.carriers.take() {
                carriers.greeted();
            }
            return Ok(());
        }
        let words = "this node holds as many sessions as it may";
        Err(End::Close(
            Closing::because(CloseCode::Unavailable, words).retry_after(RETRY_AFTER * 10),
        ))
    }

    fn session(&self, peer: PeerId, identity: &Identity, hello: &Hello<'_>) -> NewSession {
        NewSession {
            peer,
            user: identity.user.clone(),
            receipts: hello.receipts,
            hidden: identity.grants.hidden,
            resumable: self.dialect.resumes(),
            recipient: self.mailbox.clone(),
        }
    }

    fn welcome(
        &self,
        local: &LocalSession,
        name: Option<Arc<str>>,
        rooms: Option<Vec<RoomSnapshot>>,
    ) -> Welcome {
        let rules = &self.gateway.rules;
        Welcome {
            peer: local.peer,
            user: local.user.clone(),
            name,
            node: self.gateway.node.id().clone(),
            resume: ResumeTicket {
                secret: self.gateway.node.secret(local),
                window_ms: millis(rules.resume_window),
            },
            resumed: rooms.is_some(),
            rooms,
            heartbeat_ms: millis(rules.heartbeat),
            limits: rules.limits,
            ice_servers: Vec::new(),
        }
    }

    /// The second phase: the session lives until its client goes or this side ends it.
    async fn serve(&mut self, greeted: Box<Greeted>) -> End {
        let gateway = self.gateway.clone();
        let _counted = gateway.metrics.session(self.dialect.name(), LIVE);
        let (local, peer) = (greeted.asker.local.clone(), greeted.asker.local.peer);
        let mut serving = self.begin(greeted);
        let ran = guarded(Task::Session, pin!(serving.run())).await;
        let end = ran.unwrap_or_else(|Panicked| panicked(&gateway, &peer));
        // An operation under way is finished first: the directory sees one step after another.
        let performing = caught(|| serving.into_performing()).ok().flatten();
        let departure = departure(&end, gateway.rules.resume_window);
        let node = gateway.node.clone();
        match performing {
            Some(performing) => tasks::spawn(&gateway.tasks, Task::Session, async move {
                // Whatever becomes of it, the session ends.
                let _ = guarded(Task::Session, performing).await;
                node.detach(local, departure);
            }),
            None => node.detach(local, departure),
        }
        tracing::debug!(session.id = %peer, ?departure, "a session lost its connection");
        end
    }

    #[expect(
        clippy::boxed_local,
        reason = "freed here: what `serve` unboxed itself would stay as long as the session"
    )]
    fn begin(&mut self, greeted: Box<Greeted>) -> Serving<'_> {
        let Greeted {
            asker,
            grants,
            in_rooms,
        } = *greeted;
        self.arrived = None;
        let (rules, now) = (self.gateway.rules.clone(), Instant::now());
        let live = match in_rooms {
            Some(rooms) => Live::resumed(rules, grants, rooms.into_iter(), now),
            None => Live::new(rules, grants, now),
        };
        Serving::new(self, live, asker)
    }
}

/// Sends what the session says by itself, and counts it.
fn answer(gateway: &Gateway, mailbox: &Mailbox, message: impl Into<ServerMessage>) {
    let message = message.into();
    gateway.metrics.answered(&message);
    // A full outbox closes the session by itself.
    let _ = mailbox.push(message);
}

/// The token may be another one than the session began with, and cover less.
async fn leave_what_is_not_granted(node: &Node, resumed: Resumed, grants: &Grants) -> Resumed {
    let Resumed { local, rooms } = resumed;
    let (rooms, others): (Vec<_>, Vec<_>) = rooms
        .into_iter()
        .partition(|snapshot| grants.covers(&snapshot.room));
    for RoomSnapshot { room, .. } in others {
        // Where the directory cannot be told now, the next assertion tells it.
        let _ = node.leave(&local, &room).await;
    }
    Resumed { local, rooms }
}

/// The task of a session panicked. Once may be chance; what does so again would go on for ever.
fn panicked(gateway: &Gateway, peer: &PeerId) -> End {
    static SESSIONS: Repeated = Repeated::new();
    let again = gateway.panickers.note(*peer);
    if let Some(said) = SESSIONS.happened() {
        let outcome = match again {
            false => "its connection counts as lost",
            true => "not for the first time, and it is closed",
        };
        tracing::error!(session.id = %peer, "a session's task panicked: {outcome}{said}");
    }
    match again {
        false => End::Panicked,
        true => End::Close(Closing::because(
            CloseCode::Protocol,
            "what this session says has made the server fail, again",
        )),
    }
}

/// What becomes of a session whose connection ended so.
fn departure(end: &End, window: Duration) -> Departure {
    let closing = match end {
        End::Gone | End::Panicked => return Departure::Away(window),
        End::Close(closing) => closing,
    };
    match (closing.code, closing.holds(window)) {
        (CloseCode::Superseded, _) => Departure::Superseded,
        (_, Some(hold)) => Departure::Away(hold),
        (CloseCode::Bye, None) => Departure::Leave(LeaveReason::Left),
        (_, None) => Departure::Leave(LeaveReason::Disconnected),
    }
}

fn refused(error: &AttachError) -> Closing {
    match error {
        AttachError::TooManySessions => {
            Closing::because(CloseCode::Limit, "too many sessions; close one")
                .retry_after(RETRY_AFTER * 10)
        }
        AttachError::Unavailable => unavailable(),
    }
}

fn unavailable() -> Closing {
    Closing::because(CloseCode::Unavailable, "the cluster is not available now")
        .retry_after(RETRY_AFTER)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
