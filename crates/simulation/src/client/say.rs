//! What a client says, by itself and because its application wants it.

use switchboard_protocol::client_message::{Join, Leave, Signal, State, StatePatch};
use switchboard_protocol::limits::RECEIVER_SHARE;
use switchboard_protocol::{ClientMessage, Encoding, Payload, PeerId, RoomId};
use tokio::time::Instant;

use super::{Client, Command, Output, Place, RETRY_AFTER, Room, Unanswered};
use crate::mark::Mark;
use crate::trace::What;

impl Client {
    pub(super) fn command(&mut self, command: Command, now: Instant, out: &mut Vec<Output>) {
        match command {
            Command::Enter(room) => self.want(room, true, now, out),
            Command::Leave(room) => self.want(room, false, now, out),
            Command::Signal { room, to, bytes } => self.signal(room, to, bytes, out),
            Command::State(room, number) => self.state(&room, number, out),
            Command::Double => {
                // Of two attempts at once it would not know which of them the cluster had last.
                if self.main.is_some() && !self.is_coming() {
                    self.opening += 1;
                    out.push(Output::Open);
                }
            }
        }
    }

    fn want(&mut self, id: RoomId, wanted: bool, now: Instant, out: &mut Vec<Output>) {
        let room = self.rooms.entry(id).or_insert_with(|| Room::new(wanted));
        room.wanted = wanted;
        room.retry_at = Some(now);
        self.retry(now, out);
    }

    /// Asks for what is wanted and not so.
    pub(super) fn retry(&mut self, now: Instant, out: &mut Vec<Output>) {
        let Some(main) = self.main else {
            self.rooms
                .values_mut()
                .for_each(|room| room.retry_at = None);
            return;
        };
        let due: Vec<_> = self
            .rooms
            .iter_mut()
            .filter(|(_, room)| room.retry_at.is_some_and(|at| at <= now))
            .map(|(id, room)| {
                room.retry_at = None;
                (id.clone(), room.wanted)
            })
            .collect();
        for (id, wanted) in due {
            let number = self.next_id;
            let Some(room) = self.rooms.get_mut(&id) else {
                continue;
            };
            let message = match (&room.place, wanted) {
                (Place::Out | Place::HalfLeft, true) => {
                    room.place = Place::Entering(number);
                    ClientMessage::Join(Join {
                        id: number,
                        room: id.as_str().into(),
                        state: None,
                        capacity: None,
                    })
                }
                (Place::In(_) | Place::HalfLeft, false) => {
                    room.place = Place::Going(number);
                    self.recorder.note(What::Leaves {
                        client: self.no,
                        room: id.clone(),
                    });
                    ClientMessage::Leave(Leave {
                        id: number,
                        room: id.as_str().into(),
                    })
                }
                _ => continue,
            };
            self.next_id += 1;
            self.write(main, &message, out);
        }
    }

    /// What was asked and not answered when the connection was lost is asked anew.
    pub(super) fn retry_soon(&mut self, room: &RoomId, after: Option<u64>, now: Instant) {
        if let Some(room) = self.rooms.get_mut(room) {
            let pause = after.map_or(RETRY_AFTER, std::time::Duration::from_millis);
            room.retry_at = Some(now + pause);
        }
    }

    fn signal(&mut self, room: RoomId, to: Option<usize>, bytes: usize, out: &mut Vec<Output>) {
        let (Some(own), Some(Place::In(view))) =
            (self.peer(), self.rooms.get(&room).map(|room| &room.place))
        else {
            return;
        };
        let others: Vec<PeerId> = view
            .members
            .iter()
            .map(|member| member.peer)
            .filter(|peer| *peer != own)
            .collect();
        if self.unanswered.len() >= self.in_flight || (to.is_some() && others.is_empty()) {
            return;
        }
        let to = to.map(|place| others[place % others.len()]);
        if others
            .iter()
            .any(|other| to.is_none_or(|to| to == *other) && self.is_slow(other))
        {
            return;
        }
        let signal = Unanswered {
            id: self.next_id(),
            room,
            to,
            bytes,
            open: to.map(|to| vec![to]),
        };
        self.unanswered.push_back(signal.clone());
        self.say(&signal, to, false, out);
    }

    /// Whether one receiver has as much to answer as one may have.
    fn is_slow(&self, receiver: &PeerId) -> bool {
        let waits_for = |signal: &&Unanswered| match (&signal.open, signal.to) {
            (Some(open), _) => open.contains(receiver),
            (None, to) => to.is_none_or(|to| to == *receiver),
        };
        self.unanswered.iter().filter(waits_for).count() >= self.in_flight / RECEIVER_SHARE as usize
    }

    /// Says a signal on the session's connection.
    fn say(&self, signal: &Unanswered, to: Option<PeerId>, again: bool, out: &mut Vec<Output>) {
        let (Some(main), Some(own)) = (self.main, self.peer()) else {
            return;
        };
        self.recorder.note(What::Said {
            client: self.no,
            connection: main,
            peer: own,
            id: signal.id,
            room: signal.room.clone(),
            to,
            by_name: None,
            again,
        });
        let mark = Mark {
            from: own,
            id: signal.id,
        };
        let payload = mark.payload(signal.bytes);
        let message = Signal {
            id: signal.id,
            room: signal.room.as_str().into(),
            to: to.map(|to| to.to_string().into()),
            kind: "candidate".into(),
            payload: Payload {
                encoding: Encoding::Json,
                bytes: payload.as_bytes(),
            },
            traceparent: None,
        };
        self.write(main, &ClientMessage::Signal(message), out);
    }

    /// After a resume: what is not answered, in order and with the old ids.
    pub(super) fn say_again(&mut self, out: &mut Vec<Output>) {
        for signal in &self.unanswered {
            match (&signal.open, signal.to) {
                (Some(open), None) => {
                    for peer in open {
                        self.say(signal, Some(*peer), true, out);
                    }
                }
                (_, to) => self.say(signal, to, true, out),
            }
        }
    }

    fn state(&mut self, room: &RoomId, number: u64, out: &mut Vec<Output>) {
        let is_in = matches!(
            self.rooms.get(room).map(|room| &room.place),
            Some(Place::In(_))
        );
        let (Some(main), true) = (self.main, is_in) else {
            return;
        };
        let text = format!("{{\"n\":{number}}}");
        let Ok(patch) = StatePatch::from_json(&text) else {
            return;
        };
        let message = State {
            id: self.next_id(),
            room: room.as_str().into(),
            state: patch,
        };
        self.write(main, &ClientMessage::State(message), out);
    }
}
