//! Clients whose sessions end with their connections: nobody ever sees one of them away, and when all has come to rest, the
//! lists that they were told are true.

use std::collections::BTreeSet;

use switchboard_protocol::PeerId;

use super::story::Story;
use crate::trace::last::{LastClient, LastRoom, Listed};
use crate::trace::{News, Seen, Trace, What};

pub(super) fn check(trace: &Trace, story: &Story) -> Vec<String> {
    let resumes = |peer: &PeerId| {
        let session = story.sessions.get(peer);
        session.is_none_or(|session| session.promises.resumes)
    };
    let mut found = Vec::new();
    for event in &trace.events {
        let away: Vec<PeerId> = match &event.what {
            What::Welcomed { rooms, .. } => {
                let seen = rooms.iter().flat_map(|view| &view.members);
                away(seen).collect()
            }
            What::Told {
                news: News::Joined { members, .. },
                ..
            } => away(members).collect(),
            What::Told {
                news: News::Came { member, .. },
                ..
            } => away([member]).collect(),
            What::Told {
                news:
                    News::Updated {
                        peer,
                        away: Some(true),
                        ..
                    },
                ..
            } => vec![*peer],
            _ => Vec::new(),
        };
        for peer in away.iter().filter(|peer| !resumes(peer)) {
            found.push(format!(
                "{peer}, which cannot come back, is told as away at {:?}",
                event.at
            ));
        }
    }
    for client in &trace.last.clients {
        let room = client.views.first();
        let room = room.and_then(|view| trace.last.rooms.get(&view.room));
        if let (Some(listed), Some(room)) = (&client.listed, room) {
            found.extend(wrong_list(client, listed, room));
        }
    }
    found
}

fn away<'a>(seen: impl IntoIterator<Item = &'a Seen>) -> impl Iterator<Item = PeerId> {
    let away = seen.into_iter().filter(|member| member.away);
    away.map(|member| member.peer)
}

fn wrong_list(client: &LastClient, listed: &Listed, room: &LastRoom) -> Option<String> {
    let members = || room.members.iter().map(|member| member.to_member());
    let there = match listed {
        Listed::Peers(_) => {
            Listed::Peers(members().map(|member| member.peer).collect::<BTreeSet<_>>())
        }
        Listed::Names(_) => {
            let name = |member: switchboard_protocol::Member| match member.name {
                Some(name) => name.to_string(),
                None => member.peer.to_string(),
            };
            let mut names: Vec<_> = members().map(name).collect();
            names.sort();
            Listed::Names(names)
        }
    };
    (there != *listed).then(|| {
        format!(
            "client {} was told at last of {listed:?}, and there are {there:?}",
            client.client
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::telling::Tale;
    use crate::trace::Promises;

    #[test]
    fn who_cannot_come_back_is_never_away() {
        for (promises, wrong) in [(None, 0), (Some(Promises::FEWEST), 1)] {
            let mut tale = Tale::of_two();
            if let Some(promises) = promises {
                tale.promise(1, promises);
            }
            tale.sees_away(0, 1, 7);
            assert_eq!(tale.judge(check).len(), wrong, "{promises:?}");
        }
    }

    #[test]
    fn the_last_list_is_the_room() {
        for (listed, wrong) in [(vec![0, 1], 0), (vec![0], 1)] {
            let mut tale = Tale::of_two();
            let peers = listed.iter().map(|no| tale.peer(*no)).collect();
            tale.last(1).listed = Some(Listed::Peers(peers));
            assert_eq!(tale.judge(check).len(), wrong, "{listed:?}");
        }
    }
}
