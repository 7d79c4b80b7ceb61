//! A live session at work: one loop over its named events.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::extract::ws::Message;
use switchboard_cluster::NotAMember;
use switchboard_protocol::client_message::Signal;
use switchboard_protocol::server_message::Done;
use switchboard_protocol::{ErrorCode, PeerId, ServerMessage};
use switchboard_session::{Input, Live, Operation, Origin, Output, Refused, SignalToName};
use tokio::time::{Sleep, sleep_until};

use super::{Connection, End};
use crate::dialect::{self, Dialect, Heard};
use crate::gateway::Gateway;
use crate::mailbox::Mailbox;
use crate::operations::{self, Asker};
use crate::tasks::{self, Task};
use crate::wire::{Wire, Wrote};

/// What a message has besides a payload or a profile, roughly.
const MESSAGE_BYTES: usize = 128;

/// Frames that are read before writing gets its turn.
const READS_MAX: u32 = 32;

pub(super) type Performing = Pin<Box<dyn Future<Output = Result<(), Refused>> + Send>>;

/// A live session at work.
pub(super) struct Serving<'a> {
    wire: &'a mut Wire,
    dialect: &'a mut dyn Dialect,
    work: Work,
    reads_left: u32,
}

/// The session itself, and what it has under way.
struct Work {
    gateway: Arc<Gateway>,
    mailbox: Arc<Mailbox>,
    live: Live,
    asker: Asker,
    performing: Option<Performing>,
    timer: Pin<Box<Sleep>>,
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
            work: Work {
                gateway: connection.gateway.clone(),
                mailbox: connection.mailbox.clone(),
                live,
                asker,
                performing: None,
                timer,
            },
            wire: &mut connection.wire,
            dialect: &mut *connection.dialect,
            reads_left: READS_MAX,
        }
    }

    /// The session has ended: what its client may have been given counts as such, and the operation under way is told.
    pub(super) fn into_performing(self) -> Option<Performing> {
        self.work.note_begun(self.wire, |_, _| true);
        self.work.performing
    }

    /// Until the client goes or this side ends it.
    pub(super) async fn run(&mut self) -> End {
        if let Some(end) = self.hear(|dialect, heard| dialect.hear_rest(heard)) {
            return end;
        }
        loop {
            let event = poll_fn(|cx| self.poll_event(cx)).await;
            let (work, wire) = (&mut self.work, &mut *self.wire);
            let ended = match event {
                Event::Frame(frame) => {
                    self.hear(|dialect, heard| dialect::hear(dialect, &frame, heard))
                }
                Event::Wrote(wrote) => work.wrote(wrote, wire),
                Event::Performed(result) => work.input(Input::Performed(result), wire),
                Event::Timer => work
                    .input(Input::Tick, wire)
                    .or_else(|| self.hear(|dialect, heard| dialect.tick(Instant::now(), heard))),
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
        let Self {
            wire,
            dialect,
            work,
            reads_left,
        } = self;
        let mailbox = &work.mailbox;
        mailbox.register(cx.waker());
        if let Some(closing) = mailbox.closing() {
            return Poll::Ready(Event::End(End::Close(closing.clone())));
        }
        if let Some(performing) = &mut work.performing
            && let Poll::Ready(result) = performing.as_mut().poll(cx)
        {
            work.performing = None;
            return Poll::Ready(Event::Performed(result));
        }
        let mut frame = if *reads_left > 0 {
            wire.poll_read(cx)
        } else {
            Poll::Pending
        };
        if frame.is_pending() {
            let was_cut_short = *reads_left == 0;
            *reads_left = READS_MAX;
            match wire.poll_write(mailbox, *dialect, cx) {
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
                *reads_left = reads_left.saturating_sub(1);
                Poll::Ready(Event::Frame(frame))
            }
            Poll::Ready(Err(ended)) => Poll::Ready(Event::End(ended.into())),
            Poll::Pending => work.timer.as_mut().poll(cx).map(|()| Event::Timer),
        }
    }

    /// Carries out what the dialect hears, up to what ends the session.
    fn hear(
        &mut self,
        hear: impl FnOnce(&mut dyn Dialect, &mut dyn FnMut(Heard<'_>)),
    ) -> Option<End> {
        let (work, wire) = (&mut self.work, &mut *self.wire);
        let mut end = None;
        hear(self.dialect, &mut |heard| {
            if end.is_none() {
                end = work.heard(heard, wire);
            }
        });
        end
    }
}

impl Work {
    fn heard(&mut self, heard: Heard<'_>, wire: &mut Wire) -> Option<End> {
        match heard {
            // A dialect says so once.
            Heard::Hello(_) => None,
            Heard::Input(input) => self.input(input, wire),
            Heard::Say(frame) => {
                wire.answer(frame, &self.mailbox);
                None
            }
            Heard::Close => Some(End::Gone),
            Heard::End(closing) => Some(End::Close(closing)),
        }
    }

    fn wrote(&mut self, wrote: Wrote, wire: &mut Wire) -> Option<End> {
        match wrote {
            Wrote::RoomClosed(room) => self.input(Input::RoomGone(&room), wire),
            Wrote::Signals(signals) => {
                for (sender, id) in signals {
                    self.gateway.node.written(&self.asker.local, &sender, id);
                }
                None
            }
        }
    }

    /// Notes that the client may have these of the signals that are on their way to the kernel.
    fn note_begun(&self, wire: &Wire, may_have: impl Fn(&PeerId, u64) -> bool) {
        let begun = wire.begun().iter();
        for (sender, id) in begun.filter(|(sender, id)| may_have(sender, *id)) {
            self.gateway.node.begun(&self.asker.local, sender, *id);
        }
    }

    /// Gives the session an input and carries out what follows.
    fn input(&mut self, input: Input<'_>, wire: &mut Wire) -> Option<End> {
        let mut outputs = Vec::new();
        self.live.on(input, Instant::now(), &mut outputs);
        for output in outputs {
            if let Some(end) = self.carry_out(output, wire) {
                return Some(end);
            }
        }
        let wake_at = self.live.wake_at().into();
        if self.timer.deadline() > wake_at || self.timer.is_elapsed() {
            self.timer.as_mut().reset(wake_at);
        }
        None
    }

    fn carry_out(&mut self, output: Output<'_>, wire: &mut Wire) -> Option<End> {
        let node = self.gateway.node.clone();
        match output {
            Output::Send(message) => self.answer(message),
            Output::Allow { id, bytes } => {
                let done = Done { re: id, to: None };
                // A full outbox closes the session by itself.
                let _ = self.mailbox.push_weighing(done.into(), bytes);
            }
            Output::Relay(signal, origin) => {
                let repeated = origin == Origin::PerhapsRepeated;
                if !repeated && let Err(refused) = self.spread_signal(&signal) {
                    self.answer(refused.to_error(Some(signal.id)));
                    return None;
                }
                let relayed = node.relay(&self.asker.local, &signal, repeated);
                self.refuse_unless(relayed, &signal);
            }
            Output::RelayToName(SignalToName { signal, name }) => {
                let relayed = node.relay_to_name(&self.asker.local, &signal, &name);
                self.refuse_unless(relayed, &signal);
            }
            Output::Received(received) => {
                // A slow client may have read a signal of which the rest of its batch still waits.
                self.note_begun(wire, |sender, id| {
                    *sender == received.from && id <= received.id
                });
                node.received(&self.asker.local, &received.from, received.id);
            }
            Output::Perform(operation) => {
                let spread = self.spread_operation(&operation);
                let asker = self.asker.clone();
                self.performing = Some(match spread {
                    Ok(()) => Box::pin(operations::perform(node, asker, operation)),
                    Err(refused) => Box::pin(std::future::ready(Err(refused))),
                });
            }
            Output::Prove => {
                let local = self.asker.local.clone();
                tasks::spawn(&self.gateway.tasks, Task::Session, async move {
                    node.prove(&local).await;
                });
            }
            Output::Ping => {
                if wire.ping().is_err() {
                    return Some(End::Gone);
                }
            }
            Output::Close(closing) => return Some(End::Close(closing)),
        }
        None
    }

    /// Counts what a signal without a receiver of its own makes the cluster write.
    fn spread_signal(&mut self, signal: &Signal<'_>) -> Result<(), Refused> {
        if signal.to.is_some() {
            return Ok(());
        }
        let members = self.gateway.node.members_of(&signal.room);
        let bytes = signal.payload.bytes.len() + MESSAGE_BYTES;
        self.live.spread(bytes, members, Instant::now())
    }

    /// The same of what a room is told of this member. Leaving is always free: coming in pays for it.
    fn spread_operation(&mut self, operation: &Operation) -> Result<(), Refused> {
        let (room, tells) = match operation {
            Operation::Leave { .. } => return Ok(()),
            Operation::Join { room, .. } => (room, 2),
            Operation::Rename { room, .. } | Operation::Update { room, .. } => (room, 1),
        };
        let members = self.gateway.node.members_of(room.as_str());
        let bytes = told_bytes(&self.asker, operation) + tells * MESSAGE_BYTES;
        self.live.spread(bytes, members, Instant::now())
    }

    fn refuse_unless(&self, relayed: Result<(), NotAMember>, signal: &Signal<'_>) {
        if relayed.is_err() {
            let message = format!("you are not in the room {}; join it first", signal.room);
            let refused = Refused::new(ErrorCode::NotAMember, message);
            self.answer(refused.to_error(Some(signal.id)));
        }
    }

    fn answer(&self, message: impl Into<ServerMessage>) {
        super::answer(&self.gateway, &self.mailbox, message);
    }
}

/// What the members of a room are told of one that comes, takes a name or changes its state: bytes, roughly.
fn told_bytes(asker: &Asker, operation: &Operation) -> usize {
    let len = |text: &Option<Arc<str>>| text.as_ref().map_or(0, |text| text.len());
    match operation {
        Operation::Join { state, name, .. } => {
            let name = name.as_ref().map(|name| name.text.len());
            name.unwrap_or_else(|| len(&asker.name)) + len(&asker.avatar) + state.as_json().len()
        }
        Operation::Rename { room, name, .. } => {
            name.text.len() + len(&asker.avatar) + asker.local.state_bytes(room)
        }
        Operation::Update { room, patch, .. } => {
            patch.as_json().len() + asker.local.state_bytes(room)
        }
        Operation::Leave { .. } => 0,
    }
}
