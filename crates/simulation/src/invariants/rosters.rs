//! Rosters carry a revision that never goes back, nobody is told to come or go who did not, a partial list is never taken
//! for the whole, and in the end everybody sees what the directory has.

use std::collections::{BTreeMap, BTreeSet};

use switchboard_protocol::{MemberState, PeerId, RoomId};
use tokio::time::Duration;

use super::memory::Memory;
use super::reading::Reading;
use super::revisions::Revisions;
use super::story::Story;
use crate::trace::{ClientNo, ConnectionNo, News, Seen, Trace, View, What};

/// Somebody who was just let in may not be in a list that was made before.
const FRESH: Duration = Duration::from_secs(3);

/// What each client sees.
type Views = BTreeMap<(ClientNo, RoomId), (ConnectionNo, View)>;

pub(super) fn check(trace: &Trace, story: &Story) -> Vec<String> {
    let mut found = Vec::new();
    let mut views = Views::new();
    let mut main: BTreeMap<ClientNo, (ConnectionNo, PeerId)> = BTreeMap::new();
    let mut greeted: BTreeMap<ConnectionNo, Views> = BTreeMap::new();
    let mut memory = Memory::new(trace.rules.lease);
    let mut revisions = Revisions::new(trace.rules.lease);
    let mut reading = Reading::default();
    let mut left = BTreeSet::new();
    // Over which all this is promised.
    let mut promised = BTreeSet::new();
    for event in &trace.events {
        revisions.settle(event.at);
        memory.take(event);
        reading.take(event);
        if memory.was_lost() {
            // No answer to its leaving need come. Of a room that nobody was in when Redis forgot it, nobody knows the
            // revision: «the highest that anyone asserts» is none (DESIGN 5).
            for room in std::mem::take(&mut left) {
                views.entry(room).and_modify(|(_, view)| view.revision = 0);
            }
        }
        match &event.what {
            What::Greeted {
                client,
                connection,
                promises,
                ..
            } => {
                if promises.rosters {
                    promised.insert(*connection);
                }
                let own = views.iter().filter(|((known, _), _)| known == client);
                let own = own.map(|(key, view)| (key.clone(), view.clone()));
                greeted.insert(*connection, own.collect());
            }
            What::Leaves { client, room } => drop(left.insert((*client, room.clone()))),
            What::Welcomed {
                client,
                connection,
                peer,
                rooms,
                ..
            } => {
                let former = main.insert(*client, (*connection, *peer));
                let same = former.is_some_and(|(_, former)| former == *peer);
                views.retain(|(known, room), _| {
                    *known != *client || (same && rooms.iter().any(|view| view.room == *room))
                });
                let made_at = reading.welcome_made_at(*connection, event.at);
                for view in rooms {
                    found.extend(shown(view, *client, (event.at, made_at), &memory, story));
                    // The former connection may have told newer things while this one was on its way.
                    if let Some(known) = greeted
                        .get(connection)
                        .and_then(|views| views.get(&(*client, view.room.clone())))
                    {
                        views
                            .entry((*client, view.room.clone()))
                            .and_modify(|view| {
                                view.1.revision = view.1.revision.min(known.1.revision)
                            });
                    }
                    let owed = revisions.owed(&view.room, event.at);
                    found.extend(installed(&mut views, (*client, *connection), view, owed));
                }
            }
            What::Told {
                client,
                connection,
                room,
                news,
            } if promised.contains(connection)
                && main.get(client).is_some_and(|(main, _)| main == connection) =>
            {
                if let News::Joined { .. } = news {
                    left.remove(&(*client, room.clone()));
                }
                let made_at = reading.made_at(*connection, event.at);
                let what = told(
                    &mut views,
                    (*client, *connection),
                    room,
                    news,
                    (event.at, made_at),
                    (&memory, story, &revisions),
                );
                let name = format!("client {client} at {:?}", event.at);
                found.extend(what.into_iter().map(|what| format!("{name}: {what}")));
            }
            _ => {}
        }
        revisions.take(event);
    }
    found.extend(last(trace));
    found
}

fn installed(
    views: &mut Views,
    (client, connection): (ClientNo, ConnectionNo),
    view: &View,
    owed: u64,
) -> Option<String> {
    let key = (client, view.room.clone());
    let before = views.insert(key, (connection, view.clone()));
    let before = before.map_or(0, |(_, view)| view.revision);
    (view.revision < before.min(owed)).then(|| {
        format!(
            "client {client}: {} went back from revision {before} to {}",
            view.room, view.revision
        )
    })
}

/// Every session that is in a room all the time is in every list of it, but for those of which no node that is awake knows. Of
/// one that came in after the list was made, its reader hears behind it. One that cannot resume has no place while its node is
/// not heard of: whether it is listed is judged at the end alone.
fn shown(
    view: &View,
    client: ClientNo,
    (at, made_at): (Duration, Duration),
    memory: &Memory,
    story: &Story,
) -> Vec<String> {
    let before = made_at.saturating_sub(FRESH);
    let peers = story.sessions.keys();
    peers
        .filter(|peer| !view.members.iter().any(|member| member.peer == **peer))
        .filter(|peer| story.stayed(peer, &view.room, before).is_some())
        .filter(|peer| !memory.is_unknown(peer, at))
        .filter(|peer| story.sessions[*peer].promises.resumes)
        .map(|peer| {
            format!(
                "client {client} at {at:?}: the list of {} lacks {peer}, who is in",
                view.room
            )
        })
        .collect()
}

