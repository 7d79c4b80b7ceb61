//! One session, from its open packet to its end.
//!
//! ```text
//!                 ┌────────────── Polling ───────────────┐
//! open(Polling) ─►│ GET:       waiting ─► answering      │  5   ┌───────────┐
//!                 │ POST:      posting                   ├─────►│ WebSocket │◄─ open(WebSocket)
//!                 │ candidate: none ─► opened ─► probed  │      └───────────┘
//!                 └──────────────────────────────────────┘
//! ```
//!
//! A candidate is a WebSocket that was opened to take over. Whatever becomes of it, the session goes on polling until a
//! probed one says `5`.

mod heartbeat;
mod polling;
mod upgrade;
mod web_socket;

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use self::heartbeat::Heartbeat;
use self::polling::Answering;
pub use self::upgrade::Candidate;
use self::upgrade::Upgrade;
use crate::ending::Ending;
use crate::inbox::Inbox;
use crate::outbox::{Frame, Outbox};
use crate::packet::{CLOSE, Message, PING, Packet};
use crate::settings::Settings;
use crate::sid::Sid;

/// What carries a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Requests, of which one waits until there is something to say.
    Polling,
    /// A WebSocket.
    WebSocket,
}

/// One session.
#[derive(Debug)]
pub struct Session {
    settings: Arc<Settings>,
    transport: Transport,
    outbox: Outbox,
    inbox: Inbox,
    heartbeat: Heartbeat,
    /// A GET waits for an answer.
    waiting: bool,
    answering: Answering,
    /// A POST is being read.
    posting: bool,
    upgrade: Option<Upgrade>,
    /// What the client says is heard.
    hears: bool,
    /// The close packet is in the outbox: nothing comes behind it.
    closing: bool,
    ending: Option<Ending>,
}

impl Session {
    /// A session that begins. What opened it is answered with its open packet: over polling by [`answer`](Self::answer),
    /// over a WebSocket by [`next_frame`](Self::next_frame).
    pub fn open(sid: &Sid, transport: Transport, settings: Arc<Settings>, now: Instant) -> Self {
        let mut outbox = Outbox::default();
        outbox.push(Frame::Text(open_packet(sid, transport, &settings)));
        Self {
            transport,
            outbox,
            inbox: Inbox::default(),
            heartbeat: Heartbeat::new(&settings, now),
            waiting: transport == Transport::Polling,
            answering: Answering::Nothing,
            posting: false,
            upgrade: None,
            hears: true,
            closing: false,
            ending: None,
            settings,
        }
    }

    /// What carries it now.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// The largest body that is read.
    pub fn max_payload(&self) -> usize {
        self.settings.max_payload
    }

    /// Whether [`send`](Self::send_text) should be called: not too much waits. It may be called all the same.
    pub fn takes(&self) -> bool {
        self.outbox.bytes() < self.settings.outbox_bytes_max
    }

    /// Says a text to the client. After the end, and after [`close`](Self::close), nothing is said.
    pub fn send_text(&mut self, text: &str) {
        self.send(Frame::Text(["4", text].concat()));
    }

    /// Says bytes to the client.
    pub fn send_binary(&mut self, bytes: Bytes) {
        self.send(Frame::Binary(bytes));
    }

    fn send(&mut self, frame: Frame) {
        if self.ending.is_none() && !self.closing {
            self.outbox.push(frame);
        }
    }

    /// The oldest message that came in a request. Those of a WebSocket are given out by [`on_text`](Self::on_text).
    pub fn receive(&mut self) -> Option<Message<'static>> {
        self.inbox.pop()
    }

    /// Whether all that was said has been taken: by the answers of polls, or as frames of the WebSocket.
    pub fn all_taken(&self) -> bool {
        self.outbox.is_empty() && self.answering != Answering::Packets
    }

    /// From now on the client is only spoken to: what it says is taken, as it does not know yet, and goes nowhere.
    pub fn stop_hearing(&mut self) {
        self.hears = false;
    }

    /// Whether what the client says is heard.
    pub fn hears(&self) -> bool {
        self.hears
    }

    /// Bytes that wait here, in either direction, by estimate.
    pub fn waiting_bytes(&self) -> usize {
        self.outbox.bytes() + self.inbox.bytes()
    }

    /// Says goodbye: nothing is sent behind it. Over polling the session ends once that is taken; a WebSocket is closed by
    /// its owner, when [`all_taken`](Self::all_taken).
    pub fn close(&mut self) {
        if self.transport == Transport::Polling {
            self.send(Frame::Text(CLOSE.into()));
        }
        self.closing = true;
    }

    /// Ends the session now. The first ending counts.
    pub fn end(&mut self, ending: Ending) {
        self.ending.get_or_insert(ending);
        self.upgrade = None;
    }

    /// How the session ended, if it has. What came before can still be [`receive`](Self::receive)d.
    pub fn ending(&self) -> Option<Ending> {
        self.ending
    }

    /// When [`on_time`](Self::on_time) is due.
    pub fn wake_at(&self) -> Instant {
        let upgrade = self.upgrade.as_ref();
        let upgrade = upgrade.map(|upgrade| upgrade.wake_at(self.waiting));
        let heartbeat = self.heartbeat.wake_at();
        upgrade.map_or(heartbeat, |upgrade| upgrade.min(heartbeat))
    }

    /// Time passed.
    pub fn on_time(&mut self, now: Instant) {
        if self.ending.is_some() {
            return;
        }
        if self.heartbeat.is_missed(now) {
            return self.end(Ending::PingTimeout);
        }
        if self.heartbeat.is_due(&self.settings, now) {
            self.send(Frame::Text(PING.into()));
        }
        let is_late = self
            .upgrade
            .as_mut()
            .is_some_and(|upgrade| upgrade.on_time(now));
        if is_late {
            self.upgrade = None;
        }
    }

    /// What any transport brings. `None`: no message.
    fn on_packet<'a>(&mut self, packet: Packet<'a>, now: Instant) -> Option<Message<'a>> {
        match packet {
            Packet::Message(message) => return Some(message),
            // What has not been read cannot be answered: a client that never polls does not stay for ever.
            Packet::Pong(_) if self.outbox.has_ping() => {}
            Packet::Pong(_) => self.heartbeat.on_pong(&self.settings, now),
            Packet::Close => self.end(Ending::ClosedByClient),
            // It is the server that pings, and that opens.
            Packet::Ping(_) | Packet::Open => self.end(Ending::BadPacket),
            Packet::Upgrade | Packet::Noop => {}
        }
        None
    }
}

fn open_packet(sid: &Sid, transport: Transport, settings: &Settings) -> String {
    let upgrades = match transport {
        Transport::Polling => r#"["websocket"]"#,
        Transport::WebSocket => "[]",
    };
    format!(
        r#"0{{"sid":"{}","upgrades":{upgrades},"pingInterval":{},"pingTimeout":{},"maxPayload":{}}}"#,
        sid.as_str(),
        settings.ping_interval.as_millis(),
        settings.ping_timeout.as_millis(),
        settings.max_payload,
    )
}

#[cfg(test)]
mod tests;
