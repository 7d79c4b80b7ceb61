//! A session of Engine.IO as a stream and a sink of messages, as a WebSocket is.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::Error;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use bytes::Bytes;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use switchboard_engineio::{Candidate, Ending, Frame, Message as Said, Session, Sid};
use switchboard_protocol::PeerId;
use tokio::time::{Sleep, sleep_until};
use tokio_tungstenite::tungstenite;

use super::{Arrival, Engine, Shared};
use crate::caller::Carriers;
use crate::wire;

pub(super) struct EngineSocket {
    /// The session of ours that it carries, once there is one.
    of: Option<PeerId>,
    engine: Arc<Engine>,
    sid: Sid,
    session: Shared,
    /// Connections that are the session's.
    carriers: Carriers,
    /// What carries the session, unless it polls.
    web_socket: Option<WebSocket>,
    /// What was opened to carry it.
    candidate: Option<Box<Arrival>>,
    timer: Pin<Box<Sleep>>,
    /// A ping was asked for. The session has its own, and ends when they are not answered.
    pinged: bool,
    /// For the WebSocket, behind all else.
    goodbye: Option<Message>,
    /// The WebSocket is told why the session ended.
    parting: bool,
}

impl EngineSocket {
    /// `web_socket`: what opened the session, unless it polls.
    pub(super) fn new(
        engine: Arc<Engine>,
        (sid, session): (Sid, Shared),
        carriers: Carriers,
        web_socket: Option<WebSocket>,
    ) -> Self {
        let wake_at = session.by_task(|session| session.wake_at());
        Self {
            of: None,
            engine,
            sid,
            session,
            carriers,
            web_socket,
            candidate: None,
            timer: Box::pin(sleep_until(wake_at.into())),
            pinged: false,
            goodbye: None,
            parting: false,
        }
    }

    fn ending(&self) -> Option<Ending> {
        self.session.by_task(|session| session.ending())
    }

    /// Says something to the client, whose session may be over.
    fn say(&self, say: impl FnOnce(&mut Session)) -> Result<(), Error> {
        self.session.by_task(|session| match session.ending() {
            Some(ending) => Err(Error::new(ending)),
            None => {
                say(session);
                Ok(())
            }
        })
    }

    /// Looks after the WebSocket that is to take over.
    fn poll_candidate(&mut self, cx: &mut Context<'_>) {
        if let Some(arrived) = self.session.take_arrived() {
            let is_wanted = |session: &mut Session| session.on_candidate(Instant::now());
            self.candidate = self.session.by_task(is_wanted).then_some(arrived);
        }
        while let Some(candidate) = &mut self.candidate {
            let socket = &mut candidate.socket;
            let frame = match socket.poll_next_unpin(cx) {
                Poll::Ready(frame) => frame,
                Poll::Pending if self.session.by_task(|session| session.has_candidate()) => {
                    // One that cannot be written to is noticed when it is read.
                    let _ = socket.poll_flush_unpin(cx);
                    return;
                }
                Poll::Pending => return self.candidate = None,
            };
            let verdict = self.session.by_task(|session| match frame {
                Some(Ok(Message::Text(text))) => session.on_candidate_text(&text, Instant::now()),
                _ => {
                    session.on_candidate_gone();
                    Candidate::Drop
                }
            });
            match verdict {
                Candidate::Reply(frame) => {
                    let _ = socket.start_send_unpin(message(frame));
                }
                Candidate::Switch => {
                    if let Some(candidate) = self.candidate.take() {
                        self.carriers.join(&candidate.parts);
                        self.web_socket = Some(candidate.socket);
                    }
                    // Where this was found while writing, it is not read yet.
                    cx.waker().wake_by_ref();
                }
                Candidate::Drop => self.candidate = None,
            }
        }
    }

    /// What comes over the WebSocket, or ends it.
    fn poll_web_socket(&mut self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        let Some(web_socket) = &mut self.web_socket else {
            return Poll::Pending;
        };
        let ending = match ready!(web_socket.poll_next_unpin(cx)) {
            Some(Ok(Message::Text(text))) => {
                let now = Instant::now();
                let said = self.session.by_task(|session| {
                    let said = session.on_text(&text, now);
                    said.map(|said| heard(said, &text))
                });
                // Any packet is a sign of life.
                return Poll::Ready(Some(said.unwrap_or(Message::Pong(Bytes::new()))));
            }
            Some(Ok(frame)) => return Poll::Ready(Some(frame)),
            Some(Err(error)) => what_broke(error),
            None => Ending::SocketGone,
        };
        self.session.by_task(|session| session.end(ending));
        Poll::Ready(None)
    }

    /// Moves what waits in the session to the WebSocket that carries it.
    fn poll_carry(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Some(web_socket) = &mut self.web_socket else {
            return Poll::Ready(Ok(()));
        };
        ready!(web_socket.poll_ready_unpin(cx))?;
        while let Some(frame) = self.session.by_task(Session::next_frame) {
            web_socket.start_send_unpin(message(frame))?;
            ready!(web_socket.poll_ready_unpin(cx))?;
        }
        if self.goodbye.is_some()
            && self.session.by_task(|session| session.all_taken())
            && let Some(goodbye) = self.goodbye.take()
        {
            web_socket.start_send_unpin(goodbye)?;
        }
        Poll::Ready(Ok(()))
    }

