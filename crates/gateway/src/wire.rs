//! One socket, polled for both directions by one task: reading never stops because writing cannot go on.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::Error;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};
use switchboard_cluster::Repeated;
use switchboard_protocol::{CloseCode, PeerId, ServerMessage};
use switchboard_session::Closing;
use tokio::time::{Sleep, sleep_until};
use tokio_tungstenite::tungstenite;

use crate::dialect::Dialect;
use crate::handshake::WRITE_BUFFER_BYTES;
use crate::mailbox::Mailbox;

/// Messages that are put into the socket's buffer between two flushes.
const BATCH: usize = 256;
/// A client gets this long to take the close frame and answer it.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);
/// The same where its answer cannot be read any more: a connection that is dropped with unread bytes is reset, and a
/// reset may overtake the close frame.
const CLOSE_UNREAD: Duration = Duration::from_millis(500);
/// The same where others wait for the place.
const CLOSE_SHED: Duration = Duration::from_millis(100);
/// A control frame's payload: RFC 6455 section 5.5, less the two bytes of the code.
const REASON_BYTES_MAX: usize = 123;

/// Many clients can meet the same one.
static UNWRITABLE: Repeated = Repeated::new();

/// What carries frames: a WebSocket, or what Engine.IO makes of it and of several HTTP requests.
pub(crate) trait Socket:
    Stream<Item = Result<Message, Error>> + Sink<Message, Error = Error> + Unpin + Send
{
    /// Bytes that it has taken and not handed to the kernel, where it knows. `None`: whatever came since it was flushed,
    /// as far as its buffer goes.
    fn unwritten(&self) -> Option<usize> {
        None
    }

    /// Whose it is from now on, for its log.
    fn note_session(&mut self, _: PeerId) {}
}

impl Socket for WebSocket {}

/// A socket and what was put into it but not yet handed to the kernel.
pub(crate) struct Wire {
    socket: Box<dyn Socket>,
    /// Whose it is, once it is somebody's.
    session: Option<PeerId>,
    /// Frames that are to be put into the socket before any other message is translated.
    behind: VecDeque<Message>,
    behind_bytes: usize,
    unflushed: bool,
    /// Bytes put into the socket since it was flushed, as far as it may keep them.
    unflushed_bytes: usize,
    /// When the dialect has something to say that it put off.
    settle_at: Option<Pin<Box<Sleep>>>,
    /// Signals among the unflushed: sender and id.
    signals: Vec<(PeerId, u64)>,
    /// Something came after which nothing can be read.
    unreadable: bool,
    /// It came while nobody waited for it.
    ahead: Option<Result<Message, Ended>>,
}

/// Why there is no next frame.
pub(crate) enum Ended {
    /// The connection is gone.
    Gone,
    /// What came is no frame, or too long a message.
    Unreadable(Closing),
}

/// What was written.
pub(crate) enum Wrote {
    /// The kernel has these signals.
    Signals(Vec<(PeerId, u64)>),
    /// A message went in that the session must know of.
    RoomClosed(switchboard_protocol::RoomId),
}

impl Wire {
    pub(crate) fn new(socket: impl Socket + 'static) -> Self {
        Self {
            socket: Box::new(socket),
            session: None,
            behind: VecDeque::new(),
            behind_bytes: 0,
            unflushed: false,
            unflushed_bytes: 0,
            settle_at: None,
            signals: Vec::new(),
            unreadable: false,
            ahead: None,
        }
    }

