//! What a session wants done, done: at its node, for its client, and on its wire.

use std::pin::Pin;
use std::sync::Arc;

use switchboard_cluster::NotAMember;
use switchboard_dialects::{Frame, Heard};
use switchboard_protocol::client_message::Signal;
use switchboard_protocol::server_message::{Done, IceServers, Joined, RoomClosed};
use switchboard_protocol::{ErrorCode, PeerId, RoomId, ServerMessage};
use switchboard_session::{Input, Live, Operation, Output, Refused, Repetition, SignalToName};
use tokio::time::{Sleep, sleep_until};

use crate::connection::answer;
use crate::departure::End;
use crate::host::Host;
use crate::ice::IceTold;
use crate::mailbox::Mailbox;
use crate::media::media;
use crate::operations::{self, Asker, Performed};
use crate::wire::{Wire, Wrote};

/// What a message has besides a payload or a profile, roughly.
const MESSAGE_BYTES: usize = 128;

pub(crate) type Performing = Pin<Box<dyn Future<Output = Performed> + Send>>;

/// The session itself, and what it has under way.
pub(crate) struct Work {
    host: Arc<Host>,
    pub(crate) mailbox: Arc<Mailbox>,
    live: Live,
    asker: Asker,
    /// Of the ICE servers that the client was told last.
    ice_edition: u64,
    pub(crate) performing: Option<Performing>,
    /// It changes the directory: it is finished though the session ends.
    pub(crate) is_lasting: bool,
    pub(crate) timer: Pin<Box<Sleep>>,
}

impl Work {
    pub(crate) fn new(
        host: Arc<Host>,
        mailbox: Arc<Mailbox>,
        mut live: Live,
        asker: Asker,
        ice: IceTold,
    ) -> Self {
        live.renew_ice_servers_at(ice.renew_at);
        let timer = Box::pin(sleep_until(live.wake_at().into()));
        Self {
            host,
            mailbox,
            live,
            asker,
            ice_edition: ice.edition,
            performing: None,
            is_lasting: false,
            timer,
        }
    }

    /// When time brings something.
    pub(crate) fn wakes_at(&self) -> std::time::Instant {
        self.live.wake_at()
    }

    /// Counts a frame among what the client sends.
    pub(crate) fn frame(&mut self, frame: &Frame) -> Option<End> {
        let counted = self.live.frame(frame.len(), crate::now());
        counted.err().map(End::Close)
    }

