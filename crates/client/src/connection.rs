//! One WebSocket to one gateway, from `hello` on.
//!
//! The one idea: nothing here waits unless it is asked to, so that one task reads, answers and writes without ever
//! blocking one on the other. [`Connection::feed`] only fills a buffer; [`Connection::next`] hands out what has been
//! read, and once nothing is left, writes everything fed, in one system call, and waits for the socket in both
//! directions. A loop of `next` and `feed` therefore writes once per batch by itself:
//!
//! ```text
//! read 64 KiB ─► next, feed, next, feed, …, next ─► one write ─► wait
//! ```
//!
//! An idle connection costs its struct and at most 1 KiB each way: every connection of a thread reads into the same
//! scratch buffer, and buffers that have emptied are given back.

mod error;
mod handshake;
mod inbox;
mod options;
mod outbox;

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

use switchboard_protocol::client_message::{Bye, Hello};
use switchboard_protocol::server_message::Welcome;
use switchboard_protocol::{ClientMessage, Codec, Fault, ServerMessage};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

pub use error::{Closed, ConnectError, Disconnected, FeedError};
pub use options::Options;

use inbox::{Inbox, Incoming};
use outbox::Outbox;

/// A pong is no longer queued behind more than this: a gateway that does not read does not wait for it.
const PONG_BEHIND_BYTES_MAX: usize = 64 * 1024;

