//! A live session at work: one loop over its named events.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::extract::ws::Message;
use switchboard_protocol::PeerId;
use switchboard_session::{Input, Live, Origin, Output, Refused};
use tokio::time::{Sleep, sleep_until};

use super::{Connection, End};
use crate::dialect::native::Frame;
use crate::operations::{self, Asker};
use crate::wire::Wrote;

/// Frames that are read before writing gets its turn.
const READS_MAX: u32 = 32;

pub(super) type Performing = Pin<Box<dyn Future<Output = Result<(), Refused>> + Send>>;

/// A live session at work.
pub(super) struct Serving<'a> {
    connection: &'a mut Connection,
    live: Live,
    asker: Asker,
    performing: Option<Performing>,
    timer: Pin<Box<Sleep>>,
    reads_left: u32,
}

/// What the task wakes up for.
enum Event {
    Frame(Message),
    Wrote(Wrote),
    Performed(Result<(), Refused>),
    Timer,
    End(End),
}

impl<'a> Serving<'a> {
    pub(super) fn new(connection: &'a mut Connection, live: Live, asker: Asker) -> Self {
        let timer = Box::pin(sleep_until(live.wake_at().into()));
        Self {
            connection,
            live,
            asker,
            performing: None,
            timer,
            reads_left: READS_MAX,
        }
    }

    /// The session has ended: what its client may have been given counts as such, and the operation under way is told.
    pub(super) fn into_performing(self) -> Option<Performing> {
        self.note_begun(|_, _| true);
        self.performing
    }

    /// Until the client goes or this side ends it.
    pub(super) async fn run(&mut self) -> End {
        loop {
            let ended = match poll_fn(|cx| self.poll_event(cx)).await {
                Event::Frame(frame) => self.frame(&frame),
                Event::Wrote(wrote) => self.wrote(wrote),
                Event::Performed(result) => self.input(Input::Performed(result)),
                Event::Timer => self.input(Input::Tick),
                Event::End(end) => Some(end),
            };
            if let Some(end) = ended {
                return end;
            }
        }
    }

    /// Reading goes first, for a while, so that one flush serves a batch; then writing; a client that does not read does
    /// not stop either.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        let Connection { mailbox, wire, .. } = &mut *self.connection;
        mailbox.register(cx.waker());
        if let Some(closing) = mailbox.closing() {
            return Poll::Ready(Event::End(End::Close(closing.clone())));
        }
        if let Some(performing) = &mut self.performing
            && let Poll::Ready(result) = performing.as_mut().poll(cx)
        {
            self.performing = None;
            return Poll::Ready(Event::Performed(result));
        }
        let mut frame = if self.reads_left > 0 {
            wire.poll_read(cx)
        } else {
            Poll::Pending
        };
        if frame.is_pending() {
            let was_cut_short = self.reads_left == 0;
            self.reads_left = READS_MAX;
            match wire.poll_write(mailbox, cx) {
                Poll::Ready(Ok(wrote)) => return Poll::Ready(Event::Wrote(wrote)),
                Poll::Ready(Err(_)) => return Poll::Ready(Event::End(End::Gone)),
                Poll::Pending => {}
            }
            if was_cut_short {
                frame = wire.poll_read(cx);
            }
        }
        match frame {
            Poll::Ready(Ok(frame)) => {
                self.reads_left = self.reads_left.saturating_sub(1);
                Poll::Ready(Event::Frame(frame))
            }
            Poll::Ready(Err(ended)) => Poll::Ready(Event::End(ended.into())),
            Poll::Pending => self.timer.as_mut().poll(cx).map(|()| Event::Timer),
        }
    }

    fn frame(&mut self, frame: &Message) -> Option<End> {
        match self.connection.wire.native().decode(frame) {
            Frame::Message(Ok(message)) => self.input(Input::Message(message)),
            Frame::Message(Err(error)) => self.input(Input::Broken(error)),
            Frame::Alive => self.input(Input::Alive),
            Frame::Close => Some(End::Gone),
        }
    }

    fn wrote(&mut self, wrote: Wrote) -> Option<End> {
        match wrote {
            Wrote::RoomClosed(room) => self.input(Input::RoomGone(&room)),
            Wrote::Signals(signals) => {
                for (sender, id) in signals {
                    self.connection
                        .gateway
                        .node
                        .written(&self.asker.local, &sender, id);
                }
                None
            }
        }
    }

    /// Notes that the client may have these of the signals that are on their way to the kernel.
    fn note_begun(&self, may_have: impl Fn(&PeerId, u64) -> bool) {
        for (sender, id) in self
            .connection
            .wire
            .begun()
            .iter()
            .filter(|(sender, id)| may_have(sender, *id))
        {
            self.connection
                .gateway
                .node
                .begun(&self.asker.local, sender, *id);
        }
    }

    /// Gives the session an input and carries out what follows.
    fn input(&mut self, input: Input<'_>) -> Option<End> {
        let mut outputs = Vec::new();
        self.live.on(input, Instant::now(), &mut outputs);
        for output in outputs {
            if let Some(end) = self.carry_out(output) {
                return Some(end);
            }
        }
        let wake_at = self.live.wake_at().into();
        if self.timer.deadline() > wake_at || self.timer.is_elapsed() {
            self.timer.as_mut().reset(wake_at);
        }
        None
    }

    fn carry_out(&mut self, output: Output<'_>) -> Option<End> {
        let node = &self.connection.gateway.node;
        match output {
            Output::Send(message) => self.connection.answer(message),
            Output::Relay(signal, origin) => {
                let repeated = origin == Origin::PerhapsRepeated;
                if node.relay(&self.asker.local, &signal, repeated).is_err() {
                    let message = format!("you are not in the room {}; join it first", signal.room);
                    let refused =
                        Refused::new(switchboard_protocol::ErrorCode::NotAMember, message);
                    self.connection.answer(refused.to_error(Some(signal.id)));
                }
            }
            Output::Received(received) => {
                // A slow client may have read a signal of which the rest of its batch still waits.
                self.note_begun(|sender, id| *sender == received.from && id <= received.id);
                node.received(&self.asker.local, &received.from, received.id);
            }
            Output::Perform(operation) => {
                self.performing = Some(Box::pin(operations::perform(
                    node.clone(),
                    self.asker.clone(),
                    operation,
                )));
            }
            Output::Prove => {
                let (node, local) = (node.clone(), self.asker.local.clone());
                self.connection
                    .gateway
                    .tasks
                    .spawn(async move { node.prove(&local).await });
            }
            Output::Ping => {
                if self.connection.wire.ping().is_err() {
                    return Some(End::Gone);
                }
            }
            Output::Close(closing) => return Some(End::Close(closing)),
        }
        None
    }
}
