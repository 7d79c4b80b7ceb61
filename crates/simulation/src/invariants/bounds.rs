//! Every queue is bounded, and empty when all has come to rest.

use super::story::Story;
use crate::trace::Trace;

pub(super) fn check(trace: &Trace, story: &Story) -> Vec<String> {
    let mut found = Vec::new();
    for node in &trace.last.nodes {
        if node.in_flight_bytes > 0 {
            found.push(format!(
                "node {} still counts {} bytes as unanswered",
                node.node, node.in_flight_bytes
            ));
        }
    }
    for (peer, session) in &story.sessions {
        if session.said.len() > 100_000 {
            found.push(format!("{peer} was let say more than it may"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::telling::Tale;

    #[test]
    fn a_node_at_rest_waits_for_nothing() {
        let mut tale = Tale::of_two();
        assert_eq!(tale.judge(check), [""; 0]);
        tale.last_node().in_flight_bytes = 7;
        assert_eq!(tale.judge(check).len(), 1);
    }
}