thread_local! {
    static ENCODED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// One WebSocket, welcomed.
pub struct Connection {
    stream: TcpStream,
    codec: Codec,
    inbox: Inbox,
    outbox: Outbox,
    /// From `welcome`; until then only `hello` is fed.
    message_bytes_max: usize,
    ended: Option<Disconnected>,
}

impl Connection {
    /// Connects, says `hello` and waits for `welcome`.
    pub async fn open(options: &Options) -> Result<(Self, Welcome), ConnectError> {
        tokio::time::timeout(options.open_timeout, Self::open_without_limit(options))
            .await
            .map_err(|_| ConnectError::TimedOut)?
    }

    async fn open_without_limit(options: &Options) -> Result<(Self, Welcome), ConnectError> {
        let mut connection = Self::upgrade(options).await?;
        let hello = ClientMessage::Hello(Hello {
            token: options
                .token
                .as_deref()
                .filter(|_| !options.bearer)
                .map(Into::into),
            name: options.name.as_deref().map(Into::into),
            avatar: options.avatar.as_deref().map(Into::into),
            receipts: options.receipts,
            resume: options.resume.clone(),
            agent: options.agent.as_deref().map(Into::into),
        });
        connection
            .feed(&hello)
            .map_err(|error| ConnectError::Options(error.to_string()))?;
        loop {
            if let ServerMessage::Welcome(welcome) = connection.next().await? {
                let bytes_max = welcome.limits.max_message_bytes;
                connection.message_bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
                return Ok((connection, *welcome));
            }
        }
    }

    /// Connects and upgrades, and leaves `hello` to the caller: for tests of what a gateway does without one. Not
    /// under [`Options::open_timeout`].
    pub async fn upgrade(options: &Options) -> Result<Self, ConnectError> {
        let (stream, early) = handshake::upgrade(options).await?;
        let mut inbox = Inbox::default();
        inbox.push(&early);
        Ok(Self {
            stream,
            codec: options.codec,
            inbox,
            outbox: Outbox::default(),
            message_bytes_max: usize::MAX,
            ended: None,
        })
    }

    /// How messages are written here.
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// Bytes fed and not yet written. Nothing bounds them but the caller.
    pub fn unwritten(&self) -> usize {
        self.outbox.len()
    }

    /// Puts a message behind what waits to be written. No system call. On an error nothing was added: in particular,
    /// a message that the gateway would close the connection for.
    pub fn feed(&mut self, message: &ClientMessage<'_>) -> Result<(), FeedError> {
        ENCODED.with_borrow_mut(|encoded| {
            encoded.clear();
            self.codec.encode_client(message, encoded)?;
            if encoded.len() > self.message_bytes_max {
                return Err(FeedError::TooLarge {
                    bytes: encoded.len(),
                    bytes_max: self.message_bytes_max,
                });
            }
            self.feed_frame(encoded);
            Ok(())
        })
    }

    /// Puts a frame of the codec's kind behind what waits, whatever it holds: for tests with bad messages, and for
    /// sending one encoded message many times.
    pub fn feed_frame(&mut self, message: &[u8]) {
        let kind = match self.codec {
            Codec::Json => Data::Text,
            Codec::MessagePack => Data::Binary,
        };
        self.outbox.push(OpCode::Data(kind), message);
    }

    /// Writes what the kernel takes at once and does not wait for more; [`Self::next`] goes on with the rest.
    pub fn try_flush(&mut self) {
        let _ = self.poll_flush(&mut Context::from_waker(std::task::Waker::noop()));
    }

    /// Waits until everything fed is written; nothing is read meanwhile. Cancel safe.
    ///
    /// Rarely needed, because [`Self::next`] writes too.
    pub async fn flush(&mut self) -> Result<(), Disconnected> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// As [`Self::flush`]. What a broken connection cannot take is dropped; [`Self::next`] then tells why it ended.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Disconnected>> {
        let written = ready!(self.outbox.poll_write(cx, &mut self.stream));
        Poll::Ready(written.map_err(|error| {
            self.outbox.clear();
            Disconnected::Lost(error.kind())
        }))
    }

    /// The next message; before waiting for it, writes what was fed. Messages of unknown types are passed over, and
    /// WebSocket pings answered. Cancel safe. After the end, says the same again.
    pub async fn next(&mut self) -> Result<ServerMessage, Disconnected> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// As [`Self::next`], for a task that drives many connections.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<ServerMessage, Disconnected>> {
        loop {
            if let Some(message) = self.try_next()? {
                return Poll::Ready(Ok(message));
            }
            // A failure to write is no reason to stop reading: the close frame that says why may be there already.
            let _ = self.poll_flush(cx);
            match ready!(self.inbox.poll_fill(cx, &mut self.stream)) {
                Ok(0) => self.ended = Some(Disconnected::Lost(io::ErrorKind::UnexpectedEof)),
                Ok(_) => {}
                Err(error) => self.ended = Some(Disconnected::Lost(error.kind())),
            }
        }
    }

    /// The next message among those already read, without a system call and without waiting.
    pub fn try_next(&mut self) -> Result<Option<ServerMessage>, Disconnected> {
        if let Some(ended) = &self.ended {
            return Err(ended.clone());
        }
        self.take_message()
            .inspect_err(|ended| self.ended = Some(ended.clone()))
    }

    fn take_message(&mut self) -> Result<Option<ServerMessage>, Disconnected> {
        loop {
            let decoded = match self.inbox.next()? {
                None => return Ok(None),
                Some(Incoming::Message(body)) => self.codec.decode_server(body),
                Some(Incoming::Whole(body)) => self.codec.decode_server(&body),
                Some(Incoming::Ping(body)) => {
                    if self.outbox.len() <= PONG_BEHIND_BYTES_MAX {
                        self.outbox.push(OpCode::Control(Control::Pong), body);
                    }
                    continue;
                }
                Some(Incoming::Close(body)) => {
                    let closed = Closed::read(body);
                    // RFC 6455 section 5.5.1: a close frame is answered by one with its code.
                    self.outbox
                        .push(OpCode::Control(Control::Close), &body[..body.len().min(2)]);
                    self.try_flush();
                    return Err(Disconnected::Closed(closed));
                }
            };
            match decoded {
                Ok(message) => return Ok(Some(message)),
                Err(error) if matches!(error.fault, Fault::UnknownType(_)) => {}
                Err(error) => return Err(Disconnected::Message(error)),
            }
        }
    }

    /// Says `bye`, and reads until the gateway has closed: 1000 where all went well. What else comes is dropped.
    pub async fn bye(mut self) -> Disconnected {
        self.feed(&ClientMessage::Bye(Bye::default()))
            .expect("`bye` has no fields that could not be written");
        loop {
            if let Err(ended) = self.next().await {
                return ended;
            }
        }
    }
}

#[cfg(test)]
mod tests;
