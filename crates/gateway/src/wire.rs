//! One socket, polled for both directions by one task: reading never stops because writing cannot go on.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Error;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use switchboard_cluster::Repeated;
use switchboard_protocol::{CloseCode, PeerId, ServerMessage};
use switchboard_session::Closing;
use tokio_tungstenite::tungstenite;

use crate::dialect::Dialect;
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
/// Frames that a dialect may have said by itself without the client reading any.
const BEHIND_MAX: usize = 256;
/// A control frame's payload: RFC 6455 section 5.5, less the two bytes of the code.
const REASON_BYTES_MAX: usize = 123;

/// Many clients can meet the same one.
static UNWRITABLE: Repeated = Repeated::new();

/// What carries frames: a WebSocket, or what Engine.IO makes of it and of several HTTP requests.
pub(crate) trait Socket:
    Stream<Item = Result<Message, Error>> + Sink<Message, Error = Error> + Unpin + Send
{
}

impl<S> Socket for S where
    S: Stream<Item = Result<Message, Error>> + Sink<Message, Error = Error> + Unpin + Send
{
}

/// A socket and what was put into it but not yet handed to the kernel.
pub(crate) struct Wire {
    socket: Box<dyn Socket>,
    /// Frames that are to be put into the socket before any other message is translated.
    behind: VecDeque<Message>,
    unflushed: bool,
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
            behind: VecDeque::new(),
            unflushed: false,
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
        let next = poll_fn(|cx| Poll::Ready(self.poll_read(cx))).await;
        if let Poll::Ready(frame) = next {
            self.ahead = Some(frame);
        }
        let ahead = self.ahead.as_ref();
        ahead.is_some_and(|frame| matches!(frame, Ok(Message::Close(_)) | Err(Ended::Gone)))
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
            if !self.unflushed {
                return Poll::Pending;
            }
            ready!(self.socket.poll_flush_unpin(cx))?;
            self.unflushed = false;
            if !self.signals.is_empty() {
                return Poll::Ready(Ok(Wrote::Signals(std::mem::take(&mut self.signals))));
            }
        }
    }

    /// Puts into the socket what is to go before the next message. Ready: it takes one more frame.
    fn poll_catch_up(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.socket.poll_ready_unpin(cx))?;
        while let Some(frame) = self.behind.pop_front() {
            self.socket.start_send_unpin(frame)?;
            ready!(self.socket.poll_ready_unpin(cx))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Translates a message for a socket that takes a frame. If there are more, the others wait.
    fn put(&mut self, message: &ServerMessage, dialect: &mut dyn Dialect) -> Result<(), Error> {
        let Self {
            socket,
            behind,
            unflushed,
            ..
        } = self;
        let (mut is_first, mut started) = (true, Ok(()));
        let said = dialect.say(message, &mut |frame| {
            *unflushed = true;
            if std::mem::take(&mut is_first) {
                started = socket.start_send_unpin(frame);
            } else {
                behind.push_back(frame);
            }
        });
        match (said, message) {
            (Err(error), _) => {
                if let Some(said) = UNWRITABLE.happened() {
                    tracing::warn!(%error, "a message from another node could not be written for its client{said}");
                }
            }
            (Ok(()), ServerMessage::Signal(signal)) => self.signals.push((signal.from, signal.id)),
            (Ok(()), _) => {}
        }
        started
    }

    /// Puts the message that begins the session before whatever the cluster had for it by then.
    pub(crate) fn begin_with(&mut self, message: &ServerMessage, dialect: &mut dyn Dialect) {
        self.unflushed = true;
        let said = dialect.say(message, &mut |frame| self.behind.push_back(frame));
        if let Err(error) = said
            && let Some(said) = UNWRITABLE.happened()
        {
            tracing::warn!(%error, "the message that begins a session could not be written{said}");
        }
    }

    /// What the dialect says by itself goes before the next message. False: too much waits, for the client does not read.
    pub(crate) fn say(&mut self, frame: Message) -> bool {
        self.unflushed = true;
        self.behind.push_back(frame);
        self.behind.len() <= BEHIND_MAX
    }

    /// Puts a WebSocket ping into the buffer.
    pub(crate) fn ping(&mut self) -> Result<(), Error> {
        self.unflushed = true;
        self.socket
            .start_send_unpin(Message::Ping(bytes::Bytes::new()))
    }

    /// Writes the answers that still wait, says goodbye and waits for the client to do so, but not for long. Signals that
    /// wait are not written any more: their senders are told that they were not.
    pub(crate) async fn close(
        mut self,
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
            dialect.goodbye(closing, &mut |frame| self.behind.push_back(frame));
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
    pub(crate) async fn finish(mut self) {
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
}
