//! Nobody sees anything of a room it is not in, nor a signal that is for others.

use std::collections::{BTreeMap, BTreeSet};

use switchboard_protocol::{PeerId, RoomId};
use tokio::time::Duration;

use super::story::Story;
use crate::trace::{ClientNo, ConnectionNo, Fate, News, Secret, Trace, What};

/// A client that has nothing to say pings within this.
const PROVEN_AFTER: Duration = Duration::from_secs(10);

pub(super) fn check(trace: &Trace, story: &Story) -> Vec<String> {
    let mut found = Vec::new();
    // By connection: each shows its own session.
    let mut rooms: BTreeMap<(ClientNo, ConnectionNo), BTreeSet<RoomId>> = BTreeMap::new();
    let mut peers = BTreeMap::new();
    for event in &trace.events {
        match &event.what {
            What::Welcomed {
                client,
                connection,
                peer,
                rooms: views,
                ..
            } => {
                peers.insert((*client, *connection), *peer);
                let views = views.iter().map(|view| view.room.clone());
                rooms.insert((*client, *connection), views.collect());
            }
            What::Told {
                client,
                connection,
                room,
                news,
            } => {
                let known = rooms.entry((*client, *connection)).or_default();
                let was_in = match news {
                    News::Joined { .. } => {
                        known.insert(room.clone());
                        true
                    }
                    News::Left => {
                        known.remove(room);
                        true
                    }
                    News::Closed => known.remove(room),
                    _ => known.contains(room),
                };
                if !was_in {
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
                let known = rooms.entry((*client, *connection)).or_default();
                if !known.contains(room) {
                    found.push(format!(
                        "client {client} got signal {id} of {from} in {room}, which it is not in"
                    ));
                }
                let own = peers.get(&(*client, *connection));
                let said = story
                    .sessions
                    .get(from)
                    .and_then(|sender| sender.said.get(id));
                let is_for = said.is_some_and(|said| {
                    said.room == *room && said.to.is_none_or(|to| own == Some(&to))
                });
                if !is_for {
                    found.push(format!(
                        "client {client} got signal {id} of {from}, which is not for it"
                    ));
                }
            }
            What::Intruded {
                peer,
                secret,
                resumed: Some(true),
            } if *secret == Secret::Guessed || is_proven(trace, event.at, peer) => {
                let which = match secret {
                    Secret::Guessed => "a guessed",
                    Secret::Outdated => "an outdated",
                };
                found.push(format!(
                    "the session of {peer} was taken with {which} secret"
                ));
            }
            _ => {}
        }
    }
    found
}

/// Whether the cluster must know by then that the client has its newest secret: it was welcomed a while ago, and nothing
/// kept Redis from hearing so.
fn is_proven(trace: &Trace, by: Duration, peer: &PeerId) -> bool {
    let mut before = trace.events.iter().take_while(|event| event.at < by);
    let mut welcomed_at = Duration::ZERO;
    let undisturbed = before.all(|event| match &event.what {
        What::Welcomed { peer: welcomed, .. } => {
            if welcomed == peer {
                welcomed_at = event.at;
            }
            true
        }
        What::Weather(_) => false,
        What::Node { fate, .. } => *fate == Fate::Started,
        _ => true,
    });
    undisturbed && trace.rules.answers_arrive && by - welcomed_at > PROVEN_AFTER
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::telling::Tale;

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
}