    /// The next frame.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, Ended>> {
        if let Some(frame) = self.ahead.take() {
            return Poll::Ready(frame);
        }
        self.socket.poll_next_unpin(cx).map(|frame| {
            let ended = frame.ok_or(Ended::Gone)?.map_err(ended);
            ended.inspect_err(|ended| self.unreadable = matches!(ended, Ended::Unreadable(_)))
        })
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
            Some(Ok(Message::Close(_)) | Err(Ended::Gone)) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }

    /// Signals of which the client may have a part, or all: they were begun, but not all is with the kernel.
    pub(crate) fn begun(&self) -> &[(PeerId, u64)] {
        &self.signals
    }

    /// Moves messages from the mailbox to the kernel. Pending: nothing is left to move, or the kernel takes no more.
    pub(crate) fn poll_write(
        &mut self,
        mailbox: &Mailbox,
        dialect: &mut dyn Dialect,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Wrote, Error>> {
        let wrote = self.poll_move(mailbox, dialect, cx);
        self.note(mailbox);
        wrote
    }

    fn poll_move(
        &mut self,
        mailbox: &Mailbox,
        dialect: &mut dyn Dialect,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Wrote, Error>> {
        loop {
            for _ in 0..BATCH {
                ready!(self.poll_catch_up(cx))?;
                let Some(message) = mailbox.pop() else { break };
                let closed = match &message {
                    ServerMessage::RoomClosed(closed) => Some(closed.room.clone()),
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
                ready!(self.socket.poll_flush_unpin(cx))?;
                self.unflushed = false;
                self.unflushed_bytes = 0;
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
        let at = dialect.settle(Instant::now(), &mut |frame| self.say(frame));
        self.settle_at = match (at, self.settle_at.take()) {
            (None, _) => None,
            (Some(at), Some(known)) if known.deadline() == at.into() => Some(known),
            (Some(at), _) => Some(Box::pin(sleep_until(at.into()))),
        };
    }

    /// Tells the mailbox what waits here. The frame that goes next may be larger than all that may wait: the `welcome` of
    /// somebody who is in large rooms.
    fn note(&self, mailbox: &Mailbox) {
        let next = self.behind.front().map_or(0, bytes);
        let in_socket = self.socket.unwritten().unwrap_or(self.unflushed_bytes);
        mailbox.note_written(self.behind_bytes - next, next + in_socket);
    }

    /// Puts into the socket what is to go before the next message. Ready: it takes one more frame.
    fn poll_catch_up(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.poll_ready(cx))?;
        while let Some(frame) = self.behind.pop_front() {
            self.behind_bytes -= bytes(&frame);
            self.start_send(frame)?;
            ready!(self.poll_ready(cx))?;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.socket.poll_ready_unpin(cx))?;
        // It writes whatever is more than its buffer before it takes the next frame.
        self.unflushed_bytes = self.unflushed_bytes.min(WRITE_BUFFER_BYTES);
        Poll::Ready(Ok(()))
    }

    fn start_send(&mut self, frame: Message) -> Result<(), Error> {
        self.unflushed = true;
        self.unflushed_bytes += bytes(&frame);
        self.socket.start_send_unpin(frame)
    }

    /// Translates a message for a socket that takes a frame. If there are more, the others wait.
    fn put(&mut self, message: &ServerMessage, dialect: &mut dyn Dialect) -> Result<(), Error> {
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
            self.socket.note_session(welcome.peer);
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
    pub(crate) fn answer(&mut self, frame: Message, mailbox: &Mailbox) {
        self.say(frame);
        self.note(mailbox);
    }

    fn say(&mut self, frame: Message) {
        self.unflushed = true;
        self.behind_bytes += bytes(&frame);
        self.behind.push_back(frame);
    }

    /// Puts a WebSocket ping into the buffer.
    pub(crate) fn ping(&mut self) -> Result<(), Error> {
        self.unflushed = true;
        self.socket
            .start_send_unpin(Message::Ping(bytes::Bytes::new()))
    }

    /// Writes the answers that still wait, says goodbye and waits for the client to do so, but not for long; then it is to
    /// be dropped. Signals that wait are not written any more: their senders are told that they were not.
    pub(crate) async fn close(
        &mut self,
        mailbox: &Mailbox,
        dialect: &mut dyn Dialect,
        closing: &Closing,
    ) {
        let frame = CloseFrame {
            code: closing.code.number(),
            reason: reason(closing),
        };
        let goodbye = async {
            while let Some(message) = mailbox.pop() {
                if !matches!(message, ServerMessage::Signal(_)) {
                    poll_fn(|cx| self.poll_catch_up(cx)).await?;
                    self.put(&message, dialect)?;
                }
            }
            dialect.goodbye(closing, &mut |frame| self.say(frame));
            poll_fn(|cx| self.poll_catch_up(cx)).await?;
            self.socket.send(Message::Close(Some(frame))).await?;
            self.drain().await;
            Ok::<_, Error>(())
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
        while let Some(Ok(_)) = self.socket.next().await {}
    }
}

fn bytes(frame: &Message) -> usize {
    match frame {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) | Message::Ping(bytes) | Message::Pong(bytes) => bytes.len(),
        Message::Close(_) => 0,
    }
}

/// What an error of the socket means for its client.
fn ended(error: Error) -> Ended {
    use tungstenite::Error::{Capacity, Protocol, Utf8};
    use tungstenite::error::{CapacityError, ProtocolError};
    let closing = match error.into_inner().downcast_ref() {
        Some(Capacity(CapacityError::MessageTooLong { max_size, .. })) => Closing::because(
            CloseCode::TooLarge,
            format!("a message may have {max_size} bytes at most"),
        ),
        None | Some(Protocol(ProtocolError::ResetWithoutClosingHandshake)) => return Ended::Gone,
        Some(error @ (Protocol(_) | Utf8(_))) => {
            Closing::because(CloseCode::Protocol, error.to_string())
        }
        Some(_) => return Ended::Gone,
    };
    Ended::Unreadable(closing)
}

/// What a close frame says: words, and where coming back helps after a while, JSON with that time.
fn reason(closing: &Closing) -> Utf8Bytes {
    let Some(pause) = closing.retry_after else {
        return cut(&closing.reason, REASON_BYTES_MAX).into();
    };
    let retry_after_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
    let with = |reason: &str| {
        serde_json::json!({ "retry_after_ms": retry_after_ms, "reason": reason }).to_string()
    };
    let room = REASON_BYTES_MAX.saturating_sub(with("").len());
    let full = with(cut(&closing.reason, room));
    if full.len() <= REASON_BYTES_MAX {
        full.into()
    } else {
        with("").into()
    }
}

fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

#[cfg(test)]
mod tests {
    use switchboard_protocol::CloseCode;

    use super::*;

    #[test]
    fn a_reason_fits_a_control_frame_and_tells_when_to_come_back() {
        let long = Closing::because(CloseCode::Unavailable, "한".repeat(100))
            .retry_after(Duration::from_millis(1500));
        let told = reason(&long);
        assert!(told.len() <= REASON_BYTES_MAX, "{told}");
        let json: serde_json::Value = serde_json::from_str(&told).expect("JSON");
        assert_eq!(json["retry_after_ms"], 1500);
        assert!(
            reason(&Closing::because(CloseCode::Protocol, "x".repeat(500))).len()
                <= REASON_BYTES_MAX
        );
    }

    /// A client that reads nothing, after so many frames.
    struct Deaf {
        takes: usize,
    }

    impl Socket for Deaf {}

    impl Stream for Deaf {
        type Item = Result<Message, Error>;

        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Pending
        }
    }

    impl Sink<Message> for Deaf {
        type Error = Error;

        fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
            match self.takes {
                0 => Poll::Pending,
                _ => Poll::Ready(Ok(())),
            }
        }

        fn start_send(mut self: Pin<&mut Self>, _: Message) -> Result<(), Error> {
            self.takes -= 1;
            Ok(())
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
            Poll::Pending
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
            Poll::Pending
        }
    }

    /// A client that has said something, and then nothing.
    struct Talking(VecDeque<Message>);

    impl Socket for Talking {}

    impl Stream for Talking {
        type Item = Result<Message, Error>;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            match self.0.pop_front() {
                Some(said) => Poll::Ready(Some(Ok(said))),
                None => Poll::Pending,
            }
        }
    }

    impl Sink<Message> for Talking {
        type Error = Error;

        fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
            Poll::Ready(Ok(()))
        }

        fn start_send(self: Pin<&mut Self>, _: Message) -> Result<(), Error> {
            Ok(())
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn that_a_client_is_gone_is_noticed_ahead_and_nothing_that_it_said_is_lost() {
        let said = [frame(3), Message::Close(None)];
        let mut wire = Wire::new(Talking(said.into()));
        let mut cx = Context::from_waker(std::task::Waker::noop());
        for _ in 0..2 {
            assert!(wire.poll_over(&mut cx).is_pending());
        }
        let read = |wire: &mut Wire, cx: &mut Context<'_>| wire.poll_read(cx).map(Result::ok);
        assert_eq!(read(&mut wire, &mut cx), Poll::Ready(Some(frame(3))));
        for _ in 0..2 {
            assert!(wire.poll_over(&mut cx).is_ready());
        }
        let goodbye = Poll::Ready(Some(Message::Close(None)));
        assert_eq!(read(&mut wire, &mut cx), goodbye);
    }

    fn frame(bytes: usize) -> Message {
        Message::Text("x".repeat(bytes).into())
    }

    #[test]
    fn what_a_dialect_says_by_itself_counts_and_closes_a_client_that_does_not_read() {
        let (mut wire, mailbox) = (Wire::new(Deaf { takes: 0 }), Mailbox::new(10_000));
        for _ in 0..10 {
            wire.answer(frame(1000), &mailbox);
        }
        assert_eq!(mailbox.bytes(), 10_000);
        assert!(mailbox.closing().is_none());
        wire.answer(frame(1000), &mailbox);
        wire.answer(frame(1000), &mailbox);
        let closing = mailbox.closing().expect("it is closed");
        assert_eq!(closing.code, CloseCode::SlowConsumer);
        assert!(closing.reason.contains("limits.outbox_bytes"));
    }

    #[test]
    fn frames_and_messages_that_wait_count_together_and_so_does_what_the_socket_has() {
        let (mut wire, mailbox) = (Wire::new(Deaf { takes: 1 }), Mailbox::new(10_000));
        let mut dialect = crate::dialect::native::Native::new(switchboard_protocol::Codec::Json);
        for _ in 0..9 {
            wire.answer(frame(1000), &mailbox);
        }
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(
            wire.poll_write(&mailbox, &mut dialect, &mut cx)
                .is_pending()
        );
        assert_eq!(mailbox.bytes(), 9000, "one is in the socket");
        let pong = || switchboard_protocol::server_message::Pong { re: None };
        assert!(mailbox.push_weighing(pong().into(), 2000).is_ok());
        assert!(mailbox.push_weighing(pong().into(), 2000).is_err());
        let closing = mailbox.closing().expect("it is closed");
        assert_eq!(closing.code, CloseCode::SlowConsumer);
    }

    #[test]
    fn one_frame_may_be_larger_than_all_that_may_wait() {
        let (mut wire, mailbox) = (Wire::new(Deaf { takes: 0 }), Mailbox::new(1000));
        wire.answer(frame(5000), &mailbox);
        assert!(mailbox.closing().is_none());
        assert_eq!(mailbox.bytes(), 5000);
    }
}
