//! One session: its socket, state and outbox belong to one task, from the handshake to the last step in the directory.
//!
//! ```text
//! await_hello ─► greet (authenticate, attach, welcome) ─► serve ─► detach, close
//! ```

mod serving;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::extract::ws::Message;
use switchboard_cluster::{AttachError, Local, NewSession, Recipient};
use switchboard_protocol::client_message::Hello;
use switchboard_protocol::server_message::{LeaveReason, Welcome};
use switchboard_protocol::{CloseCode, PeerId, ServerMessage};
use switchboard_session::grants::Grants;
use switchboard_session::{AwaitingHello, Closing, Greeting, Live};
use tokio::time::sleep_until;

use self::serving::Serving;
use crate::auth::Identity;
use crate::dialect::native::Frame;
use crate::gateway::Gateway;
use crate::mailbox::Mailbox;
use crate::operations::{Asker, RETRY_AFTER};
use crate::wire::{Ended, Wire};

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
                self.wire.close(&self.mailbox, &closing).await;
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
        let (peer, local) = (self.peer, asker.local.clone());
        let mut serving = Serving::new(self, live, asker);
        let end = serving.run().await;
        // An operation under way is finished first: the directory sees one step after another.
        let (performing, node) = (serving.into_performing(), self.gateway.node.clone());
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
