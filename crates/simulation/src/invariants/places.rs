//! A member that is listed has a node with a live lease, or is away within its window: when all has come to rest, those who
//! are listed are those who are there. No ghosts, and nobody forgotten, in rooms, sessions and the table of nodes.

use std::collections::BTreeSet;

use super::story::Story;
use crate::trace::Trace;
use crate::trace::last::LastState;

pub(super) fn check(trace: &Trace, _: &Story) -> Vec<String> {
    let last = &trace.last;
    let mut found = Vec::new();
    ghosts(last, &mut found);
    forgotten(last, &mut found);
    sessions_that_are_over(last, &mut found);
    sessions_of_nodes(last, &mut found);
    leases(last, &mut found);
    found
}

/// Whoever is listed is in that room, is not away, and is on the node that the list names.
fn ghosts(last: &LastState, found: &mut Vec<String>) {
    for (room, roster) in &last.rooms {
        for member in &roster.members {
            let client = last
                .clients
                .iter()
                .find(|client| client.peer == Some(member.peer));
            let is_in =
                client.is_some_and(|client| client.views.iter().any(|view| view.room == *room));
            let node = last.nodes.iter().find(|node| node.id == member.node);
            if !is_in {
                found.push(format!("{} is listed in {room} and not there", member.peer));
            } else if member.flags.away {
                found.push(format!(
                    "{} is there, and listed as away in {room}",
                    member.peer
                ));
            } else if !node.is_some_and(|node| node.sessions.contains(&member.peer)) {
                found.push(format!(
                    "{} is listed in {room} on {}, which does not have it",
                    member.peer, member.node
                ));
            }
        }
    }
}

/// Who wants to be in a room is listed there.
fn forgotten(last: &LastState, found: &mut Vec<String>) {
    for client in &last.clients {
        for room in &client.wants {
            let listed = last.rooms.get(room).is_some_and(|roster| {
                roster
                    .members
                    .iter()
                    .any(|member| Some(member.peer) == client.peer)
            });
            if client.peer.is_some() && !listed {
                found.push(format!(
                    "client {} wants to be in {room} and is not listed",
                    client.client
                ));
            }
        }
    }
}

fn sessions_that_are_over(last: &LastState, found: &mut Vec<String>) {
    let present: BTreeSet<_> = last
        .clients
        .iter()
        .filter_map(|client| client.peer)
        .collect();
    for record in &last.peers {
        if !present.contains(&record.peer) {
            found.push(format!(
                "the directory still has the session {}",
                record.peer
            ));
        }
    }
}

/// Each node serves, and the sessions on it are those that are noted for it.
fn sessions_of_nodes(last: &LastState, found: &mut Vec<String>) {
    for node in &last.nodes {
        for peer in &node.enlisted {
            if !node.sessions.contains(peer) {
                found.push(format!(
                    "{peer} is noted for node {}, which does not have it",
                    node.node
                ));
            }
        }
        for peer in &node.sessions {
            if !node.enlisted.contains(peer) {
                found.push(format!(
                    "{peer} is on node {}, and not noted for it",
                    node.node
                ));
            }
        }
        if !node.serves {
            found.push(format!("node {} does not serve", node.node));
        }
    }
}

/// The nodes that run are those with a lease.
fn leases(last: &LastState, found: &mut Vec<String>) {
    let running: BTreeSet<_> = last.nodes.iter().map(|node| &node.id).collect();
    let leases: BTreeSet<_> = last.leases.iter().collect();
    for node in running.symmetric_difference(&leases) {
        found.push(format!(
            "{node} runs without a lease, or the other way round"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::telling::Tale;

    #[test]
    fn whoever_is_listed_is_there_and_the_other_way_round() {
        let mut tale = Tale::of_two();
        assert_eq!(tale.judge(check), [""; 0]);
        tale.last(0).views.clear();
        assert_eq!(tale.judge(check).len(), 1, "a ghost");

        let mut tale = Tale::of_two();
        tale.last_room().members.pop();
        assert_eq!(tale.judge(check).len(), 1, "one who is forgotten");

        let mut tale = Tale::of_two();
        tale.last_room().members[0].flags.away = true;
        assert_eq!(tale.judge(check).len(), 1, "one who is not away");
    }

    #[test]
    fn sessions_notes_and_leases_are_those_that_are() {
        let mut tale = Tale::of_two();
        tale.last_node().enlisted.pop();
        assert_eq!(tale.judge(check).len(), 1);

        let mut tale = Tale::of_two();
        tale.trace
            .last
            .leases
            .push("node-9".parse().expect("an id"));
        assert_eq!(tale.judge(check).len(), 1);

        let mut tale = Tale::of_two();
        tale.trace.last.clients.pop();
        assert!(tale.judge(check).len() >= 2, "a session without a client");
    }
}
