//! What a client of another dialect says because its application wants it.

use super::ForeignClient;
use super::line::Line;
use super::wording::{To, client_of, name_of};
use crate::mark::Mark;
use crate::speaks::Speaks;
use crate::trace::What;

impl ForeignClient {
    /// Says a signal to the member at this place of those that it knows, or to all, as far as its dialect has words.
    pub(super) fn say(&mut self, line: &mut Line, to: Option<usize>, bytes: usize) {
        if !line.is_in {
            return;
        }
        let Some(to) = self.receiver(line, to) else {
            return;
        };
        let mark = Mark {
            from: line.peer,
            id: line.last_id + 1,
        };
        let Some(frame) = line.wording.say(&to, mark.id, &mark.payload(bytes)) else {
            return;
        };
        line.last_id = mark.id;
        let (peer, name) = match to {
            To::All => (None, None),
            To::Peer(peer) => {
                line.asked.insert(mark.id, peer);
                (Some(peer), None)
            }
            To::Client(client, _) => (None, Some(client)),
        };
        self.world.recorder.note(What::Said {
            client: self.no,
            connection: line.no,
            peer: line.peer,
            id: mark.id,
            room: self.room.clone(),
            to: peer,
            by_name: name,
            again: false,
        });
        line.write([frame]);
    }

    fn receiver(&self, line: &Line, to: Option<usize>) -> Option<To> {
        let others: Vec<_> = line
            .peers
            .iter()
            .filter(|peer| **peer != line.peer)
            .collect();
        match (self.speaks, to) {
            (Speaks::Rooms | Speaks::Video, to) => {
                let to = to.unwrap_or(0).checked_rem(others.len())?;
                Some(To::Peer(*others[to]))
            }
            (Speaks::Calls, to) => {
                let client = to.unwrap_or(0) % self.clients.len();
                let name = name_of(self.clients[client], client);
                (client != self.no).then_some(To::Client(client, name))
            }
            (Speaks::Mdn, Some(to)) => {
                let to = to.checked_rem(line.names.len())?;
                let name = &line.names[to];
                let client = client_of(name).filter(|client| *client != self.no)?;
                Some(To::Client(client, name.clone()))
            }
            _ => Some(To::All),
        }
    }
}
