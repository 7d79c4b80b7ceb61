//! STOMP 1.0 to 1.2 over WebSocket, with the destinations of its tutorial.
//!
//! ```text
//! CONNECT ─► hello                        welcome ─► CONNECTED
//! SEND /app/rooms/ROOM/join ─► enter      joined ─► /user/queue/me, …/members
//! SEND /app/rooms/ROOM/signal ─► signal   signal ─► /topic/rooms/ROOM/signal, of one's own too once it is on its way
//! SEND /app/rooms/ROOM/leave ─► leave     member-joined, member-left ─► …/members     ready ─► READY
//! what STOMP forbids ─► ERROR, close      what the session refuses ─► /user/queue/system
//! ```
//!
//! A RECEIPT comes when what was asked for is done: for a join, when it is in the room. A SEND that the session refuses
//! has none; the message on `/user/queue/system` has its `receipt-id`.

mod connect;
mod destination;
mod signal;
mod subscriptions;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::ws::{Message, Utf8Bytes};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use switchboard_protocol::client_message::{Bye, Join, Leave, Signal};
use switchboard_protocol::codec::EncodeError;
use switchboard_protocol::limits::NAME_BYTES_MAX;
use switchboard_protocol::server_message::{
    Error, Joined, MemberLeft, Reason, Signal as Signalled, Undelivered, Welcome,
};
use switchboard_protocol::{
    ClientMessage, CloseCode, DecodeError, Encoding, ErrorCode, Payload, PeerId, RoomId,
    ServerMessage,
};
use switchboard_session::{Closing, Enter, Input, RoomName};
use switchboard_stomp as codec;
use switchboard_stomp::{Command, Decoder, Item, Limits, Version};

use self::connect::{Beats, Terms};
use self::destination::{Action, Topic};
use self::subscriptions::{Subscription, Subscriptions};
use super::requests::Requests;
use super::told::{ToldRoom, ToldRooms};
use super::{Dialect, Frame, Heard};
use crate::config::LimitsConfig;

/// A call has two ends.
const ROOM_CAPACITY: u32 = 2;

/// A connection that speaks STOMP.
pub(crate) struct Stomp {
    decoder: Decoder,
    phase: Phase,
    /// What came behind CONNECT, in the same message, until the session is there to hear it.
    early: Vec<u8>,
    heard_at: Instant,
    requests: Requests<Request>,
    /// Of this client's own signals, what waits until it can be said back, bytes.
    back_bytes: usize,
    back_bytes_max: usize,
    rooms: ToldRooms<()>,
    subscriptions: Subscriptions,
    messages: u64,
}

enum Phase {
    AwaitingConnect,
    Introduced(Terms),
    Live(Live),
    /// It has said goodbye, or something that STOMP forbids: then that frame's `receipt`.
    Over {
        version: Option<Version>,
        refused: Option<String>,
    },
}

#[derive(Clone, Copy)]
struct Live {
    peer: PeerId,
    version: Version,
    beats: Beats,
}

/// What is to be said when a SEND is done.
struct Request {
    receipt: Option<String>,
    /// Its signal, for this client itself.
    back: Option<(Topic, String)>,
}

