//! The connection in use, the next one, and the way from one to the other.

use std::sync::Arc;
use std::time::Instant;

use switchboard_protocol::CloseCode;
use switchboard_protocol::client_message::Resume;
use switchboard_protocol::server_message::{Drain, Welcome};

use super::allowance::Allowance;
use super::expiry::Expiry;
use super::heartbeat::Heartbeat;
use super::{ConnectionId, ConnectionState, Event, Output, Say, Session, Token};
use crate::connection::Disconnected;
use crate::reconnect::{Cause, Input as Happened, Next};
use crate::span::millis;

/// A connection in use.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) connection: ConnectionId,
    pub(super) allowance: Allowance,
    pub(super) heartbeat: Heartbeat,
    /// When the next command may go, where it waits for the rate.
    pub(super) rate_limited_until: Option<Instant>,
    /// Nothing was said yet on it. Until then the older secrets of a resumed session are good for anybody who has them.
    pub(super) unproven: bool,
    /// Another attempt was made to resume this session: it may supersede this connection.
    challenged: bool,
    /// Its token runs out, and another one is to be said.
    pub(super) expiry: Option<Expiry>,
}

/// There is no connection.
#[derive(Debug)]
pub(super) struct Lost {
    why: Disconnected,
    told: bool,
}

impl Current {
    fn new(connection: ConnectionId, welcome: &Welcome, resumed: bool, now: Instant) -> Self {
        let heartbeat = millis(welcome.heartbeat_ms.max(1));
        Self {
            connection,
            allowance: if resumed {
                Allowance::resumed(welcome.limits, now)
            } else {
                Allowance::new(welcome.limits, now)
            },
            heartbeat: Heartbeat::new(heartbeat, now),
            rate_limited_until: None,
            unproven: resumed,
            challenged: false,
            expiry: None,
        }
    }
}

impl Session {
    /// An attempt was welcomed: the session goes on there.
    pub(super) fn opened(
        &mut self,
        connection: ConnectionId,
        mut welcome: Arc<Welcome>,
        now: Instant,
    ) {
        if self.opening != Some(connection) {
            return self.out.push(Output::Close { connection });
        }
        self.opening = None;
        let is_first = self.welcome.is_none();
        let resumed = welcome.resumed && self.peer() == Some(welcome.peer);
        if self.current.is_some() && !resumed {
            return self.moved_to_a_stranger(connection, now);
        }
        self.close_current();
        self.reconnect.on(Happened::Opened, now);
        self.current = Some(Current::new(connection, &welcome, resumed, now));
        let rooms = Arc::make_mut(&mut welcome).rooms.take();
        self.welcome = Some(welcome.clone());
        let was_told = self.lost.take().is_some_and(|lost| lost.told);
        if was_told || !(is_first || resumed) {
            self.tell(Event::Connection(ConnectionState::Live(welcome)));
        }
        if resumed {
            self.resume(rooms.unwrap_or_default());
        } else if !is_first {
            self.begin_anew();
        }
    }

    /// The session lives on where it is, but the next node does not know it. That one is left again, and later asked
    /// once more.
    fn moved_to_a_stranger(&mut self, connection: ConnectionId, now: Instant) {
        self.say(connection, Say::Bye(Default::default()));
        self.out.push(Output::Close { connection });
        let next = self.reconnect.on(Happened::Failed(Cause::LOST), now);
        self.follow(next);
    }

    /// Nothing came of an attempt.
    pub(super) fn failed(
        &mut self,
        connection: ConnectionId,
        cause: Cause,
        why: Disconnected,
        now: Instant,
    ) {
        if self.opening != Some(connection) {
            return;
        }
        self.opening = None;
        if !matches!(why, Disconnected::Closed(_)) {
            let window = self
                .welcome
                .as_ref()
                .map(|welcome| welcome.resume.window_ms);
            self.doubt_until = window.map(|window| now + millis(window));
        }
        let next = if self.current.is_some() {
            self.reconnect.on(Happened::Failed(cause), now)
        } else {
            let told = self.lost.take().is_some_and(|lost| lost.told);
            self.lost = Some(Lost { why, told });
            self.reconnect.on(Happened::Ended(cause), now)
        };
        self.follow(next);
    }

