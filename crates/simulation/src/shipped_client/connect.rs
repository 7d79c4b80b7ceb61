//! How the shipped client comes to a connection, from dialling to welcome, and how one ends.

use std::collections::BTreeMap;
use std::sync::Arc;

use switchboard_client::connection::{Closed, ConnectError, Disconnected};
use switchboard_client::session::{ConnectionId, Input};
use switchboard_dialects::Frame;
use switchboard_protocol::client_message::{Hello, Resume};
use switchboard_protocol::server_message::Welcome;
use switchboard_protocol::{ClientMessage, Codec, PeerId, ServerMessage};

use super::line::{Arrival, Line};
use super::{ShippedClient, promises};
use crate::client::view;
use crate::speaks::Speaks;
use crate::trace::{Leaving, What};
use crate::world::Dialled;

/// What a connection that is being opened begins with.
pub(super) struct Attempt {
    /// The session to go on with.
    resume: Option<Resume<'static>>,
    /// What had been handled as that was decided, by the senders' own numbers.
    seen: BTreeMap<PeerId, u64>,
}

impl ShippedClient {
    pub(super) fn dial(&mut self, connection: ConnectionId, resume: Option<Resume<'static>>) {
        let seen = self.marks.clone();
        self.dialling.insert(connection, Attempt { resume, seen });
        let (world, no, random) = (self.world.clone(), self.no, self.random.clone());
        let arrivals = self.arrivals.clone();
        tokio::spawn(async move {
            let dialled = world.dial(no, Speaks::Native, &random).await;
            let _ = arrivals.send(Arrival::Dialled(connection, dialled)).await;
        });
    }

    pub(super) fn arrived(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Dialled(id, dialled) => {
                let (attempt, dialled) = match (self.dialling.remove(&id), dialled) {
                    (Some(attempt), Some(dialled)) => (attempt, dialled),
                    (None, dialled) => {
                        // It was given up meanwhile.
                        if let Some(dialled) = dialled {
                            self.note_closed(dialled.connection, None);
                        }
                        return;
                    }
                    (Some(_), None) => {
                        let lost = Disconnected::Lost(std::io::ErrorKind::ConnectionRefused);
                        return self.on(Input::failed(id, ConnectError::Ended(lost)));
                    }
                };
                self.greet(id, dialled, attempt);
            }
            Arrival::Frame(id, frame) => self.read(id, frame),
            Arrival::Over(id) => self.ended(id, Disconnected::Lost(std::io::ErrorKind::BrokenPipe)),
        }
    }

    fn greet(&mut self, id: ConnectionId, dialled: Dialled, attempt: Attempt) {
        let Attempt { resume, seen } = attempt;
        self.world.recorder.note(What::Greeted {
            client: self.no,
            connection: dialled.connection,
            promises: promises(),
            resume: resume.as_ref().map(|resume| resume.peer),
            seen,
        });
        let hello = Hello {
            name: Some(format!("user-{}", self.no).into()),
            receipts: true,
            resume,
            ..Hello::default()
        };
        let line = Line::new(id, dialled, self.arrivals.clone());
        line.say(&ClientMessage::Hello(hello));
        self.lines.insert(id, line);
    }

    fn read(&mut self, id: ConnectionId, frame: Frame) {
        let Some(line) = self.lines.get_mut(&id) else {
            return;
        };
        match frame {
            Frame::Text(text) => match Codec::Json.decode_server(text.as_bytes()) {
                Ok(ServerMessage::Welcome(welcome)) => self.welcomed(id, *welcome),
                Ok(message) => {
                    let connection = line.no;
                    self.note_message(connection, &message);
                    self.on(Input::Message {
                        connection: id,
                        message,
                    });
                }
                Err(error) => panic!("a gateway said something unreadable: {error}"),
            },
            Frame::Ping => line.socket.send(Frame::Pong),
            Frame::Pong => {}
            Frame::Binary(_) => panic!("a gateway said JSON in binary"),
            Frame::Close(closing) => {
                let closed = closing.map(|closing| Closed {
                    code: closing.code.number(),
                    reason: closing.reason.to_string(),
                    retry_after_ms: closing.retry_after.map(|after| after.as_millis() as u64),
                });
                let why = closed.map_or(
                    Disconnected::Lost(std::io::ErrorKind::BrokenPipe),
                    Disconnected::Closed,
                );
                self.ended(id, why);
            }
        }
    }

    pub(super) fn ended(&mut self, id: ConnectionId, why: Disconnected) {
        let Some(line) = self.lines.get(&id) else {
            return;
        };
        let (is_welcomed, code) = match &why {
            Disconnected::Closed(closed) => (line.is_welcomed, Some(closed.code)),
            _ => (line.is_welcomed, None),
        };
        self.drop_line(id, code);
        self.on(match (is_welcomed, why) {
            (true, why) => Input::Ended {
                connection: id,
                why,
            },
            (false, Disconnected::Closed(closed)) => {
                Input::failed(id, ConnectError::Closed(closed))
            }
            (false, why) => Input::failed(id, ConnectError::Ended(why)),
        });
    }

    pub(super) fn drop_line(&mut self, id: ConnectionId, code: Option<u16>) {
        if let Some(line) = self.lines.remove(&id) {
            self.note_closed(line.no, code);
        }
    }

    fn welcomed(&mut self, id: ConnectionId, welcome: Welcome) {
        let Some(line) = self.lines.get_mut(&id) else {
            return;
        };
        line.is_welcomed = true;
        self.world.recorder.note(What::Welcomed {
            client: self.no,
            connection: line.no,
            peer: welcome.peer,
            resumed: welcome.resumed,
            rooms: welcome.rooms.iter().flatten().map(view).collect(),
        });
        {
            let mut tickets = self.tickets.lock();
            if !welcome.resumed {
                if !tickets.is_empty() {
                    self.go(Leaving::NotResumed);
                }
                tickets.clear();
                self.said.clear();
                self.marks.clear();
            }
            tickets.push((welcome.peer, welcome.resume.secret.clone()));
        }
        self.on(Input::Opened {
            connection: id,
            welcome: Arc::new(welcome),
        });
    }
}
