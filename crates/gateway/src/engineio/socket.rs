//! A session of Engine.IO as what carries a connection, as a WebSocket is.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::Error;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use futures_util::{SinkExt, StreamExt};
use switchboard_connection::{Ended, Gone, Transport};
use switchboard_dialects::{Frame, Text};
use switchboard_engineio::{
    Candidate, Ending, Frame as EngineFrame, Message as Said, Session, Sid,
};
use switchboard_protocol::PeerId;
use tokio::time::{Sleep, sleep_until};
use tokio_tungstenite::tungstenite;

use super::{Engine, OpenedSocket, Shared};
use crate::caller::Carriers;
use crate::frame;
use crate::web_socket::Unflushed;

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
    unflushed: Unflushed,
    /// What was opened to carry it.
    candidate: Option<Box<OpenedSocket>>,
    timer: Pin<Box<Sleep>>,
    /// A ping was asked for. The session has its own, and ends when they are not answered.
    pinged: bool,
    /// For the WebSocket, behind all else.
    goodbye: Option<Frame>,
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
            unflushed: Unflushed::default(),
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
    fn say(&self, say: impl FnOnce(&mut Session)) -> Result<(), Gone> {
        self.session.by_task(|session| match session.ending() {
            Some(_) => Err(Gone),
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
                    let _ = socket.start_send_unpin(frame::written(engine_frame(frame)));
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
    fn poll_web_socket(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame>> {
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
                return Poll::Ready(Some(said.unwrap_or(Frame::Pong)));
            }
            Some(Ok(message)) => return Poll::Ready(Some(frame::read(message))),
            Some(Err(error)) => what_broke(error),
            None => Ending::SocketGone,
        };
        self.session.by_task(|session| session.end(ending));
        Poll::Ready(None)
    }

    /// Moves what waits in the session to the WebSocket that carries it.
    fn poll_carry(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        let Some(web_socket) = &mut self.web_socket else {
            return Poll::Ready(Ok(()));
        };
        ready!(web_socket.poll_ready_unpin(cx)).map_err(|_| Gone)?;
        while let Some(frame) = self.session.by_task(Session::next_frame) {
            let message = frame::written(engine_frame(frame));
            web_socket.start_send_unpin(message).map_err(|_| Gone)?;
            ready!(web_socket.poll_ready_unpin(cx)).map_err(|_| Gone)?;
        }
        if self.goodbye.is_some()
            && self.session.by_task(|session| session.all_taken())
            && let Some(goodbye) = self.goodbye.take()
        {
            let goodbye = frame::written(goodbye);
            web_socket.start_send_unpin(goodbye).map_err(|_| Gone)?;
        }
        Poll::Ready(Ok(()))
    }

    /// What the session says by itself.
    fn poll_own(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        ready!(self.poll_carry(cx))?;
        match &mut self.web_socket {
            Some(web_socket) => web_socket.poll_flush_unpin(cx).map_err(|_| Gone),
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
    fn part(&mut self, ending: Ending, cx: &mut Context<'_>) -> Poll<Result<Frame, Ended>> {
        let is_first = !std::mem::replace(&mut self.parting, true);
        if is_first {
            let session = self.of.as_ref().map(PeerId::as_str);
            tracing::debug!(session.id = session, %ending, "a session of Engine.IO ended");
        }
        let Some(web_socket) = &mut self.web_socket else {
            return Poll::Ready(Err(Ended::Gone));
        };
        if ending == Ending::SocketGone {
            return Poll::Ready(Err(Ended::Gone));
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
            return Poll::Ready(Ok(Frame::Close(None)));
        }
        let _ = web_socket.poll_flush_unpin(cx);
        web_socket.poll_next_unpin(cx).map(|message| {
            let message = message.ok_or(Ended::Gone)?;
            message.map(frame::read).map_err(frame::ended)
        })
    }
}

impl Transport for EngineSocket {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, Ended>> {
        if std::mem::take(&mut self.pinged) {
            return Poll::Ready(Ok(Frame::Pong));
        }
        self.session.register(cx.waker());
        self.poll_candidate(cx);
        // What came in requests comes before what comes over the WebSocket that took over.
        if let Some(said) = self.session.by_task(Session::receive) {
            return Poll::Ready(Ok(owned(said)));
        }
        if self.ending().is_none()
            && let Poll::Ready(Some(heard)) = self.poll_web_socket(cx)
        {
            return Poll::Ready(Ok(heard));
        }
        self.poll_time(cx);
        // Time may be up for it.
        self.poll_candidate(cx);
        if let Some(ending) = self.ending() {
            return self.part(ending, cx);
        }
        match self.poll_own(cx) {
            Poll::Ready(Err(Gone)) => Poll::Ready(Err(Ended::Gone)),
            _ => Poll::Pending,
        }
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        self.session.register(cx.waker());
        self.poll_candidate(cx);
        ready!(self.poll_carry(cx))?;
        let (ending, takes) = self
            .session
            .by_task(|session| (session.ending(), session.takes()));
        match (ending, takes) {
            (Some(_), _) => Poll::Ready(Err(Gone)),
            (None, true) => {
                self.unflushed.ready();
                Poll::Ready(Ok(()))
            }
            (None, false) => Poll::Pending,
        }
    }

    fn start_send(&mut self, frame: Frame) -> Result<(), Gone> {
        self.unflushed.put(frame.len());
        match frame {
            Frame::Ping => self.pinged = true,
            Frame::Pong => {}
            Frame::Close(_) => {
                self.session.by_task(Session::close);
                self.goodbye = Some(frame);
            }
            Frame::Text(text) => return self.say(|session| session.send_text(&text)),
            Frame::Binary(bytes) => return self.say(|session| session.send_binary(bytes)),
        }
        Ok(())
    }

    /// Ready: all that was said is with the kernel.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        self.session.register(cx.waker());
        self.poll_candidate(cx);
        ready!(self.poll_own(cx))?;
        let (ending, all_taken) = self
            .session
            .by_task(|session| (session.ending(), session.all_taken()));
        match (ending, all_taken) {
            (_, true) => {
                self.unflushed.flushed();
                Poll::Ready(Ok(()))
            }
            (Some(_), false) => Poll::Ready(Err(Gone)),
            (None, false) => Poll::Pending,
        }
    }

    /// What is to be polled for, or what a WebSocket has, which does not say so.
    fn unwritten(&self) -> usize {
        match self.web_socket {
            None => self.session.by_task(|session| session.waiting_bytes()),
            Some(_) => self.unflushed.bytes(),
        }
    }

    fn note_session(&mut self, session: PeerId) {
        self.of = Some(session);
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

fn engine_frame(frame: EngineFrame) -> Frame {
    match frame {
        EngineFrame::Text(text) => Frame::Text(text.into()),
        EngineFrame::Binary(bytes) => Frame::Binary(bytes),
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

/// A message in its packet.
struct InPacket {
    packet: Utf8Bytes,
    from: usize,
}

impl AsRef<str> for InPacket {
    fn as_ref(&self) -> &str {
        &self.packet[self.from..]
    }
}

/// What was said in a packet, without copying it: it is the packet's end.
fn heard(said: Said<'_>, packet: &Utf8Bytes) -> Frame {
    match said {
        Said::Text(Cow::Borrowed(text)) => Frame::Text(Text::lent(InPacket {
            packet: packet.clone(),
            from: packet.len() - text.len(),
        })),
        said => owned(said),
    }
}

fn owned(said: Said<'_>) -> Frame {
    match said {
        Said::Text(text) => Frame::Text(text.into_owned().into()),
        Said::Binary(bytes) => Frame::Binary(bytes.into_owned().into()),
    }
}
