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
mod inbound;
mod outbound;
mod signal;
mod subscriptions;

use std::sync::{Arc, Once};
use std::time::Instant;

use serde_json::json;
use switchboard_protocol::codec::EncodeError;
use switchboard_protocol::{CloseCode, PeerId, ServerMessage};
use switchboard_session::{Closing, Input};
use switchboard_stomp as codec;
use switchboard_stomp::{Command, Decoder, Item, Limits, Version};

use self::connect::{Beats, Terms};
use self::destination::Topic;
use self::subscriptions::Subscriptions;
use super::lists::{Outdated, Pace};
use super::requests::Requests;
use super::room_view::RoomViews;
use crate::{Content, Dialect, DialectName, Frame, Heard};

/// A connection that speaks STOMP.
pub struct Stomp {
    decoder: Decoder,
    phase: Phase,
    /// What came behind CONNECT, in the same message, until the session is there to hear it.
    early: Vec<u8>,
    heard_at: Instant,
    requests: Requests<Request>,
    /// Of this client's own signals, what waits until it can be said back, bytes.
    back_bytes: usize,
    back_bytes_max: usize,
    rooms: RoomViews<Outdated>,
    lists: Pace,
    /// When a refusal may go to more than one subscription.
    refusals: Pace,
    subscriptions: Subscriptions,
    messages: u64,
}

/// What one connection may make this side keep.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// One frame of the client's.
    pub frame_bytes_max: usize,
    /// The client's own signals, until they are said back to it.
    pub back_bytes_max: usize,
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

/// What is to be said when a frame's work is done.
struct Request {
    receipt: Option<String>,
    about: About,
}

enum About {
    /// It is done when it is done.
    Plain,
    /// A signal, for this client itself.
    Back(Topic, String),
    /// A subscription of this id, to be told who is there.
    Subscribed(String),
}

type Hear<'h> = &'h mut dyn FnMut(Heard<'_>);
type Say<'s> = &'s mut dyn FnMut(Frame);

impl Stomp {
    /// As they are offered in the handshake. What is spoken is settled by CONNECT.
    pub const SUBPROTOCOLS: [&'static str; 3] = ["v12.stomp", "v11.stomp", "v10.stomp"];

    /// One that waits for CONNECT.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            decoder: Decoder::new(Limits {
                frame_bytes_max: bounds.frame_bytes_max,
                ..Limits::default()
            }),
            phase: Phase::AwaitingConnect,
            early: Vec::new(),
            heard_at: crate::now(),
            requests: Requests::default(),
            back_bytes: 0,
            back_bytes_max: bounds.back_bytes_max,
            rooms: RoomViews::default(),
            lists: Pace::default(),
            refusals: Pace::default(),
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

    /// The id of a request. Where nothing is to be said when it is done, nobody waits for that.
    fn request(&mut self, receipt: Option<String>, about: About) -> u64 {
        match (receipt, about) {
            (None, About::Plain) => self.requests.unheeded(),
            (receipt, about) => self.requests.open(Request { receipt, about }),
        }
    }

    /// It is answered.
    fn close(&mut self, id: u64) -> Option<Request> {
        let request = self.requests.close(id)?;
        if let About::Back(_, body) = &request.about {
            self.back_bytes -= body.len();
        }
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
}

impl Live {
    fn write(self, frame: &codec::Frame<'_>, say: Say<'_>) {
        write(frame, self.version, Some(self.peer), say);
    }
}

fn write_receipt(live: Live, receipt: &str, say: Say<'_>) {
    let frame = codec::Frame::new(Command::Receipt).with("receipt-id", receipt);
    live.write(&frame, say);
}

/// A frame holds words of ours, and what the decoder let in of the client's in the same version: it can be written.
fn write(frame: &codec::Frame<'_>, version: Version, whose: Option<PeerId>, say: Say<'_>) {
    static UNWRITABLE: Once = Once::new();
    let mut bytes = Vec::new();
    let written = frame.encode(version, &mut bytes);
    let written = written.map_err(|error| error.to_string());
    let text = written.and_then(|()| String::from_utf8(bytes).map_err(|error| error.to_string()));
    match text {
        Ok(text) => say(Frame::Text(text.into())),
        Err(error) => UNWRITABLE.call_once(|| {
            let session = whose.as_ref().map(PeerId::as_str);
            tracing::warn!(session.id = session, %error, "a frame of STOMP could not be written; others like it are not logged");
        }),
    }
}

impl Dialect for Stomp {
    fn name(&self) -> &'static str {
        DialectName::Stomp.as_str()
    }

    fn hear(&mut self, content: Content<'_>, heard: &mut dyn FnMut(Heard<'_>)) {
        self.heard_at = crate::now();
        heard(Heard::Input(Input::Alive));
        match content {
            Content::Text(text) => self.read(text.as_bytes(), heard),
            Content::Binary(bytes) => self.read(bytes, heard),
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
            heard(Heard::Say(Frame::Text(codec::HEART_BEAT.into())));
        }
    }

    fn say(
        &mut self,
        message: &ServerMessage,
        say: &mut dyn FnMut(Frame),
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
                    room.kind.came(joined.member.peer);
                }
            }
            ServerMessage::MemberLeft(left) => self.tell_left(left, say),
            ServerMessage::Ready(ready) => {
                // Who came is told first.
                let room = self.rooms.get(ready.room.as_str());
                if room.is_some_and(|room| room.kind.is_outdated()) {
                    self.publish_members(&ready.room, crate::now(), say);
                }
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
            | ServerMessage::Drain(_)
            | ServerMessage::Expiring(_)
            | ServerMessage::IceServers(_) => {}
        }
        Ok(())
    }

    /// Who is in the rooms: one list for all who came and went meanwhile.
    fn settle(&mut self, now: Instant, say: &mut dyn FnMut(Frame)) -> Option<Instant> {
        loop {
            let outdated = self.rooms.iter().find(|room| room.kind.is_outdated())?;
            let room = outdated.id.clone();
            if let Some(next_at) = self.lists.next_at(now) {
                return Some(next_at);
            }
            self.publish_members(&room, now, say);
        }
    }

    /// An ERROR frame, unless the client is to connect again without having done anything wrong.
    fn goodbye(&mut self, closing: &Closing, say: &mut dyn FnMut(Frame)) {
        use CloseCode::{Bye, GoingAway, Superseded, Timeout};
        if matches!(closing.code, Bye | GoingAway | Superseded) {
            return;
        }
        let words = match (&self.phase, closing.code) {
            (Phase::AwaitingConnect, Timeout) => "no CONNECT in time; begin with CONNECT".into(),
            _ => closing.words(),
        };
        let frame = codec::Frame::new(Command::Error)
            .with("message", &words)
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
        let whose = self.live().map(|live| live.peer);
        write(&frame, version, whose, say);
    }
}

#[cfg(test)]
mod tests;
