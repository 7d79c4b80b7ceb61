//! Two nodes never both own a session: when all has come to rest, each has its connection in one place, where the
//! directory says.

use std::collections::BTreeMap;

use super::story::Story;
use crate::trace::Trace;

pub(super) fn check(trace: &Trace, _: &Story) -> Vec<String> {
    let mut found = Vec::new();
    let mut owners: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for node in &trace.last.nodes {
        for peer in &node.sessions {
            owners.entry(*peer).or_default().push(node);
        }
    }
    for (peer, nodes) in &owners {
        if nodes.len() > 1 {
            let nodes: Vec<_> = nodes.iter().map(|node| node.node).collect();
            found.push(format!("{peer} has connections on the nodes {nodes:?}"));
        }
    }
    for client in &trace.last.clients {
        let Some(peer) = client.peer else {
            found.push(format!(
                "client {} has not come to rest: it is not welcomed",
                client.client
            ));
            continue;
        };
        let owner = owners.get(&peer).and_then(|nodes| nodes.first());
        let record = trace.last.peers.iter().find(|record| record.peer == peer);
        match (owner, record) {
            (None, _) => found.push(format!("{peer} is welcomed, and no node has it")),
            (_, None) => found.push(format!(
                "{peer} is welcomed, and the directory does not know it"
            )),
            (Some(owner), Some(record)) if owner.id != record.node => found.push(format!(
                "{peer} is on node {}, the directory says {}",
                owner.node, record.node
            )),
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
    fn one_owner_is_right_and_two_or_none_are_not() {
        let mut tale = Tale::of_two();
        assert_eq!(tale.judge(check), [""; 0]);
        let peer = tale.peer(0);
        tale.last_node().sessions.push(peer);
        assert_eq!(tale.judge(check).len(), 1);
        tale.last_node().sessions.clear();
        assert_eq!(tale.judge(check).len(), 1);
    }

    #[test]
    fn the_directory_knows_the_owner() {
        let mut tale = Tale::of_two();
        tale.last_record(0).node = "node-7".parse().expect("an id");
        assert_eq!(tale.judge(check).len(), 1);
    }
}