    /// What the session says by itself.
    fn poll_own(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.poll_carry(cx))?;
        match &mut self.web_socket {
            Some(web_socket) => web_socket.poll_flush_unpin(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_time(&mut self, cx: &mut Context<'_>) {
        while self.ending().is_none() {
            let wake_at = self.session.by_task(|session| session.wake_at()).into();
            if self.timer.deadline() != wake_at {
                self.timer.as_mut().reset(wake_at);
            }
            if self.timer.as_mut().poll(cx).is_pending() {
                return;
            }
            self.session
                .by_task(|session| session.on_time(Instant::now()));
        }
    }

    /// The session has ended: its WebSocket, if it has one that is open, hears so, and is read to its end.
    fn part(
        &mut self,
        ending: Ending,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Message, Error>>> {
        let is_first = !std::mem::replace(&mut self.parting, true);
        if is_first {
            let session = self.of.as_ref().map(PeerId::as_str);
            tracing::debug!(session.id = session, %ending, "a session of Engine.IO ended");
        }
        let Some(web_socket) = &mut self.web_socket else {
            return Poll::Ready(None);
        };
        if ending == Ending::SocketGone {
            return Poll::Ready(None);
        }
        if is_first {
            let code = match ending {
                Ending::BadPacket => close_code::PROTOCOL,
                Ending::TooMuch => close_code::SIZE,
                _ => close_code::NORMAL,
            };
            let reason = Utf8Bytes::from(ending.to_string());
            let _ = web_socket.start_send_unpin(Message::Close(Some(CloseFrame { code, reason })));
            let _ = web_socket.poll_flush_unpin(cx);
            return Poll::Ready(Some(Ok(Message::Close(None))));
        }
        let _ = web_socket.poll_flush_unpin(cx);
        web_socket.poll_next_unpin(cx)
    }
}

impl wire::Socket for EngineSocket {
    /// What is to be polled for; a WebSocket does not say what it has.
    fn unwritten(&self) -> Option<usize> {
        let polls = self.web_socket.is_none();
        polls.then(|| self.session.by_task(|session| session.waiting_bytes()))
    }

    fn note_session(&mut self, session: PeerId) {
        self.of = Some(session);
    }
}

impl Stream for EngineSocket {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if std::mem::take(&mut this.pinged) {
            return Poll::Ready(Some(Ok(Message::Pong(Bytes::new()))));
        }
        this.session.register(cx.waker());
        this.poll_candidate(cx);
        // What came in requests comes before what comes over the WebSocket that took over.
        if let Some(said) = this.session.by_task(Session::receive) {
            return Poll::Ready(Some(Ok(owned(said))));
        }
        if this.ending().is_none()
            && let Poll::Ready(Some(heard)) = this.poll_web_socket(cx)
        {
            return Poll::Ready(Some(Ok(heard)));
        }
        this.poll_time(cx);
        // Time may be up for it.
        this.poll_candidate(cx);
        if let Some(ending) = this.ending() {
            return this.part(ending, cx);
        }
        match this.poll_own(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Some(Err(error))),
            _ => Poll::Pending,
        }
    }
}

impl Sink<Message> for EngineSocket {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        this.session.register(cx.waker());
        this.poll_candidate(cx);
        ready!(this.poll_carry(cx))?;
        let (ending, takes) = this
            .session
            .by_task(|session| (session.ending(), session.takes()));
        match (ending, takes) {
            (Some(ending), _) => Poll::Ready(Err(Error::new(ending))),
            (None, true) => Poll::Ready(Ok(())),
            (None, false) => Poll::Pending,
        }
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        let this = self.get_mut();
        match message {
            Message::Ping(_) => this.pinged = true,
            Message::Pong(_) => {}
            Message::Close(_) => {
                this.session.by_task(Session::close);
                this.goodbye = Some(message);
            }
            Message::Text(text) => return this.say(|session| session.send_text(&text)),
            Message::Binary(bytes) => return this.say(|session| session.send_binary(bytes)),
        }
        Ok(())
    }

    /// Ready: all that was said is with the kernel.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        this.session.register(cx.waker());
        this.poll_candidate(cx);
        ready!(this.poll_own(cx))?;
        let (ending, all_taken) = this
            .session
            .by_task(|session| (session.ending(), session.all_taken()));
        match (ending, all_taken) {
            (_, true) => Poll::Ready(Ok(())),
            (Some(ending), false) => Poll::Ready(Err(Error::new(ending))),
            (None, false) => Poll::Pending,
        }
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_flush(cx)
    }
}

/// The session is over: nobody else may read or write in its place.
impl Drop for EngineSocket {
    fn drop(&mut self) {
        self.session
            .by_task(|session| session.end(Ending::ClosedHere));
        self.engine.sessions.remove(&self.sid);
    }
}

fn message(frame: Frame) -> Message {
    match frame {
        Frame::Text(text) => Message::Text(text.into()),
        Frame::Binary(bytes) => Message::Binary(bytes),
    }
}

/// Why a WebSocket cannot be read any more.
fn what_broke(error: Error) -> Ending {
    use tungstenite::Error::{Capacity, Protocol, Utf8};
    use tungstenite::error::ProtocolError::ResetWithoutClosingHandshake;
    match error.into_inner().downcast_ref() {
        Some(Protocol(ResetWithoutClosingHandshake)) => Ending::SocketGone,
        Some(Capacity(_)) => Ending::TooMuch,
        Some(Protocol(_) | Utf8(_)) => Ending::BadPacket,
        _ => Ending::SocketGone,
    }
}

/// What was said in a frame, without copying it.
fn heard(said: Said<'_>, frame: &Utf8Bytes) -> Message {
    match said {
        Said::Text(Cow::Borrowed(text)) => {
            let part = Bytes::from(frame.clone()).slice_ref(text.as_bytes());
            let text = Utf8Bytes::try_from(part).expect("a text from a character on is text");
            Message::Text(text)
        }
        said => owned(said),
    }
}

fn owned(said: Said<'_>) -> Message {
    match said {
        Said::Text(text) => Message::Text(text.into_owned().into()),
        Said::Binary(bytes) => Message::Binary(bytes.into_owned().into()),
    }
}