type Hear<'h> = &'h mut dyn FnMut(Heard<'_>);
type Say<'s> = &'s mut dyn FnMut(Message);

impl Stomp {
    /// As they are offered in the handshake. What is spoken is settled by CONNECT.
    pub(crate) const SUBPROTOCOLS: [&'static str; 3] = ["v12.stomp", "v11.stomp", "v10.stomp"];

    pub(crate) fn new(limits: &LimitsConfig) -> Self {
        Self {
            decoder: Decoder::new(Limits {
                frame_bytes_max: limits.max_message_bytes,
                ..Limits::default()
            }),
            phase: Phase::AwaitingConnect,
            early: Vec::new(),
            heard_at: Instant::now(),
            requests: Requests::default(),
            back_bytes: 0,
            back_bytes_max: limits.outbox_bytes,
            rooms: ToldRooms::default(),
            subscriptions: Subscriptions::default(),
            messages: 0,
        }
    }

    fn read(&mut self, mut input: &[u8], heard: Hear<'_>) {
        loop {
            match &self.phase {
                Phase::Introduced(_) => return self.early = input.to_vec(),
                Phase::Over { .. } => return,
                Phase::AwaitingConnect | Phase::Live(_) => {}
            }
            match self.decoder.read(&mut input) {
                Ok(Some(Item::Frame(frame))) => self.frame(&frame, heard),
                Ok(Some(Item::HeartBeat)) => {}
                Ok(None) => return,
                Err(fault) => return self.fail(None, fault.to_string(), heard),
            }
        }
    }

    fn frame(&mut self, frame: &codec::Frame<'_>, heard: Hear<'_>) {
        let handled = match &self.phase {
            Phase::Live(live) => self.live_frame(*live, frame, heard),
            _ => self.connect(frame, heard),
        };
        if let Err(words) = handled {
            self.fail(frame.header("receipt"), words, heard);
        }
    }

    fn connect(&mut self, frame: &codec::Frame<'_>, heard: Hear<'_>) -> Result<(), String> {
        if !matches!(frame.command, Command::Connect | Command::Stomp) {
            return Err(format!(
                "{} before CONNECT; begin with CONNECT",
                frame.command
            ));
        }
        let (terms, introduction) = connect::read(frame)?;
        self.decoder.set_version(terms.version);
        self.phase = Phase::Introduced(terms);
        heard(Heard::Hello(introduction));
        Ok(())
    }

    fn live_frame(
        &mut self,
        live: Live,
        frame: &codec::Frame<'_>,
        heard: Hear<'_>,
    ) -> Result<(), String> {
        match frame.command {
            // Its receipt comes when what it asks for is done.
            Command::Send => return self.send(live, frame, heard),
            Command::Subscribe => self.subscribe(live, frame, heard)?,
            Command::Unsubscribe => self.subscriptions.end(subscription_id(live, frame)?),
            // Nobody waits for them: a message is not sent again.
            Command::Ack | Command::Nack | Command::Disconnect => {}
            Command::Begin | Command::Commit | Command::Abort => return Err(no_transactions()),
            Command::Connect | Command::Stomp => return Err("CONNECT was said already".into()),
            Command::Connected | Command::Message | Command::Receipt | Command::Error => {
                return Err(format!("{} is for servers to say", frame.command));
            }
        }
        if let Some(receipt) = frame.header("receipt") {
            write_receipt(live, receipt, &mut |frame| heard(Heard::Say(frame)));
        }
        if frame.command == Command::Disconnect {
            self.end(None);
            let bye = ClientMessage::Bye(Bye::default());
            heard(Heard::Input(Input::Message(bye)));
        }
        Ok(())
    }

    fn subscribe(
        &mut self,
        live: Live,
        frame: &codec::Frame<'_>,
        heard: Hear<'_>,
    ) -> Result<(), String> {
        let topic = Topic::read(destination(frame)?).map_err(|error| error.to_string())?;
        let subscription = Subscription {
            id: subscription_id(live, frame)?.to_owned(),
            acknowledged: frame.header("ack").is_some_and(|ack| ack != "auto"),
            topic,
        };
        let added = self.subscriptions.add(subscription);
        let added = added.map_err(|error| error.to_string())?;
        // Whoever comes later learns at once who is there.
        if let Topic::Members(room) = &added.topic
            && let Some(told) = self.rooms.get(room.as_str())
        {
            self.messages += 1;
            let members = members(told);
            let message = added.message(self.messages, &members);
            write(&message, live.version, &mut |frame| {
                heard(Heard::Say(frame))
            });
        }
        Ok(())
    }

    fn send(
        &mut self,
        live: Live,
        frame: &codec::Frame<'_>,
        heard: Hear<'_>,
    ) -> Result<(), String> {
        if frame.header("transaction").is_some() {
            return Err(no_transactions());
        }
        let (room, action) =
            Action::read(destination(frame)?).map_err(|error| error.to_string())?;
        let receipt = frame.header("receipt").map(str::to_owned);
        match action {
            Action::Join => self.join(&room, &frame.body, receipt, heard),
            Action::Signal => self.signal(live, room, &frame.body, receipt, heard),
            Action::Leave => {
                let id = self.request(receipt, None);
                let room = room.as_str().into();
                let leave = ClientMessage::Leave(Leave { id, room });
                heard(Heard::Input(Input::Message(leave)));
            }
        }
        Ok(())
    }

    fn join(&mut self, room: &RoomId, body: &[u8], receipt: Option<String>, heard: Hear<'_>) {
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "camelCase")]
        struct JoinRequest<'a> {
            #[serde(borrow)]
            display_name: Option<Cow<'a, str>>,
        }
        let id = self.request(receipt, None);
        let said = match body.trim_ascii().is_empty() {
            true => Ok(None),
            false => serde_json::from_slice::<Option<JoinRequest<'_>>>(body),
        };
        let Ok(said) = said else {
            return broken(id, "a join is a JSON object, `displayName` a text", heard);
        };
        let name = said.unwrap_or_default().display_name;
        let name = name.filter(|name| !name.is_empty());
        if name
            .as_ref()
            .is_some_and(|name| name.len() > NAME_BYTES_MAX)
        {
            let words = format!("a `displayName` has at most {NAME_BYTES_MAX} bytes");
            return broken(id, &words, heard);
        }
        heard(Heard::Input(Input::Enter(Enter {
            join: Join {
                id,
                room: room.as_str().into(),
                state: None,
                capacity: Some(ROOM_CAPACITY),
            },
            name: name.map(|name| RoomName {
                text: (*name).into(),
                claim: None,
            }),
        })));
    }

    fn signal(
        &mut self,
        live: Live,
        room: RoomId,
        body: &[u8],
        receipt: Option<String>,
        heard: Hear<'_>,
    ) {
        let body = str::from_utf8(body).map_err(|_| "a signal is JSON, in UTF-8");
        let said = match body.and_then(signal::read) {
            Ok(said) => said,
            Err(words) => return broken(self.request(receipt, None), words, heard),
        };
        let payload = match Payload::new(Encoding::Json, said.payload.as_bytes()) {
            Ok(payload) => payload,
            Err(error) => {
                let id = self.request(receipt, None);
                return broken(id, &error.to_string(), heard);
            }
        };
        let back = self.back(live, &room, &said);
        self.back_bytes += back.as_ref().map_or(0, |(_, body)| body.len());
        if self.back_bytes > self.back_bytes_max {
            self.end(None);
            let words = "you do not read as fast as you write";
            let closing = Closing::because(CloseCode::SlowConsumer, words);
            return heard(Heard::End(closing));
        }
        let id = self.request(receipt, back);
        let signal = ClientMessage::Signal(Signal {
            id,
            room: room.as_str().into(),
            to: None,
            kind: said.kind.as_ref().into(),
            payload,
            traceparent: None,
        });
        heard(Heard::Input(Input::Message(signal)));
    }

    /// What is sent to a topic comes back to its sender too, if it has subscribed.
    fn back(
        &self,
        live: Live,
        room: &RoomId,
        said: &signal::Neutral<'_>,
    ) -> Option<(Topic, String)> {
        let topic = Topic::Signal(room.clone());
        self.subscriptions.of(&topic).next()?;
        let payload: &RawValue = serde_json::from_str(&said.payload).ok()?;
        let back = signal::write(&live.peer, &said.kind, payload);
        Some((topic, back))
    }

    /// The id of a request. Where nothing is to be said when it is done, nobody waits for that.
    fn request(&mut self, receipt: Option<String>, back: Option<(Topic, String)>) -> u64 {
        match (receipt, back) {
            (None, None) => self.requests.unheeded(),
            (receipt, back) => self.requests.open(Request { receipt, back }),
        }
    }

    /// It is answered.
    fn close(&mut self, id: u64) -> Option<Request> {
        let request = self.requests.close(id)?;
        let back = request.back.as_ref();
        self.back_bytes -= back.map_or(0, |(_, body)| body.len());
        Some(request)
    }

    /// Ends the connection: what is wrong on this level, STOMP answers with an ERROR frame and a close.
    fn fail(&mut self, receipt: Option<&str>, words: impl Into<Arc<str>>, heard: Hear<'_>) {
        self.end(receipt);
        heard(Heard::End(Closing::because(CloseCode::Protocol, words)));
    }

    fn end(&mut self, refused: Option<&str>) {
        let version = self.live().map(|live| live.version);
        // Nothing that is unknown to a client's version can be repeated to it.
        let refused = version.and(refused).map(str::to_owned);
        self.phase = Phase::Over { version, refused };
    }

    fn live(&self) -> Option<Live> {
        match self.phase {
            Phase::Live(live) => Some(live),
            _ => None,
        }
    }

    fn welcome(&mut self, welcome: &Welcome, say: Say<'_>) {
        let Phase::Introduced(terms) = self.phase else {
            return;
        };
        let (connected, beats) = terms.connected(welcome);
        write(&connected, terms.version, say);
        self.phase = Phase::Live(Live {
            peer: welcome.peer,
            version: terms.version,
            beats,
        });
    }

    /// Says something to whoever has subscribed to it.
    fn publish(&mut self, topic: &Topic, body: &str, say: Say<'_>) {
        let Some(live) = self.live() else { return };
        for subscription in self.subscriptions.of(topic) {
            self.messages += 1;
            write(
                &subscription.message(self.messages, body),
                live.version,
                say,
            );
        }
    }

    fn publish_members(&mut self, room: &RoomId, say: Say<'_>) {
        if let Some(told) = self.rooms.get(room.as_str()) {
            let members = members(told);
            self.publish(&Topic::Members(room.clone()), &members, say);
        }
    }

    /// What was refused, and of which frame, if that one asked for a receipt.
    fn publish_refusal(&mut self, words: &str, receipt: Option<&str>, say: Say<'_>) {
        let Some(live) = self.live() else { return };
        let body = json!({ "type": "ERROR", "message": words }).to_string();
        for subscription in self.subscriptions.of(&Topic::System) {
            self.messages += 1;
            let message = subscription.message(self.messages, &body);
            let message = match receipt {
                Some(receipt) => message.with("receipt-id", receipt),
                None => message,
            };
            write(&message, live.version, say);
        }
    }

    fn tell_done(&mut self, id: u64, say: Say<'_>) {
        let Some(Request { receipt, back }) = self.close(id) else {
            return;
        };
        if let Some((topic, body)) = back {
            self.publish(&topic, &body, say);
        }
        if let (Some(live), Some(receipt)) = (self.live(), receipt) {
            write_receipt(live, &receipt, say);
        }
    }

    fn tell_joined(&mut self, joined: &Joined, say: Say<'_>) {
        self.rooms.enter(ToldRoom::new(joined, ()));
        if let Some(live) = self.live() {
            let me = json!({ "sid": live.peer }).to_string();
            self.publish(&Topic::Me, &me, say);
        }
        self.publish_members(&joined.room, say);
        self.tell_done(joined.re, say);
    }

    fn tell_left(&mut self, left: &MemberLeft, say: Say<'_>) {
        let room = self.rooms.get_mut(&left.room);
        if room.and_then(|room| room.gone(left)).is_none() {
            return;
        }
        let told = json!({ "type": "LEAVE", "sid": left.peer }).to_string();
        self.publish(&Topic::Signal(left.room.clone()), &told, say);
        self.publish_members(&left.room, say);
    }

    fn tell_signal(&mut self, signal: &Signalled, say: Say<'_>) -> Result<(), EncodeError> {
        if self.rooms.get(signal.room.as_str()).is_none() {
            return Ok(());
        }
        let unwritable = |error: serde_json::Error| EncodeError::Value(error.to_string());
        let payload = signal.payload.transcode_to(Encoding::Json)?;
        let payload: &RawValue = serde_json::from_slice(&payload).map_err(unwritable)?;
        let told = signal::write(&signal.from, &signal.kind, payload);
        self.publish(&Topic::Signal(signal.room.clone()), &told, say);
        Ok(())
    }

    /// That somebody left is told as such; here is what a sender can do something about.
    fn tell_undelivered(&mut self, undelivered: &Undelivered, say: Say<'_>) {
        let words = match undelivered.reason {
            Reason::Overloaded => "too many signals wait for an answer; slow down",
            Reason::Unavailable => "the signal could not be passed on; send it again",
            Reason::NoSuchPeer | Reason::Left | Reason::Expired | Reason::Unconfirmed => return,
        };
        self.publish_refusal(words, None, say);
    }

    fn tell_error(&mut self, error: &Error, say: Say<'_>) {
        let request = error.re.and_then(|id| self.close(id));
        let receipt = request.and_then(|request| request.receipt);
        let words = match error.code {
            // The tutorial's words, by which its clients know.
            ErrorCode::RoomFull => "Room is full",
            _ => &error.message,
        };
        self.publish_refusal(words, receipt.as_deref(), say);
    }
}

