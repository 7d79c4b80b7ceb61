//! What a session does first on another connection.

use std::collections::BTreeSet;

use switchboard_protocol::RoomId;
use switchboard_protocol::server_message::{Joined, RoomSnapshot};

use super::{Command, Event, Join, QueuedCommand, Reply, Session};

/// What was asked on the connection before.
#[derive(Default)]
struct Asked {
    /// These have no answer yet.
    again: Vec<QueuedCommand>,
    /// The rooms that any of it was about.
    about: BTreeSet<RoomId>,
    /// Those that it was found to have entered.
    entered: BTreeSet<RoomId>,
}

impl Session {
    /// The session goes on. Unanswered signals are to be sent again; everything else is compared with the rooms as they
    /// are now.
    pub(super) fn resume(&mut self, snapshots: Vec<RoomSnapshot>) {
        self.repeats = self.unanswered.repeats().into();
        self.ask_again(&snapshots);
    }

    /// The session is over, and another begins: signals on their way end, the rest is asked again.
    pub(super) fn begin_anew(&mut self) {
        self.repeats.clear();
        self.streams = Default::default();
        for signal in self.unanswered.take_signals() {
            let ask = Some(signal.ask);
            self.answer(ask, Reply::Signal(signal.lost()));
        }
        self.ask_again(&[]);
    }

    /// Compares the rooms with what is wanted. Then asks for what was asked and not answered, in its order.
    fn ask_again(&mut self, snapshots: &[RoomSnapshot]) {
        let mut asked = Asked::default();
        for (id, request) in self.unanswered.take_requests() {
            // Our own come of the comparison, once more.
            if let Some(queued) = request.again().filter(|queued| queued.ask.is_some()) {
                self.settle(id, queued, snapshots, &mut asked);
            }
        }
        let own = self.compare_all(snapshots, &asked).into_iter();
        let own = own.map(|command| QueuedCommand { ask: None, command });
        let queued = std::mem::take(&mut self.queue).into_iter();
        let queued = queued.filter(|queued| queued.ask.is_some());
        self.queue = own.chain(asked.again).chain(queued).collect();
    }

    /// Where the first request for a room shows in the snapshots that it was carried out, that is its answer.
    fn settle(
        &mut self,
        id: u64,
        queued: QueuedCommand,
        snapshots: &[RoomSnapshot],
        asked: &mut Asked,
    ) {
        let QueuedCommand { ask, command } = queued;
        let command = match command {
            Command::Join(join) => {
                let is_first =
                    asked.about.insert(join.room.clone()) && !self.rooms.wants(&join.room);
                match find(snapshots, &join.room).filter(|_| is_first) {
                    Some(snapshot) => {
                        asked.entered.insert(join.room.clone());
                        let joined = self.entered(id, join, snapshot);
                        return self.answer(ask, Reply::Joined(Ok(joined)));
                    }
                    None => Command::Join(join),
                }
            }
            Command::Leave(room) => {
                let is_first = asked.about.insert(room.clone());
                if is_first && find(snapshots, &room).is_none() {
                    return self.answer(ask, Reply::Done(Ok(())));
                }
                Command::Leave(room)
            }
            command => command,
        };
        asked.again.push(QueuedCommand { ask, command });
    }

    /// Rooms that are wanted and not there are to be entered, those that are there and not wanted to be left. Of the
    /// rest the application hears what changed.
    fn compare_all(&mut self, snapshots: &[RoomSnapshot], asked: &Asked) -> Vec<Command> {
        let mut own = Vec::new();
        for snapshot in snapshots {
            let room = &snapshot.room;
            if !self.rooms.wants(room) {
                if !asked.about.contains(room) {
                    own.push(Command::Leave(room.clone()));
                }
            } else if !asked.entered.contains(room) {
                self.compare(snapshot);
            }
        }
        let missing = self.rooms.missing(snapshots);
        own.extend(missing.into_iter().map(Command::Join));
        own
    }

    /// A join of which only the answer was lost.
    fn entered(&mut self, re: u64, mut join: Join, snapshot: &RoomSnapshot) -> Joined {
        let me = self.peer();
        let mut members = snapshot.members.iter();
        if let Some(member) = members.find(|member| Some(member.peer) == me) {
            join.state = Some(member.state.clone());
        }
        self.rooms.joined(join, &snapshot.members);
        joined(re, snapshot)
    }

    /// Tells what changed in a room that this session stayed in, or that it has entered again meanwhile.
    fn compare(&mut self, snapshot: &RoomSnapshot) {
        let Some(me) = self.peer() else {
            return;
        };
        let Some(changes) = self.rooms.resume(snapshot, &me) else {
            return self.tell(Event::Rejoined(Box::new(joined(0, snapshot))));
        };
        for event in changes {
            self.tell(event);
        }
        if let Some(media) = &snapshot.media {
            self.tell(Event::Media {
                room: snapshot.room.clone(),
                media: media.clone(),
            });
        }
    }
}

fn find<'a>(snapshots: &'a [RoomSnapshot], room: &RoomId) -> Option<&'a RoomSnapshot> {
    snapshots.iter().find(|snapshot| snapshot.room == *room)
}

fn joined(re: u64, snapshot: &RoomSnapshot) -> Joined {
    Joined {
        re,
        room: snapshot.room.clone(),
        revision: snapshot.revision,
        capacity: snapshot.capacity,
        members: snapshot.members.clone(),
        media: snapshot.media.clone(),
    }
}
