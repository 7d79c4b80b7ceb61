//! How a client comes to a connection, and what it does as one is lost.

use switchboard_protocol::client_message::{Hello, Ping, Resume};
use switchboard_protocol::close_code::Advice;
use switchboard_protocol::{ClientMessage, CloseCode};
use tokio::time::{Duration, Instant};

use super::{Client, Connection, Output, PING_PATIENCE, STRAY_HELLO, WELCOME_PATIENCE};
use crate::speaks::Speaks;
use crate::trace::{ConnectionNo, Leaving, What};

/// Full-jitter back-off, first and last.
const BACKOFF_MIN: u64 = 100;
const BACKOFF_MAX: u64 = 3_000;

impl Client {
    pub(super) fn opened(&mut self, no: ConnectionNo, now: Instant, out: &mut Vec<Output>) {
        self.opening = self.opening.saturating_sub(1);
        self.newest = no;
        self.connections.push(Connection {
            no,
            shown: self.ticket.clone(),
            welcomed: false,
            opened_at: now,
            heard_at: now,
            pinged_at: None,
        });
        let resume = self.ticket.as_ref().map(|(peer, secret)| Resume {
            peer: *peer,
            secret: secret.clone().into(),
            seen: self.seen(),
            handled: Some(self.handled.clone()),
        });
        self.recorder.note(What::Greeted {
            client: self.no,
            connection: no,
            promises: Speaks::Native.promises(self.receipts),
            resume: resume.as_ref().map(|resume| resume.peer),
            seen: self.marks.clone(),
        });
        let hello = Hello {
            name: Some(self.user.clone().into()),
            receipts: self.receipts,
            resume,
            ..Hello::default()
        };
        self.write(no, &ClientMessage::Hello(hello), out);
    }

    pub(super) fn closed(
        &mut self,
        no: ConnectionNo,
        code: Option<(u16, Option<Duration>)>,
        now: Instant,
        out: &mut Vec<Output>,
    ) {
        self.recorder.note(What::Closed {
            client: self.no,
            connection: no,
            code: code.map(|(code, _)| code),
        });
        match self.connections.iter().position(|known| known.no == no) {
            Some(place) => {
                let lost = self.connections.remove(place);
                if !lost.welcomed && code.is_none() {
                    self.stray_hello_until = Some(now + STRAY_HELLO);
                }
            }
            None => self.opening = self.opening.saturating_sub(1),
        }
        if self.main == Some(no) {
            self.main = None;
            // Two that resumed at once were welcomed in another order than the cluster's: which of them goes on is shown
            // by resuming once more.
            let confused: Vec<_> = self
                .connections
                .extract_if(.., |known| known.welcomed)
                .collect();
            out.extend(confused.iter().map(|known| Output::Close(known.no)));
            if !confused.is_empty() && self.connections.is_empty() && self.opening == 0 {
                return self.back_off(now);
            }
        }
        if self.main.is_some() || !self.connections.is_empty() || self.opening > 0 {
            // Another connection has the session, or is about to.
            return;
        }
        let is_superseded =
            code.is_some_and(|(number, _)| number == CloseCode::Superseded.number());
        let row = code.and_then(|(number, after)| Some((CloseCode::from_number(number)?, after)));
        match row.map(|(code, after)| (code.advice(), after)) {
            // A connection of its own has superseded this one, and was lost since.
            _ if self.newest > no => self.back_off(now),
            _ if is_superseded && self.expects_stray_hello(now) => self.back_off(now),
            Some((Advice::StayAway | Advice::NewToken, _)) => {
                let number = code.map_or(0, |(number, _)| number);
                self.go(Leaving::SentAway(number), out);
            }
            Some((Advice::RetryAfter, Some(after))) => {
                self.open_at = Some(now + after + self.random.millis(0..200));
            }
            _ => self.back_off(now),
        }
    }

    fn go(&mut self, how: Leaving, out: &mut Vec<Output>) {
        let client = self.no;
        self.recorder.note(What::Gone { client, how });
        self.over = true;
        out.push(Output::Over);
    }

    fn back_off(&mut self, now: Instant) {
        let most = (BACKOFF_MIN << self.attempts.min(10)).min(BACKOFF_MAX);
        self.attempts += 1;
        self.open_at = Some(now + self.random.millis(0..most));
    }

    pub(super) fn tick(&mut self, now: Instant, out: &mut Vec<Output>) {
        if self.open_at.is_some_and(|at| at <= now) {
            self.open_at = None;
            self.opening += 1;
            out.push(Output::Open);
        }
        let heartbeat = self.heartbeat;
        let (mut ping, mut lost) = (Vec::new(), Vec::new());
        for connection in &mut self.connections {
            if !connection.welcomed {
                if now >= connection.opened_at + WELCOME_PATIENCE {
                    lost.push(connection.no);
                }
                continue;
            }
            match connection.pinged_at {
                Some(at) if now >= at + PING_PATIENCE => lost.push(connection.no),
                None if now >= connection.heard_at + heartbeat => {
                    connection.pinged_at = Some(now);
                    ping.push(connection.no);
                }
                _ => {}
            }
        }
        for no in ping {
            self.write(no, &ClientMessage::Ping(Ping { id: None }), out);
        }
        for no in lost {
            out.push(Output::Close(no));
            self.closed(no, None, now, out);
        }
        self.retry(now, out);
    }

    pub(super) fn expects_stray_hello(&self, now: Instant) -> bool {
        self.stray_hello_until.is_some_and(|until| now < until)
    }

    /// Whether a connection is being opened, or has not been welcomed yet.
    pub(super) fn is_coming(&self) -> bool {
        self.opening > 0 || self.connections.iter().any(|known| !known.welcomed)
    }

    pub(super) fn connection(&mut self, no: ConnectionNo) -> Option<&mut Connection> {
        self.connections.iter_mut().find(|known| known.no == no)
    }
}
