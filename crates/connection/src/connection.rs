//! What a connection is made of, and its next frame.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use switchboard_cluster::LocalSession;
use switchboard_dialects::{Dialect, Frame};
use switchboard_protocol::{CloseCode, PeerId, ServerMessage};
use switchboard_session::Closing;

use crate::authenticate::Authenticate;
use crate::departure::End;
use crate::host::{Host, Seat};
use crate::mailbox::Mailbox;
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
    /// Who its client is.
    pub authenticate: Arc<dyn Authenticate>,
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
    pub(crate) authenticate: Arc<dyn Authenticate>,
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
            authenticate: arrival.authenticate,
            arrived: None,
        }
    }

    /// Ends a connection that is not wanted. The close code is told after the handshake: a browser sees none before.
    pub async fn refuse(&mut self, why: &'static str) {
        self.close(&Closing::because(CloseCode::Forbidden, why))
            .await;
    }

    pub(crate) async fn close(&mut self, closing: &Closing) {
        self.host.observe.closed(Some(closing.code));
        if let Some(rule) = closing.rule {
            self.host.observe.limited(rule);
        }
        let dialect = &mut *self.dialect;
        self.wire.close(&self.mailbox, dialect, closing).await;
        self.mailbox.clear();
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
        if let Poll::Ready(Err(_)) = self.wire.poll_write(&self.mailbox, dialect, &|_| (), cx) {
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
