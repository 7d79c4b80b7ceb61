//! What a client of another dialect makes of what it is told.

use super::ForeignClient;
use super::line::Line;
use super::wording::Heard;
use crate::mark::Mark;
use crate::speaks::Speaks;
use crate::trace::{News, What};

impl ForeignClient {
    pub(super) fn hear(&mut self, line: &mut Line, told: &str) {
        if let Some(mark) = Mark::find(told) {
            // Some dialects say back to a client what it said.
            if mark.from != line.peer {
                self.came(line, mark);
            }
            return;
        }
        let mut heard = Vec::new();
        line.wording.hear(told, &mut heard);
        for heard in heard {
            self.heard(line, heard);
        }
    }

    fn heard(&mut self, line: &mut Line, heard: Heard) {
        let client = self.no;
        match heard {
            Heard::Welcomed => {
                line.is_welcomed = true;
                self.world.recorder.note(What::Welcomed {
                    client,
                    connection: line.no,
                    peer: line.peer,
                    resumed: false,
                    rooms: Vec::new(),
                });
                line.enter();
            }
            Heard::In => self.is_in(line),
            Heard::Out => {
                line.is_in = false;
                line.peers.clear();
                self.told(line, News::Closed);
                line.enter_again();
            }
            Heard::Refused => line.enter_again(),
            Heard::Peers(peers) => {
                self.is_in(line);
                line.peers = peers;
                self.tell_peers(line);
            }
            Heard::Names(names) => line.names = names,
            Heard::Came(peer) => {
                line.peers.insert(peer);
                self.tell_peers(line);
            }
            Heard::Went(peer) => {
                line.peers.remove(&peer);
                self.tell_peers(line);
            }
            Heard::Delivered(id) => {
                if let Some(to) = line.asked.remove(&id) {
                    self.world.recorder.note(What::Answered {
                        client,
                        connection: line.no,
                        id,
                        to,
                        outcome: Ok(()),
                    });
                }
            }
        }
    }

    fn is_in(&self, line: &mut Line) {
        line.enter_at = None;
        if !std::mem::replace(&mut line.is_in, true) {
            self.told(line, News::Entered);
        }
    }

    /// What only some are promised is written down of those alone.
    fn tell_peers(&self, line: &Line) {
        if self.speaks.promises(false).joins_first {
            self.told(line, News::Listed(line.peers.clone()));
        }
    }

    fn told(&self, line: &Line, news: News) {
        self.world.recorder.note(What::Told {
            client: self.no,
            connection: line.no,
            room: self.room.clone(),
            news,
        });
    }

    fn came(&mut self, line: &mut Line, mark: Mark) {
        // MDN's clients are not told that they are in before they are told of the others.
        if self.speaks == Speaks::Mdn && line.is_welcomed {
            self.is_in(line);
        }
        let (client, room, Mark { from, id }) = (self.no, self.room.clone(), mark);
        self.world.recorder.note(What::Came {
            client,
            connection: line.no,
            room: room.clone(),
            from,
            id,
            numbered: None,
            intact: true,
        });
        self.world.recorder.note(What::Handled {
            client,
            peer: line.peer,
            room,
            from,
            id,
        });
        if self.speaks == Speaks::Rooms {
            line.peers.insert(from);
        }
    }
}
