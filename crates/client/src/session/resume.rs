//! What a session does first on another connection.

use std::collections::BTreeSet;

use switchboard_protocol::server_message::{Joined, RoomSnapshot};

use super::{Command, Event, Held, Join, Reply, Session};

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

    /// Rooms that are wanted and not there are entered again, those that are there and not wanted are left. Then what
    /// was asked and not answered, in its order: where the first request for a room shows in the snapshots that it was
    /// carried out, that is its answer.
    fn ask_again(&mut self, snapshots: &[RoomSnapshot]) {
        let snapshot_of = |room| snapshots.iter().find(|snapshot| snapshot.room == room);
        let mut again = Vec::new();
        let mut asked_about = BTreeSet::new();
        let mut entered = BTreeSet::new();
        for (id, request) in self.unanswered.take_requests() {
            let Some(Held { ask, command }) = request.again() else {
                continue;
            };
            if ask.is_none() {
                // Our own: it comes of the comparison, once more.
                continue;
            }
            match command {
                Command::Join(join) => {
                    let is_first = asked_about.insert(join.room.clone());
                    let snapshot = snapshot_of(join.room.clone());
                    match snapshot.filter(|_| is_first && !self.rooms.wants(&join.room)) {
                        Some(snapshot) => {
                            entered.insert(join.room.clone());
                            let joined = self.entered(id, join, snapshot);
                            self.answer(ask, Reply::Joined(Ok(joined)));
                        }
                        None => again.push(Held {
                            ask,
                            command: Command::Join(join),
                        }),
                    }
                }
                Command::Leave(room) => {
                    let is_first = asked_about.insert(room.clone());
                    if is_first && snapshot_of(room.clone()).is_none() {
                        self.answer(ask, Reply::Done(Ok(())));
                    } else {
                        let command = Command::Leave(room);
                        again.push(Held { ask, command });
                    }
                }
                command => again.push(Held { ask, command }),
            }
        }
        let mut own = Vec::new();
        for snapshot in snapshots {
            let is_wanted = self.rooms.wants(&snapshot.room);
            if is_wanted && !entered.contains(&snapshot.room) {
                self.compare(snapshot);
            } else if !is_wanted && !asked_about.contains(&snapshot.room) {
                own.push(Command::Leave(snapshot.room.clone()));
            }
        }
        let missing = self.rooms.missing(snapshots);
        own.extend(missing.into_iter().map(Command::Join));
        let own = own.into_iter().map(|command| Held { ask: None, command });
        let held = std::mem::take(&mut self.held)
            .into_iter()
            .filter(|held| held.ask.is_some());
        self.held = own.chain(again).chain(held).collect();
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
    }
}

fn joined(re: u64, snapshot: &RoomSnapshot) -> Joined {
    Joined {
        re,
        room: snapshot.room.clone(),
        revision: snapshot.revision,
        capacity: snapshot.capacity,
        members: snapshot.members.clone(),
    }
}
