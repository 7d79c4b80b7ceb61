//! From one sender to one receiver, signals come in the order they were said, each at most once over a connection, none
//! that the client said it has, and as they were said.

use std::collections::BTreeMap;

use switchboard_protocol::PeerId;

use super::story::Story;
use crate::trace::{ConnectionNo, Trace, What};

pub(super) fn check(trace: &Trace, story: &Story) -> Vec<String> {
    let mut found = Vec::new();
    let mut high_waters: BTreeMap<(ConnectionNo, PeerId), u64> = BTreeMap::new();
    let mut resumed: BTreeMap<ConnectionNo, BTreeMap<PeerId, u64>> = BTreeMap::new();
    for event in &trace.events {
        match &event.what {
            What::Greeted {
                connection, seen, ..
            } => {
                resumed.insert(*connection, seen.clone());
            }
            // In another session, what was seen in the one before counts for nothing.
            What::Welcomed {
                connection,
                resumed: true,
                ..
            } => {
                for (peer, id) in resumed.remove(connection).unwrap_or_default() {
                    high_waters.insert((*connection, peer), id);
                }
            }
            What::Came {
                connection,
                from,
                id,
                numbered,
                intact,
                ..
            } => {
                let high_water = high_waters.entry((*connection, *from)).or_insert(0);
                if *id <= *high_water {
                    found.push(format!(
                        "signal {id} of {from} came over connection {connection} behind {high_water}"
                    ));
                }
                *high_water = (*high_water).max(*id);
                // A native sender numbers its signals itself; for others, its gateway does.
                let sender = story.sessions.get(from);
                let is_native = sender.is_some_and(|sender| sender.promises.resumes);
                let is_another = is_native && numbered.is_some_and(|numbered| numbered != *id);
                if !intact || is_another {
                    found.push(format!("signal {id} of {from} is not as it was said"));
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
    fn rising_ids_are_right_and_a_repeat_or_an_earlier_one_is_not() {
        for (ids, wrong) in [([1, 2, 9], 0), ([1, 2, 2], 1), ([1, 3, 2], 1)] {
            let mut tale = Tale::of_two();
            for id in ids {
                tale.comes(1, 0, id);
            }
            assert_eq!(tale.judge(check).len(), wrong, "{ids:?}");
        }
    }

    #[test]
    fn what_the_client_has_does_not_come_again_after_a_resume() {
        let mut tale = Tale::of_two();
        tale.comes(1, 0, 5);
        tale.resumes(1, &[(0, 5)]);
        tale.comes(1, 0, 5);
        assert_eq!(tale.judge(check).len(), 1);
    }
}
