//! Nobody sees anything of a room it is not in, nor a signal that is for others.

use std::collections::{BTreeMap, BTreeSet};

use switchboard_protocol::{PeerId, RoomId};
use tokio::time::Duration;

use super::story::{Said, Story};
use crate::trace::{ClientNo, ConnectionNo, Fate, News, Secret, Trace, What};

/// What a client says at once after its `welcome` is in Redis within this.
const PROVEN_AFTER: Duration = Duration::from_secs(3);

pub(super) fn check(trace: &Trace, story: &Story) -> Vec<String> {
    let mut found = overheard(trace, story);
    found.extend(stolen(trace, story));
    found
}

/// What clients were told of rooms they are not in, and signals they got that are for others.
fn overheard(trace: &Trace, story: &Story) -> Vec<String> {
    let mut found = Vec::new();
    // Each shows its own session.
    let mut connections: BTreeMap<ConnectionNo, Connection> = BTreeMap::new();
    for event in &trace.events {
        match &event.what {
            What::Welcomed {
                connection,
                peer,
                rooms,
                ..
            } => {
                let rooms = rooms.iter().map(|view| view.room.clone()).collect();
                let peer = Some(*peer);
                connections.insert(*connection, Connection { peer, rooms });
            }
            What::Told {
                client,
                connection,
                room,
                news,
            } => {
                let own = connections.entry(*connection).or_default();
                if !own.may_hear(room, news) {
                    found.push(format!(
                        "client {client} heard of {room}, which it is not in: {news:?}"
                    ));
                }
            }
            What::Came {
                client,
                connection,
                room,
                from,
                id,
                ..
            } => {
                let own = connections.entry(*connection).or_default();
                if !own.rooms.contains(room) {
                    found.push(format!(
                        "client {client} got signal {id} of {from} in {room}, which it is not in"
                    ));
                }
                let sender = story.sessions.get(from);
                let said = sender.and_then(|sender| sender.said.get(id));
                if !said.is_some_and(|said| own.is_meant(*client, room, said)) {
                    found.push(format!(
                        "client {client} got signal {id} of {from}, which is not for it"
                    ));
                }
            }
            _ => {}
        }
    }
    found
}

/// Sessions that were taken with a secret that is not good.
fn stolen(trace: &Trace, story: &Story) -> Vec<String> {
    let mut found = Vec::new();
    for event in &trace.events {
        let What::Intruded {
            peer,
            secret,
            resumed: Some(true),
        } = &event.what
        else {
            continue;
        };
        let which = match secret {
            Secret::Guessed => "a guessed",
            Secret::Outdated if is_proven(trace, story, event.at, peer) => "an outdated",
            Secret::Outdated => continue,
        };
        found.push(format!(
            "the session of {peer} was taken with {which} secret"
        ));
    }
    found
}

/// What a client is, as its connection shows it.
#[derive(Default)]
struct Connection {
    peer: Option<PeerId>,
    rooms: BTreeSet<RoomId>,
}

impl Connection {
    /// Whether it may be told that of the room; from then on it may be in, or out.
    fn may_hear(&mut self, room: &RoomId, news: &News) -> bool {
        match news {
            News::Joined { .. } | News::Entered => {
                self.rooms.insert(room.clone());
                true
            }
            News::Left => {
                self.rooms.remove(room);
                true
            }
            News::Closed => self.rooms.remove(room),
            _ => self.rooms.contains(room),
        }
    }

    /// Whether the signal was said in that room, and to this client.
    fn is_meant(&self, client: ClientNo, room: &RoomId, said: &Said) -> bool {
        said.room == *room
            && said.to.is_none_or(|to| self.peer == Some(to))
            && said.by_name.is_none_or(|named| named == client)
    }
}

/// Whether the cluster must know by then that the client has its newest secret: it was welcomed a while ago, is one that says
/// so at once, and nothing has kept Redis from hearing it.
fn is_proven(trace: &Trace, story: &Story, by: Duration, peer: &PeerId) -> bool {
    let mut welcomed_at = None;
    for event in trace.events.iter().take_while(|event| event.at < by) {
        let disturbs = match &event.what {
            What::Welcomed { peer: welcomed, .. } if welcomed == peer => {
                welcomed_at = Some(event.at);
                false
            }
            What::Cut { .. } => welcomed_at.is_some_and(|at| event.at - at < PROVEN_AFTER),
            What::Weather(_) => true,
            What::Node { fate, .. } => *fate != Fate::Started,
            _ => false,
        };
        if disturbs {
            welcomed_at = None;
        }
    }
    let says_so = story
        .sessions
        .get(peer)
        .is_some_and(|session| session.promises.receipts);
    let in_time = |at| by - at > PROVEN_AFTER;
    says_so && trace.rules.answers_arrive && welcomed_at.is_some_and(in_time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::telling::Tale;
    use crate::trace::Weather;

    #[test]
    fn a_signal_comes_to_whom_it_is_for_while_he_is_in_the_room() {
        let mut tale = Tale::of_two();
        tale.says(0, 1, 1);
        tale.comes(1, 0, 1);
        assert_eq!(tale.judge(check), [""; 0]);
        tale.leaves(1);
        tale.says(0, 2, 1);
        tale.comes(1, 0, 2);
        assert_eq!(tale.judge(check).len(), 1);
    }

    #[test]
    fn what_nobody_said_to_him_is_not_for_him() {
        let mut tale = Tale::of_two();
        tale.comes(1, 0, 7);
        assert_eq!(tale.judge(check).len(), 1);
    }

    #[test]
    fn a_session_is_not_to_be_had_with_another_secret() {
        let mut tale = Tale::of_two();
        tale.is_intruded(0, Secret::Guessed, Some(true));
        assert_eq!(tale.judge(check).len(), 1);
    }

    #[test]
    fn nor_with_an_old_one_once_redis_must_know_the_next() {
        for (wait, disturbed, wrong) in [(20, false, 1), (2, false, 0), (20, true, 0)] {
            let mut tale = Tale::of_two();
            tale.note(What::Weather(Weather::Forgot));
            tale.resumes(0, &[]);
            if disturbed {
                tale.note(What::Weather(Weather::Forgot));
            }
            tale.wait(wait);
            tale.is_robbed(0);
            assert_eq!(tale.judge(check).len(), wrong, "{wait} s, {disturbed}");
        }
    }
}
