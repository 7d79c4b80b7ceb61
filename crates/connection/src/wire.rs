//! The way to a client: what is queued for it, in its dialect, into its transport; and which signals of that it may have,
//! and which it has for certain as far as the kernel knows.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::FutureExt;
use switchboard_cluster::Repeated;
use switchboard_dialects::{Dialect, Frame};
use switchboard_protocol::server_message::Joined;
use switchboard_protocol::{PeerId, RoomId, ServerMessage};
use switchboard_session::Closing;
use tokio::time::{Sleep, sleep_until};

use crate::mailbox::Mailbox;
use crate::transport::{Ended, Gone, Transport};

/// Messages that are put into the socket's buffer between two flushes.
const BATCH: usize = 256;
/// A client gets this long to take the close frame and answer it.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);
/// The same where its answer cannot be read any more: a connection that is dropped with unread bytes is reset, and a
/// reset may overtake the close frame.
const CLOSE_UNREAD: Duration = Duration::from_millis(500);
/// The same where others wait for the place.
const CLOSE_SHED: Duration = Duration::from_millis(100);
/// Many clients can meet the same one.
static UNWRITABLE: Repeated = Repeated::new();

/// A transport and what was put into it but not yet handed to the kernel.
pub(crate) struct Wire {
    transport: Box<dyn Transport>,
    /// Whose it is, once it is somebody's.
    session: Option<PeerId>,
    /// Frames that are to be put into the socket before any other message is translated.
    behind: VecDeque<Frame>,
    behind_bytes: usize,
    unflushed: bool,
    /// When the dialect has something to say that it put off.
    settle_at: Option<Pin<Box<Sleep>>>,
    /// Signals among the unflushed: sender and id.
    signals: Vec<(PeerId, u64)>,
    /// Something came after which nothing can be read.
    unreadable: bool,
    /// It came while nobody waited for it.
    ahead: Option<Result<Frame, Ended>>,
}

/// What was written.
pub(crate) enum Wrote {
    /// The kernel has these signals.
    Signals(Vec<(PeerId, u64)>),
    /// A message went in that the session must know of.
    RoomClosed(RoomId),
}

impl Wire {
    pub(crate) fn new(transport: Box<dyn Transport>) -> Self {
        Self {
            transport,
            session: None,
            behind: VecDeque::new(),
            behind_bytes: 0,
            unflushed: false,
            settle_at: None,
            signals: Vec::new(),
            unreadable: false,
            ahead: None,
        }
    }

