//! A member hears of another's join before its first signal, and of its leaving after its last.

use std::collections::{BTreeMap, BTreeSet};

use super::story::Story;
use crate::trace::{News, Trace, What};

pub(super) fn check(trace: &Trace, _: &Story) -> Vec<String> {
    let mut found = Vec::new();
    let mut known: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    // Over which this is promised.
    let mut promised = BTreeSet::new();
    for event in &trace.events {
        match &event.what {
            What::Greeted {
                connection,
                promises,
                ..
            } if promises.joins_first => drop(promised.insert(*connection)),
            What::Welcomed {
                connection, rooms, ..
            } => {
                for view in rooms {
                    let members = view.members.iter().map(|member| member.peer).collect();
                    known.insert((*connection, view.room.clone()), members);
                }
            }
            What::Told {
                connection,
                room,
                news,
                ..
            } => {
                let members = known.entry((*connection, room.clone())).or_default();
                match news {
                    News::Joined { members: seen, .. } => {
                        *members = seen.iter().map(|member| member.peer).collect();
                    }
                    News::Came { member, .. } => {
                        members.insert(member.peer);
                    }
                    News::Went { peer, .. } => {
                        members.remove(peer);
                    }
                    News::Listed(peers) => members.clone_from(peers),
                    News::Left | News::Closed => members.clear(),
                    News::Entered | News::Updated { .. } => {}
                }
            }
            What::Came {
                client,
                connection,
                room,
                from,
                id,
                ..
            } if promised.contains(connection) => {
                let members = known.get(&(*connection, room.clone()));
                if !members.is_some_and(|members| members.contains(from)) {
                    found.push(format!(
                        "client {client} got signal {id} of {from}, whom it does not know in {room}"
                    ));
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::telling::Tale;

    #[test]
    fn a_signal_of_a_member_is_right_and_after_its_leaving_it_is_not() {
        let mut tale = Tale::of_two();
        tale.comes(1, 0, 1);
        assert_eq!(tale.judge(check), [""; 0]);
        tale.hears_of_leaving(1, 0);
        tale.comes(1, 0, 2);
        assert_eq!(tale.judge(check).len(), 1);
    }
}
