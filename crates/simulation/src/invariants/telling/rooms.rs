//! What clients are told of their room.

use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{MemberState, PeerId};

use super::{Tale, room};
use crate::trace::{News, Seen, View, What};

impl Tale {
    pub(in crate::invariants) fn joins_again(&mut self, no: usize, members: &[usize]) {
        let View {
            revision, members, ..
        } = self.view(members);
        self.hears(no, News::Joined { revision, members });
    }

    pub(in crate::invariants) fn leaves(&mut self, no: usize) {
        self.hears(no, News::Left);
    }

    pub(in crate::invariants) fn hears_of_coming(&mut self, no: usize, whom: usize) {
        let member = seen(self.peer(whom), whom);
        let revision = 3;
        self.hears(no, News::Came { revision, member });
    }

    pub(in crate::invariants) fn hears_of_leaving(&mut self, no: usize, whom: usize) {
        let news = News::Went {
            revision: 3,
            peer: self.peer(whom),
            reason: LeaveReason::Expired,
        };
        self.hears(no, news);
    }

    pub(in crate::invariants) fn hears_of_state(&mut self, no: usize, whom: usize, revision: u64) {
        let news = News::Updated {
            revision,
            peer: self.peer(whom),
            away: None,
            state: Some(MemberState::default()),
        };
        self.hears(no, news);
    }

    /// One is told that another is away.
    pub(in crate::invariants) fn sees_away(&mut self, no: usize, whom: usize, revision: u64) {
        let news = News::Updated {
            revision,
            peer: self.peer(whom),
            away: Some(true),
            state: None,
        };
        self.hears(no, news);
    }

    fn hears(&mut self, no: usize, news: News) {
        self.note(What::Told {
            client: no,
            connection: self.connections[no],
            room: room(),
            news,
        });
    }

    pub(super) fn view(&self, members: &[usize]) -> View {
        View {
            room: room(),
            revision: 2,
            members: members.iter().map(|no| seen(self.peer(*no), *no)).collect(),
        }
    }
}

fn seen(peer: PeerId, no: usize) -> Seen {
    Seen {
        peer,
        name: None,
        order: no as u64 + 1,
        away: false,
        state: MemberState::default(),
    }
}
