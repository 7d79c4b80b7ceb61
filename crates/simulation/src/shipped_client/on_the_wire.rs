//! What the shipped client says and is told, as it is on the wire.

use switchboard_client::session::{ConnectionId, Say};
use switchboard_protocol::server_message::{Receiver, Signal};
use switchboard_protocol::{ClientMessage, Encoding, Payload, ServerMessage};

use super::ShippedClient;
use crate::client::news;
use crate::mark::Mark;
use crate::trace::{ConnectionNo, What};

impl ShippedClient {
    /// What a gateway says, as it is on the wire.
    pub(super) fn note_message(&self, connection: ConnectionNo, message: &ServerMessage) {
        let client = self.no;
        let answered = |id, to: &[Receiver], outcome| {
            for receiver in to {
                if let Receiver::Peer(to) = receiver {
                    self.world.recorder.note(What::Answered {
                        client,
                        connection,
                        id,
                        to: *to,
                        outcome,
                    });
                }
            }
        };
        match message {
            ServerMessage::Signal(signal) => {
                let mark = mark_of(signal);
                self.world.recorder.note(What::Came {
                    client,
                    connection,
                    room: signal.room.clone(),
                    from: signal.from,
                    id: mark.map_or(signal.id, |mark| mark.id),
                    numbered: Some(signal.id),
                    intact: mark.is_some_and(|mark| mark.from == signal.from),
                });
            }
            ServerMessage::Delivered(delivered) => answered(delivered.id, &delivered.to, Ok(())),
            ServerMessage::Undelivered(undelivered) => {
                let outcome = Err(undelivered.reason);
                answered(undelivered.id, &undelivered.to, outcome);
            }
            ServerMessage::Done(done) => {
                if let Some(to) = &done.to {
                    self.world.recorder.note(What::Goes {
                        client,
                        connection,
                        id: done.re,
                        to: to.clone(),
                    });
                }
            }
            ServerMessage::Error(error) => self.world.recorder.note(What::Refused {
                client,
                connection,
                id: error.re,
                code: error.code,
            }),
            message => {
                if let Some((room, news)) = news(message) {
                    self.world.recorder.note(What::Told {
                        client,
                        connection,
                        room,
                        news,
                    });
                }
            }
        }
    }

    pub(super) fn say(&mut self, id: ConnectionId, say: &Say) {
        let (Some(line), Some(own)) = (self.lines.get_mut(&id), self.session.peer()) else {
            return;
        };
        let mark;
        let mut message = say.as_message();
        match (&mut message, say) {
            (ClientMessage::Signal(message), Say::Signal { id, to, signal }) => {
                self.world.recorder.note(What::Said {
                    client: self.no,
                    connection: line.no,
                    peer: own,
                    id: *id,
                    room: signal.room.clone(),
                    to: *to,
                    by_name: None,
                    again: !self.said.insert(*id),
                });
                // The application does not know the id: it says how long the payload is to be.
                let bytes = std::str::from_utf8(&signal.payload.bytes).ok();
                let bytes = bytes.and_then(|bytes| bytes.parse().ok());
                mark = Mark { from: own, id: *id }.payload(bytes.unwrap_or_default());
                message.payload = Payload {
                    encoding: Encoding::Json,
                    bytes: mark.as_bytes(),
                };
                line.say(&ClientMessage::Signal(message.clone()));
                return;
            }
            (_, Say::Leave { room, .. }) => self.world.recorder.note(What::Leaves {
                client: self.no,
                room: room.clone(),
            }),
            _ => {}
        }
        line.say(&message);
    }

    /// After goodbye, a connection ends for that.
    pub(super) fn note_closed(&self, connection: ConnectionNo, code: Option<u16>) {
        if self.is_leaving {
            return;
        }
        self.world.recorder.note(What::Closed {
            client: self.no,
            connection,
            code,
        });
    }
}

pub(super) fn mark_of(signal: &Signal) -> Option<Mark> {
    Mark::find(std::str::from_utf8(&signal.payload.bytes).ok()?)
}
