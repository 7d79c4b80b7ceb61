//! A signal that was taken ends in exactly one answer for each receiver, told to the sender, within a deadline.

use std::collections::BTreeMap;

use tokio::time::Duration;

use super::story::{Said, Story};
use crate::trace::Trace;

/// What a freeze of the sender's node and a slow wire may add to the deadline.
const SLACK: Duration = Duration::from_secs(25);

pub(super) fn check(trace: &Trace, story: &Story) -> Vec<String> {
    let mut found = Vec::new();
    for client in &trace.last.clients {
        for id in &client.unanswered {
            found.push(format!(
                "client {}: signal {id} was never answered",
                client.client
            ));
        }
    }
    for (peer, session) in &story.sessions {
        for (id, said) in session.own() {
            let name = format!("signal {id} of {peer} (client {})", session.client);
            found.extend(too_many(said).map(|what| format!("{name}: {what}")));
            found
                .extend(too_late(said, trace.rules.deadline).map(|what| format!("{name}: {what}")));
        }
    }
    found
}

/// One answer for each connection over which the signal was said, at most, and only for those it goes to.
fn too_many(said: &Said) -> impl Iterator<Item = String> {
    let mut count: BTreeMap<_, usize> = BTreeMap::new();
    for answer in &said.answers {
        *count.entry(answer.to).or_default() += 1;
    }
    count.into_iter().filter_map(|(to, answers)| {
        if !said.goes.contains(&to) {
            return Some(format!("answered for {to}, whom it does not go to"));
        }
        let most = said.over.len();
        (answers > most)
            .then(|| format!("answered {answers} times for {to}, said over {most} connections"))
    })
}

fn too_late(said: &Said, deadline: Duration) -> impl Iterator<Item = String> {
    said.answers.iter().filter_map(move |answer| {
        let after = answer.at.saturating_sub(said.last_at);
        (after > deadline + SLACK)
            .then(|| format!("answered for {} after {after:?} only", answer.to))
    })
}

#[cfg(test)]
mod tests {
    use switchboard_protocol::server_message::Reason;

    use super::*;
    use crate::invariants::telling::Tale;

    #[test]
    fn one_answer_in_time_is_right() {
        let mut tale = Tale::of_two();
        tale.says(0, 1, 1);
        tale.answered(0, 1, 1, Ok(()));
        assert_eq!(tale.judge(check), [""; 0]);
    }

    #[test]
    fn two_answers_none_and_a_late_one_are_wrong() {
        let mut tale = Tale::of_two();
        tale.says(0, 1, 1);
        tale.answered(0, 1, 1, Ok(()));
        tale.answered(0, 1, 1, Err(Reason::Unconfirmed));
        assert_eq!(tale.judge(check).len(), 1);

        let mut tale = Tale::of_two();
        tale.says(0, 1, 1);
        tale.last(0).unanswered.push(1);
        assert_eq!(tale.judge(check).len(), 1);

        let mut tale = Tale::of_two();
        tale.says(0, 1, 1);
        tale.wait(100);
        tale.answered(0, 1, 1, Ok(()));
        assert_eq!(tale.judge(check).len(), 1);
    }

    #[test]
    fn an_answer_for_somebody_else_is_wrong() {
        let mut tale = Tale::of_two();
        tale.says(0, 1, 1);
        tale.answered(0, 1, 0, Ok(()));
        assert_eq!(tale.judge(check).len(), 1);
    }
}