fn told(
    views: &mut Views,
    (client, connection): (ClientNo, ConnectionNo),
    room: &RoomId,
    news: &News,
    (at, made_at): (Duration, Duration),
    (memory, story, revisions): (&Memory, &Story, &Revisions),
) -> Vec<String> {
    let key = (client, room.clone());
    if let News::Joined { revision, members } = news {
        let view = View {
            room: room.clone(),
            revision: *revision,
            members: members.clone(),
        };
        let partial = shown(&view, client, (at, made_at), memory, story);
        let owed = revisions.owed(room, at);
        let back = installed(views, (client, connection), &view, owed);
        return partial.into_iter().chain(back).collect();
    }
    if matches!(news, News::Left | News::Closed) {
        views.remove(&key);
        return Vec::new();
    }
    let Some((_, view)) = views.get_mut(&key) else {
        // Somebody else's invariant.
        return Vec::new();
    };
    let mut found = Vec::new();
    let is_known = |peer: &PeerId| view.members.iter().any(|member| member.peer == *peer);
    match news {
        News::Came { member, .. } if is_known(&member.peer) => {
            found.push(format!("{} came to {room} twice", member.peer));
        }
        News::Updated { peer, .. } if !is_known(peer) => {
            found.push(format!("{peer} changed in {room}, and never came"));
        }
        News::Went { peer, .. } if !is_known(peer) => {
            found.push(format!("{peer} left {room}, and never came"));
        }
        // Whom a list may lack, since nobody who was awake could write it again in the lease that rooms wait for (DESIGN 5),
        // is told as gone to those who had it in an earlier one.
        News::Went { peer, reason, .. }
            if view.keeps(peer, made_at, story) && !memory.is_unknown(peer, at) =>
        {
            found.push(format!(
                "{peer} left {room} ({reason:?}), and is in all the time"
            ));
        }
        _ => {}
    }
    let before = view.revision;
    view.take(news);
    // Whatever Redis lost, a node does not go back on what it told over one connection.
    if view.revision < before {
        found.push(format!(
            "{room} went back from revision {before} to {}",
            view.revision
        ));
    }
    found
}

impl View {
    /// Whether somebody is in, with the place that this shows, from `since` until the end.
    fn keeps(&self, peer: &PeerId, since: Duration, story: &Story) -> bool {
        let mut shown = self.members.iter().filter(|member| member.peer == *peer);
        shown.any(|member| story.keeps_place(peer, (&self.room, member.order), since))
    }
}

