//! The whole life of a connection.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use switchboard_cluster::LocalSession;
use switchboard_cluster::guard::{Panicked, caught};
use switchboard_dialects::{Dialect, Frame};
use switchboard_protocol::{CloseCode, PeerId, ServerMessage};
use switchboard_session::{Closing, Live};

use crate::departure::End;
use crate::greeting::Greeted;
use crate::host::{Host, InPhase, Phase, Seat};
use crate::mailbox::Mailbox;
use crate::serving::Serving;
use crate::transport::Transport;
use crate::wire::Wire;

/// A connection after its handshake.
pub struct Arrival {
    /// What carries it.
    pub transport: Box<dyn Transport>,
    /// What its client speaks.
    pub dialect: Box<dyn Dialect>,
    /// The peer that its session is, unless it resumes another one.
    pub peer: PeerId,
    /// How others reach it.
    pub mailbox: Arc<Mailbox>,
    /// Its place in the gateway.
    pub seat: Box<dyn Seat>,
    /// A token that came in the handshake.
    pub token: Option<String>,
}

/// A connection while it is served.
pub struct Connection {
    pub(crate) host: Arc<Host>,
    pub(crate) wire: Wire,
    pub(crate) dialect: Box<dyn Dialect>,
    pub(crate) peer: PeerId,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) seat: Box<dyn Seat>,
    pub(crate) token: Option<String>,
    /// A session that is attached and has not got its `welcome`.
    pub(crate) arrived: Option<Arc<LocalSession>>,
}

impl Connection {
    /// A connection that came to `host`.
    pub fn new(host: Arc<Host>, arrival: Arrival) -> Self {
        Self {
            host,
            wire: Wire::new(arrival.transport),
            dialect: arrival.dialect,
            peer: arrival.peer,
            mailbox: arrival.mailbox,
            seat: arrival.seat,
            token: arrival.token,
            arrived: None,
        }
    }

    /// Ends a connection that is not wanted. The close code is told after the handshake: a browser sees none before.
    pub async fn refuse(&mut self, why: &'static str) {
        self.close(&Closing::because(CloseCode::Forbidden, why))
            .await;
    }

    /// Serves the connection until it ends. What is here, and in [`serve`](Self::serve), across an await is the memory of
    /// every session.
    pub async fn run(&mut self) {
        self.host.observe.opened();
        let host = self.host.clone();
        let mut greeting = Box::pin(self.await_hello());
        let greeted = host.guarded(greeting.as_mut()).await;
        drop(greeting);
        let end = match greeted {
            Ok(Ok(greeted)) => self.serve(greeted).await,
            Ok(Err(end)) => end,
            Err(Panicked) => self.give_up_greeting(),
        };
        match end {
            End::Gone => {
                host.observe.closed(None);
                self.mailbox.clear();
                self.wire.finish().await;
            }
            End::Close(closing) => self.close(&closing).await,
            // What is half said stays so.
            End::Panicked => {
                host.observe.closed(None);
                self.mailbox.clear();
            }
        }
    }

    /// The session lives until its client goes or this side ends it.
    async fn serve(&mut self, greeted: Box<Greeted>) -> End {
        let host = self.host.clone();
        let _live = InPhase::new(&host, self.dialect.name(), Phase::Live);
        let (local, peer) = (greeted.asker.local.clone(), greeted.asker.local.peer);
        let mut serving = self.begin(greeted);
        let ran = host.guarded(pin!(serving.run())).await;
        let end = ran.unwrap_or_else(|Panicked| End::panicked(&host, &peer));
        // An operation under way is finished first: the directory sees one step after another.
        let performing = caught(|| serving.into_performing()).ok().flatten();
        let departure = end.departure(host.rules.resume_window);
        let node = host.node.clone();
        match performing {
            Some(performing) => {
                let guard = host.clone();
                host.spawn(async move {
                    // The session ends, even if this panics.
                    let _ = guard.guarded(performing).await;
                    node.detach(local, departure);
                });
            }
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
        let (rules, now) = (self.host.rules.clone(), crate::now());
        let live = match in_rooms {
            Some(rooms) => Live::resumed(rules, grants, rooms.into_iter(), now),
            None => Live::new(rules, grants, now),
        };
        Serving::new(self, live, asker)
    }

    async fn close(&mut self, closing: &Closing) {
        self.host.observe.closed(Some(closing.code));
        let dialect = &mut *self.dialect;
        self.wire.close(&self.mailbox, dialect, closing).await;
        self.mailbox.clear();
    }

    fn give_up_greeting(&mut self) -> End {
        let Some(local) = self.arrived.take() else {
            return End::Panicked;
        };
        let end = End::panicked(&self.host, &local.peer);
        let departure = end.departure(self.host.rules.resume_window);
        self.host.node.detach(local, departure);
        end
    }

    /// The next frame, while what waits for the client is written.
    pub(crate) async fn next_frame(&mut self) -> Result<Frame, End> {
        poll_fn(|cx| self.poll_frame(cx)).await
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, End>> {
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
}

/// Sends what the session says by itself, and counts it.
pub(crate) fn answer(host: &Host, mailbox: &Mailbox, message: impl Into<ServerMessage>) {
    let message = message.into();
    host.observe.answered(&message);
    // A full outbox closes the session by itself.
    let _ = mailbox.push_weighing(message, 0);
}