    /// The connection in use, or an attempt, ended.
    pub(super) fn ended(&mut self, connection: ConnectionId, why: Disconnected, now: Instant) {
        if self.opening == Some(connection) {
            return self.failed(connection, Cause::from(&why), why, now);
        }
        let Some(current) = self.current.take_if(|c| c.connection == connection) else {
            return;
        };
        if self.leaving.is_some() {
            return self.end(None);
        }
        let by_ourselves = is_superseded(&why)
            && (current.challenged || self.doubt_until.take().is_some_and(|until| now < until));
        let cause = if by_ourselves {
            Cause::LOST
        } else {
            Cause::from(&why)
        };
        self.lost = Some(Lost { why, told: false });
        // A provider that had none while it was connected is asked again.
        self.asked_for_token = false;
        let next = self.reconnect.on(Happened::Ended(cause), now);
        // Where the attempt that superseded it waits for its welcome there is nothing to do, and nothing to tell yet.
        if !by_ourselves || self.opening.is_none() {
            self.follow(next);
        }
    }

    pub(super) fn woken(&mut self, now: Instant) {
        let next = self.reconnect.on(Happened::Woken, now);
        self.follow(next);
    }

    pub(super) fn new_token(&mut self, token: Token, now: Instant) {
        self.asked_for_token = false;
        self.refresh(token);
        let next = self.reconnect.on(Happened::NewToken, now);
        self.follow(next);
    }

    /// The node asks its clients to move.
    pub(super) fn drain(&mut self, drain: Drain, now: Instant) {
        let at = now + millis(drain.reconnect_after_ms);
        let next = self.reconnect.on(Happened::Drain { at }, now);
        self.follow(next);
    }

    pub(super) fn close_attempt(&mut self) {
        if let Some(connection) = self.opening.take() {
            self.out.push(Output::Close { connection });
        }
    }

    fn close_current(&mut self) {
        if let Some(current) = self.current.take() {
            let connection = current.connection;
            self.out.push(Output::Close { connection });
        }
    }

    fn follow(&mut self, next: Next) {
        if next == Next::GiveUp {
            let why = self.lost.take().map(|lost| lost.why);
            return self.end(why);
        }
        self.tell_lost();
        match next {
            Next::Open => self.open(),
            Next::GetToken => self.get_token(),
            Next::Stay | Next::Wait { .. } | Next::GiveUp => {}
        }
    }

    fn tell_lost(&mut self) {
        if let Some(lost) = &mut self.lost
            && !lost.told
        {
            lost.told = true;
            let why = lost.why.clone();
            self.tell(Event::Connection(ConnectionState::Reconnecting(why)));
        }
    }

    fn open(&mut self) {
        if self.opening.is_some() {
            return;
        }
        self.last_connection.0 += 1;
        let connection = self.last_connection;
        self.opening = Some(connection);
        let resume = self.resume_ticket();
        if let Some(current) = &mut self.current {
            current.challenged |= resume.is_some();
        }
        self.out.push(Output::Open { connection, resume });
    }

    fn resume_ticket(&self) -> Option<Resume<'static>> {
        let welcome = self.welcome.as_ref()?;
        let bytes_max = welcome.limits.max_message_bytes;
        Some(Resume {
            peer: welcome.peer,
            secret: welcome.resume.secret.clone().into(),
            seen: self.streams.seen(bytes_max),
            handled: Some(self.streams.listed(bytes_max)),
        })
    }

    pub(super) fn get_token(&mut self) {
        if self.current.is_none() {
            self.tell(Event::Connection(ConnectionState::NeedsToken));
        }
        if !self.asked_for_token {
            self.asked_for_token = true;
            self.out.push(Output::GetToken);
        }
    }
}

fn is_superseded(why: &Disconnected) -> bool {
    matches!(why, Disconnected::Closed(closed) if closed.row() == Some(CloseCode::Superseded))
}