    /// The next frame.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, Ended>> {
        if let Some(frame) = self.ahead.take() {
            return Poll::Ready(frame);
        }
        let frame = ready!(self.transport.poll_next(cx));
        if let Err(ended) = &frame {
            self.unreadable = matches!(ended, Ended::Unreadable(_));
        }
        Poll::Ready(frame)
    }

    /// Whether the client is known to be gone, without waiting for it.
    pub(crate) async fn is_over(&mut self) -> bool {
        poll_fn(|cx| Poll::Ready(self.poll_over(cx).is_ready())).await
    }

    /// Ready: the client is known to be gone. One frame is read ahead for that, and kept.
    pub(crate) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.ahead.is_none()
            && let Poll::Ready(frame) = self.poll_read(cx)
        {
            self.ahead = Some(frame);
        }
        match self.ahead {
            Some(Ok(Frame::Close(_)) | Err(Ended::Gone)) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }

    /// Signals of which the client may have a part, or all: they were begun, but not all is with the kernel.
    pub(crate) fn begun(&self) -> &[(PeerId, u64)] {
        &self.signals
    }

    /// Moves messages from the mailbox to the kernel. Pending: nothing is left to move, or the kernel takes no more. `admit`
    /// adds to a `joined` what holds from the moment at which it is told.
    pub(crate) fn poll_write(
        &mut self,
        mailbox: &Mailbox,
        dialect: &mut dyn Dialect,
        admit: &dyn Fn(&mut Joined),
        cx: &mut Context<'_>,
    ) -> Poll<Result<Wrote, Gone>> {
        let wrote = self.poll_move(mailbox, dialect, admit, cx);
        self.note(mailbox);
        wrote
    }

    fn poll_move(
        &mut self,
        mailbox: &Mailbox,
        dialect: &mut dyn Dialect,
        admit: &dyn Fn(&mut Joined),
        cx: &mut Context<'_>,
    ) -> Poll<Result<Wrote, Gone>> {
        loop {
            for _ in 0..BATCH {
                ready!(self.poll_catch_up(cx))?;
                let Some(mut message) = mailbox.pop() else {
                    break;
                };
                let closed = match &mut message {
                    ServerMessage::RoomClosed(closed) => Some(closed.room.clone()),
                    ServerMessage::Joined(joined) => {
                        admit(joined);
                        None
                    }
                    _ => None,
                };
                self.put(&message, dialect)?;
                if let Some(room) = closed {
                    return Poll::Ready(Ok(Wrote::RoomClosed(room)));
                }
            }
            ready!(self.poll_catch_up(cx))?;
            self.settle(dialect);
            ready!(self.poll_catch_up(cx))?;
            if self.unflushed {
                ready!(self.transport.poll_flush(cx))?;
                self.unflushed = false;
                if !self.signals.is_empty() {
                    return Poll::Ready(Ok(Wrote::Signals(std::mem::take(&mut self.signals))));
                }
                continue;
            }
            let Some(settle_at) = &mut self.settle_at else {
                return Poll::Pending;
            };
            ready!(settle_at.poll_unpin(cx));
            self.settle_at = None;
        }
    }

    /// Lets the dialect say what it put off until what waits is said, or until now.
    fn settle(&mut self, dialect: &mut dyn Dialect) {
        let at = dialect.settle(crate::now(), &mut |frame| self.say(frame));
        self.settle_at = match (at, self.settle_at.take()) {
            (None, _) => None,
            (Some(at), Some(known)) if known.deadline() == at.into() => Some(known),
            (Some(at), _) => Some(Box::pin(sleep_until(at.into()))),
        };
    }

    /// Tells the mailbox what waits here. The frame that goes next may be larger than all that may wait: the `welcome` of
    /// somebody who is in large rooms.
    fn note(&self, mailbox: &Mailbox) {
        let next = self.behind.front().map_or(0, Frame::len);
        let in_transport = self.transport.unwritten();
        mailbox.note_written(self.behind_bytes - next, next + in_transport);
    }

    /// Puts into the socket what is to go before the next message. Ready: it takes one more frame.
    fn poll_catch_up(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        ready!(self.transport.poll_ready(cx))?;
        while let Some(frame) = self.behind.pop_front() {
            self.behind_bytes -= frame.len();
            self.start_send(frame)?;
            ready!(self.transport.poll_ready(cx))?;
        }
        Poll::Ready(Ok(()))
    }

    fn start_send(&mut self, frame: Frame) -> Result<(), Gone> {
        self.unflushed = true;
        self.transport.start_send(frame)
    }

    /// Translates a message for a socket that takes a frame. If there are more, the others wait.
    fn put(&mut self, message: &ServerMessage, dialect: &mut dyn Dialect) -> Result<(), Gone> {
        let (mut is_first, mut started) = (true, Ok(()));
        let said = dialect.say(message, &mut |frame| {
            if std::mem::take(&mut is_first) {
                started = self.start_send(frame);
            } else {
                self.say(frame);
            }
        });
        match (said, message) {
            (Err(error), _) => {
                if let Some(said) = UNWRITABLE.happened() {
                    let session = self.session.as_ref().map(PeerId::as_str);
                    tracing::warn!(session.id = session, %error, "a message from another node could not be written for its client{said}");
                }
            }
            (Ok(()), ServerMessage::Signal(signal)) => self.signals.push((signal.from, signal.id)),
            (Ok(()), _) => {}
        }
        started
    }

    /// Puts the message that begins the session before whatever the cluster had for it by then.
    pub(crate) fn begin_with(&mut self, message: &ServerMessage, dialect: &mut dyn Dialect) {
        if let ServerMessage::Welcome(welcome) = message {
            self.session = Some(welcome.peer);
            self.transport.note_session(welcome.peer);
        }
        let said = dialect.say(message, &mut |frame| self.say(frame));
        if let Err(error) = said
            && let Some(said) = UNWRITABLE.happened()
        {
            let session = self.session.as_ref().map(PeerId::as_str);
            tracing::warn!(session.id = session, %error, "the message that begins a session could not be written{said}");
        }
    }

    /// What the dialect says by itself goes before the next message.
    pub(crate) fn answer(&mut self, frame: Frame, mailbox: &Mailbox) {
        self.say(frame);
        self.note(mailbox);
    }

    fn say(&mut self, frame: Frame) {
        self.unflushed = true;
        self.behind_bytes += frame.len();
        self.behind.push_back(frame);
    }

    /// Asks whether the client is there.
    pub(crate) fn ping(&mut self) -> Result<(), Gone> {
        self.start_send(Frame::Ping)
    }

    /// Writes the answers that still wait, says goodbye and waits for the client to do so, but not for long; then it is to
    /// be dropped. Signals that wait are not written any more: their senders are told that they were not.
    pub(crate) async fn close(
        &mut self,
        mailbox: &Mailbox,
        dialect: &mut dyn Dialect,
        closing: &Closing,
    ) {
        let goodbye = async {
            while let Some(message) = mailbox.pop() {
                if !matches!(message, ServerMessage::Signal(_)) {
                    poll_fn(|cx| self.poll_catch_up(cx)).await?;
                    self.put(&message, dialect)?;
                }
            }
            dialect.goodbye(closing, &mut |frame| self.say(frame));
            poll_fn(|cx| self.poll_catch_up(cx)).await?;
            self.start_send(Frame::Close(Some(closing.clone())))?;
            poll_fn(|cx| self.transport.poll_flush(cx)).await?;
            self.drain().await;
            Ok::<_, Gone>(())
        };
        // Whether it was heard is the client's affair: the connection is dropped either way.
        let patience = if mailbox.is_shed() {
            CLOSE_SHED
        } else {
            CLOSE_PATIENCE
        };
        let _ = tokio::time::timeout(patience, goodbye).await;
    }

    /// The client said goodbye, or is gone: answers the one, and notices the other at once.
    pub(crate) async fn finish(&mut self) {
        let _ = tokio::time::timeout(CLOSE_PATIENCE, self.drain()).await;
    }

    /// Reads to the end of the connection, which also sends what the closing handshake owes.
    async fn drain(&mut self) {
        if self.unreadable {
            return tokio::time::sleep(CLOSE_UNREAD).await;
        }
        while poll_fn(|cx| self.transport.poll_next(cx)).await.is_ok() {}
    }
}

#[cfg(test)]
mod tests;