/// When all has come to rest, each client sees what the directory has.
fn last(trace: &Trace) -> Vec<String> {
    let mut found = Vec::new();
    for client in trace
        .last
        .clients
        .iter()
        .filter(|client| client.peer.is_some() && client.promises.rosters)
    {
        for view in &client.views {
            let Some(room) = trace.last.rooms.get(&view.room) else {
                continue;
            };
            let mut seen: Vec<Seen> = view.members.clone();
            let mut there: Vec<Seen> = room
                .members
                .iter()
                .filter(|member| !member.flags.hidden)
                .map(|member| Seen::from(&member.to_member()))
                .collect();
            for own in seen.iter_mut().chain(&mut there) {
                if Some(own.peer) == client.peer {
                    // Nobody is told of his own state.
                    own.state = MemberState::default();
                }
            }
            seen.sort_by_key(|member| member.peer);
            there.sort_by_key(|member| member.peer);
            if seen != there {
                found.push(format!(
                    "client {} sees {} otherwise than the directory: {seen:?}, not {there:?}",
                    client.client, view.room
                ));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::telling::Tale;
    use crate::trace::{Fate, Promises, Weather};

    #[test]
    fn all_agree_in_the_end_or_somebody_is_wrong() {
        let mut tale = Tale::of_two();
        assert_eq!(tale.judge(check), [""; 0]);
        tale.last(0).views[0].members[1].away = true;
        assert_eq!(tale.judge(check).len(), 1);
    }

    #[test]
    fn a_revision_that_goes_back_is_wrong() {
        let mut tale = Tale::of_two();
        for (revision, wrong) in [(9, 0), (8, 1)] {
            tale.hears_of_state(0, 1, revision);
            assert_eq!(tale.judge(check).len(), wrong);
        }
    }

    #[test]
    fn of_what_redis_lost_while_no_node_ran_nobody_knows_the_revision() {
        for (fates, wrong) in [(vec![Fate::Killed], 0), (vec![], 1)] {
            let mut tale = Tale::of_two();
            tale.hears_of_state(0, 1, 9);
            let node = 0;
            tale.note(What::Node {
                node,
                fate: Fate::Started,
            });
            for fate in fates {
                tale.note(What::Node { node, fate });
            }
            tale.note(What::Weather(Weather::Forgot));
            tale.joins_again(0, &[0, 1]);
            assert_eq!(tale.judge(check).len(), wrong);
        }
    }

    #[test]
    fn of_a_room_that_its_last_one_was_leaving_as_it_was_lost_nobody_knows_the_revision() {
        for (leaves, wrong) in [(true, 0), (false, 1)] {
            let mut tale = Tale::of_two();
            tale.leaves(1);
            tale.hears_of_state(0, 1, 9);
            if leaves {
                let (client, room) = (0, "room-0".parse().expect("a room id"));
                tale.note(What::Leaves { client, room });
            }
            tale.note(What::Weather(Weather::Forgot));
            tale.joins_again(0, &[0, 1]);
            assert_eq!(tale.judge(check).len(), wrong);
        }
    }

    #[test]
    fn whoever_is_in_all_the_time_did_not_leave_and_is_in_every_list() {
        let mut tale = Tale::of_two();
        tale.wait(10);
        tale.hears_of_leaving(0, 1);
        assert_eq!(tale.judge(check).len(), 1);

        let mut tale = Tale::of_two();
        tale.wait(10);
        tale.joins_again(0, &[0]);
        assert_eq!(tale.judge(check).len(), 1, "a partial list");
    }

    #[test]
    fn a_list_may_lack_one_that_has_no_place_while_its_node_is_not_heard_of() {
        for (resumes, wrong) in [(true, 1), (false, 0)] {
            let mut tale = Tale::of_two();
            if !resumes {
                tale.promise(1, Promises::FEWEST);
            }
            tale.wait(10);
            tale.joins_again(0, &[0]);
            assert_eq!(tale.judge(check).len(), wrong, "{resumes}");
        }
    }

    #[test]
    fn a_list_is_as_fresh_as_when_it_was_made_and_no_less() {
        let pause = Duration::from_secs;
        for (rest, wrong) in [(Some(10), 0), (Some(5), 1), (None, 1)] {
            let mut tale = Tale::of_two();
            if let Some(seconds) = rest {
                let (client, pause) = (0, pause(seconds));
                tale.note(What::Rests { client, pause });
            }
            tale.wait(10);
            tale.joins_again(0, &[0]);
            assert_eq!(tale.judge(check).len(), wrong, "{rest:?}");
        }
        for (waits_for_welcome, wrong) in [(10, 0), (1, 1)] {
            let mut tale = Tale::of_two();
            tale.wait(10 - waits_for_welcome);
            tale.opens(0, &[]);
            tale.wait(waits_for_welcome);
            tale.is_welcomed_back(0, &[0]);
            assert_eq!(tale.judge(check).len(), wrong);
        }
    }

    /// A room that was empty meanwhile counts its members from 1 again: the place alone does not tell.
    #[test]
    fn what_a_client_that_rested_finds_may_be_of_a_stay_before() {
        for (rests, wrong) in [(true, 0), (false, 1)] {
            let mut tale = Tale::of_two();
            if rests {
                let (client, pause) = (0, Duration::from_secs(10));
                tale.note(What::Rests { client, pause });
            }
            tale.wait(1);
            tale.leaves(1);
            tale.joins_again(1, &[1]);
            tale.wait(8);
            tale.hears_of_leaving(0, 1);
            assert_eq!(tale.judge(check).len(), wrong);
        }
    }

    #[test]
    fn a_list_that_a_node_made_before_it_froze_is_as_old_as_that() {
        let list_after = |freezes: bool, awake_for: u64| {
            let mut tale = Tale::of_two();
            let node = 0;
            if freezes {
                let fate = Fate::Frozen;
                tale.note(What::Node { node, fate });
            }
            tale.wait(10);
            if freezes {
                let fate = Fate::Awake;
                tale.note(What::Node { node, fate });
            }
            tale.wait(awake_for);
            tale.joins_again(0, &[0]);
            tale.judge(check).len()
        };
        assert_eq!(list_after(true, 0), 0);
        assert_eq!(list_after(true, 5), 1, "it has said that long since");
        assert_eq!(list_after(false, 0), 1);
    }

    #[test]
    fn whoever_slept_when_redis_forgot_may_be_told_as_gone_and_nobody_else() {
        for (sleeps, wrong) in [(true, 0), (false, 1)] {
            let mut tale = Tale::of_two();
            if sleeps {
                let (node, fate) = (1, Fate::Frozen);
                tale.note(What::Node { node, fate });
            }
            tale.note(What::Weather(Weather::Forgot));
            tale.wait(10);
            tale.hears_of_leaving(0, 1);
            assert_eq!(tale.judge(check).len(), wrong);
        }
    }

    #[test]
    fn nobody_comes_twice_or_goes_who_never_came() {
        let mut tale = Tale::of_two();
        tale.hears_of_coming(0, 1);
        assert_eq!(tale.judge(check).len(), 1);

        let mut tale = Tale::of_two();
        tale.leaves(1);
        tale.trace.last = Default::default();
        tale.hears_of_leaving(0, 1);
        tale.hears_of_leaving(0, 1);
        assert_eq!(tale.judge(check).len(), 1);
    }
}