    pub(crate) fn heard(&mut self, heard: Heard<'_>, wire: &mut Wire) -> Option<End> {
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

    pub(crate) fn wrote(&mut self, wrote: Wrote, wire: &mut Wire) -> Option<End> {
        match wrote {
            Wrote::RoomClosed(room) => self.input(Input::RoomGone(&room), wire),
            Wrote::Signals(signals) => {
                for (sender, id) in signals {
                    self.host.node.written(&self.asker.local, &sender, id);
                }
                None
            }
        }
    }

    /// The client is told that it is in a room.
    pub(crate) fn admit(&self, joined: &mut Joined) {
        let (peer, grants) = (&self.asker.local.peer, self.live.grants());
        let room = (&joined.room, &joined.members[..]);
        joined.media = media(&*self.host.media, peer, grants, room);
    }

    /// The operation under way is over.
    pub(crate) fn performed(&mut self, performed: Performed, wire: &mut Wire) -> Option<End> {
        let result = match performed {
            Ok(Some(authorization)) => {
                let ended = self.input(Input::Authorized(*authorization), wire);
                if ended.is_some() {
                    return ended;
                }
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(refused) => Err(refused),
        };
        self.input(Input::Performed(result), wire)
    }

    /// Notes that the client may have these of the signals that are on their way to the kernel.
    pub(crate) fn note_begun(&self, wire: &Wire, may_have: impl Fn(&PeerId, u64) -> bool) {
        let begun = wire.begun().iter();
        for (sender, id) in begun.filter(|(sender, id)| may_have(sender, *id)) {
            self.host.node.begun(&self.asker.local, sender, *id);
        }
    }

    /// Gives the session an input and carries out what follows.
    pub(crate) fn input(&mut self, input: Input<'_>, wire: &mut Wire) -> Option<End> {
        let mut outputs = Vec::new();
        self.live.on(input, crate::now(), &mut outputs);
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
        let node = self.host.node.clone();
        match output {
            Output::Send(message) => self.answer(message),
            Output::Refuse { re, refused } => self.refuse(re, refused),
            Output::Allow { id, bytes } => {
                let done = Done { re: id, to: None };
                // A full outbox closes the session by itself.
                let _ = self.mailbox.push_weighing(done.into(), bytes);
            }
            Output::Relay(signal, repetition) => {
                let repeated = repetition == Repetition::PerhapsRepeated;
                if !repeated && let Err(refused) = self.spread_signal(&signal) {
                    self.refuse(Some(signal.id), refused);
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
                self.is_lasting = !matches!(operation, Operation::Refresh { .. });
                self.performing = Some(match spread {
                    Ok(()) => Box::pin(operations::perform(self.host.clone(), asker, operation)),
                    Err(refused) => Box::pin(std::future::ready(Err(refused))),
                });
            }
            Output::Prove => {
                let local = self.asker.local.clone();
                self.host.spawn(async move {
                    node.prove(&local).await;
                });
            }
            Output::Expel(room) => self.expel(room),
            Output::RenewIceServers => self.renew_ice_servers(),
            Output::Ping => {
                if wire.ping().is_err() {
                    return Some(End::Gone);
                }
            }
            Output::Close(closing) => return Some(End::Close(closing)),
        }
        None
    }

    /// The session leaves a room that it has no right to be in any more.
    fn expel(&self, room: RoomId) {
        self.answer(RoomClosed {
            room: room.clone(),
            reason: "your token does not cover this room any more".into(),
        });
        let (node, local) = (self.host.node.clone(), self.asker.local.clone());
        self.host.spawn(async move {
            // Where the directory cannot be told now, the next assertion tells it.
            let _ = node.leave(&local, &room).await;
        });
    }

    fn renew_ice_servers(&mut self) {
        let offer = self.host.ice.offer(&self.asker.local.user);
        let told = offer.told(crate::now());
        self.live.renew_ice_servers_at(told.renew_at);
        if told.edition != std::mem::replace(&mut self.ice_edition, told.edition) {
            self.answer(IceServers {
                ice_servers: offer.servers,
                ttl_s: offer.ttl.as_secs(),
            });
        }
    }

    /// Counts what a signal without a receiver of its own makes the cluster write.
    fn spread_signal(&mut self, signal: &Signal<'_>) -> Result<(), Refused> {
        if signal.to.is_some() {
            return Ok(());
        }
        let members = self.host.node.members_of(&signal.room);
        let bytes = signal.payload.bytes.len() + MESSAGE_BYTES;
        self.live.spread(bytes, members, crate::now())
    }

    /// The same of what a room is told of this member. Leaving is always free: coming in pays for it.
    fn spread_operation(&mut self, operation: &Operation) -> Result<(), Refused> {
        let (room, tells) = match operation {
            Operation::Leave { .. } | Operation::Refresh { .. } => return Ok(()),
            Operation::Join { room, .. } => (room, 2),
            Operation::Rename { room, .. } | Operation::Update { room, .. } => (room, 1),
        };
        let members = self.host.node.members_of(room.as_str());
        let bytes = told_bytes(&self.asker, operation) + tells * MESSAGE_BYTES;
        self.live.spread(bytes, members, crate::now())
    }

    fn refuse_unless(&self, relayed: Result<(), NotAMember>, signal: &Signal<'_>) {
        if relayed.is_err() {
            let message = format!("you are not in the room {}; join it first", signal.room);
            let refused = Refused::new(ErrorCode::NotAMember, message);
            self.refuse(Some(signal.id), refused);
        }
    }

    fn refuse(&self, re: Option<u64>, refused: Refused) {
        if let Some(rule) = refused.rule {
            self.host.observe.limited(rule);
        }
        self.answer(refused.to_error(re));
    }

    fn answer(&self, message: impl Into<ServerMessage>) {
        answer(&self.host, &self.mailbox, message);
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
        Operation::Leave { .. } | Operation::Refresh { .. } => 0,
    }
}