/// STOMP 1.0 knows a subscription also by its destination.
fn subscription_id<'f>(live: Live, frame: &'f codec::Frame<'_>) -> Result<&'f str, String> {
    let id = frame.header("id");
    let id = match live.version {
        Version::V1_0 => id.or_else(|| frame.header("destination")),
        Version::V1_1 | Version::V1_2 => id,
    };
    id.ok_or_else(|| format!("{} needs the header id", frame.command))
}

fn destination<'f>(frame: &'f codec::Frame<'_>) -> Result<&'f str, String> {
    let destination = frame.header("destination");
    destination.ok_or_else(|| format!("{} needs the header destination", frame.command))
}

fn no_transactions() -> String {
    "there are no transactions here; send without".into()
}

fn broken(id: u64, words: &str, heard: Hear<'_>) {
    let error = DecodeError::of_dialect(ErrorCode::BadMessage, words.into());
    let error = DecodeError {
        re: Some(id),
        ..error
    };
    heard(Heard::Input(Input::Broken(error)));
}

/// Who is there, as the tutorial lists them.
fn members(room: &ToldRoom<()>) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Listed<'a> {
        sid: &'a PeerId,
        #[serde(skip_serializing_if = "Option::is_none")]
        display_name: Option<&'a str>,
    }
    let members = room.members().map(|member| Listed {
        sid: &member.peer,
        display_name: member.name.as_deref(),
    });
    let members: Vec<_> = members.collect();
    serde_json::to_string(&members).expect("ids and texts can be written")
}

