//! Nobody sees anything of a room it is not in, nor a signal that is for others.

use std::collections::{BTreeMap, BTreeSet};

use switchboard_protocol::{PeerId, RoomId};
use tokio::time::Duration;

use super::story::Story;
use crate::trace::{ClientNo, ConnectionNo, Fate, News, Secret, Trace, What};

/// What a client says at once after its `welcome` is in Redis within this.
const PROVEN_AFTER: Duration = Duration::from_secs(3);

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
                    News::Joined { .. } | News::Entered => {
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
                    said.room == *room
                        && said.to.is_none_or(|to| own == Some(&to))
                        && said.by_name.is_none_or(|named| named == *client)
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
            } if *secret == Secret::Guessed || is_proven(trace, story, event.at, peer) => {
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