fn write_receipt(live: Live, receipt: &str, say: Say<'_>) {
    let frame = codec::Frame::new(Command::Receipt).with("receipt-id", receipt);
    write(&frame, live.version, say);
}

/// A frame holds words of ours, and what the decoder let in of the client's in the same version.
fn write(frame: &codec::Frame<'_>, version: Version, say: Say<'_>) {
    let mut bytes = Vec::new();
    let written = frame.encode(version, &mut bytes);
    match (written, Utf8Bytes::try_from(bytes)) {
        (Ok(()), Ok(text)) => say(Message::Text(text)),
        (Err(error), _) => tracing::warn!(%error, "a frame could not be written"),
        (Ok(()), Err(error)) => tracing::warn!(%error, "a frame could not be written"),
    }
}

impl Dialect for Stomp {
    fn name(&self) -> &'static str {
        "stomp"
    }

    fn hear(&mut self, frame: Frame<'_>, heard: &mut dyn FnMut(Heard<'_>)) {
        self.heard_at = Instant::now();
        heard(Heard::Input(Input::Alive));
        match frame {
            Frame::Text(text) => self.read(text.as_bytes(), heard),
            Frame::Binary(bytes) => self.read(bytes, heard),
        }
    }

    fn hear_rest(&mut self, heard: &mut dyn FnMut(Heard<'_>)) {
        let early = std::mem::take(&mut self.early);
        self.read(&early, heard);
    }

    /// A WebSocket ping shows that the browser is alive; this, that the page is.
    fn tick(&mut self, now: Instant, heard: &mut dyn FnMut(Heard<'_>)) {
        let Some(Live { beats, .. }) = self.live() else {
            return;
        };
        let silence = now.saturating_duration_since(self.heard_at);
        if beats.silence_max.is_some_and(|most| silence > most) {
            self.end(None);
            let words = "no heart-beat for much longer than you promised";
            return heard(Heard::End(Closing::because(CloseCode::Timeout, words)));
        }
        if beats.are_sent {
            heard(Heard::Say(Message::Text(codec::HEART_BEAT.into())));
        }
    }

    fn say(
        &mut self,
        message: &ServerMessage,
        say: &mut dyn FnMut(Message),
    ) -> Result<(), EncodeError> {
        match message {
            ServerMessage::Welcome(welcome) => self.welcome(welcome, say),
            ServerMessage::Joined(joined) => self.tell_joined(joined, say),
            ServerMessage::Left(left) => {
                self.rooms.leave(&left.room);
                self.tell_done(left.re, say);
            }
            ServerMessage::MemberJoined(joined) => {
                if let Some(room) = self.rooms.get_mut(&joined.room) {
                    room.came(joined);
                    self.publish_members(&joined.room, say);
                }
            }
            ServerMessage::MemberLeft(left) => self.tell_left(left, say),
            ServerMessage::Ready(ready) => {
                let told = json!({ "type": "READY" }).to_string();
                self.publish(&Topic::Signal(ready.room.clone()), &told, say);
            }
            ServerMessage::RoomClosed(closed) => {
                self.rooms.leave(&closed.room);
                let words = format!(
                    "you are no longer in the room {}: {}",
                    closed.room, closed.reason
                );
                self.publish_refusal(&words, None, say);
            }
            ServerMessage::Signal(signal) => self.tell_signal(signal, say)?,
            ServerMessage::Done(done) => self.tell_done(done.re, say),
            ServerMessage::Undelivered(undelivered) => self.tell_undelivered(undelivered, say),
            ServerMessage::Error(error) => self.tell_error(error, say),
            ServerMessage::MemberUpdated(_)
            | ServerMessage::Delivered(_)
            | ServerMessage::Pong(_)
            | ServerMessage::Drain(_) => {}
        }
        Ok(())
    }

    /// An ERROR frame, unless the client is to connect again without having done anything wrong.
    fn goodbye(&mut self, closing: &Closing, say: &mut dyn FnMut(Message)) {
        use CloseCode::{Bye, GoingAway, Superseded, Timeout};
        if matches!(closing.code, Bye | GoingAway | Superseded) {
            return;
        }
        let words: &str = match (&self.phase, closing.code) {
            (Phase::AwaitingConnect, Timeout) => "no CONNECT in time; begin with CONNECT",
            _ => &closing.reason,
        };
        let frame = codec::Frame::new(Command::Error)
            .with("message", words)
            .with("content-type", "text/plain")
            .with_body(words.as_bytes());
        let (version, frame) = match &self.phase {
            Phase::Live(live) => (live.version, frame),
            Phase::Over {
                version: Some(version),
                refused,
            } => match refused {
                Some(receipt) => (*version, frame.with("receipt-id", receipt)),
                None => (*version, frame),
            },
            // Nothing is settled: what every version reads alike, and which there are (STOMP 1.2, «Protocol Negotiation»).
            _ => (Version::V1_0, frame.with("version", Version::SUPPORTED)),
        };
        write(&frame, version, say);
    }
}

#[cfg(test)]
mod tests;
