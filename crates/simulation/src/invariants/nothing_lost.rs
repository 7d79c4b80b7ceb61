//! Nothing is lost: between two sessions that live and share the room throughout, every signal is delivered. It may wait
//! as long as the deadline allows; nobody gives up before, and nobody is taken for gone.

use switchboard_protocol::limits::RECEIVER_SHARE;
use switchboard_protocol::server_message::Reason;
use tokio::time::Duration;

use super::story::Story;
use crate::trace::{Event, Fate, NodeNo, Trace, What};

/// A deadline is noticed now and then only, and a clock is read at the other end.
const SLACK: Duration = Duration::from_secs(1);

pub(super) fn check(trace: &Trace, story: &Story) -> Vec<String> {
    let mut found = Vec::new();
    let rests = |event: &Event| matches!(event.what, What::Rests { .. });
    let rests = trace.events.iter().any(rests);
    let frozen = Frozen::of(trace);
    let share = trace.rules.in_flight / RECEIVER_SHARE as usize;
    for (peer, session) in &story.sessions {
        for (id, said) in session.own() {
            if said.refused || story.stayed(peer, &said.room, said.first_at).is_none() {
                continue;
            }
            for answer in &said.answers {
                let Some(receiver) = story.stayed(&answer.to, &said.room, said.first_at) else {
                    continue;
                };
                // It was said to somebody who had left, and is back. That the receiver really had is the rosters' matter.
                if session.misses(&answer.to, &said.room, said.first_at) {
                    continue;
                }
                // When it was said to all, its sender's node had not heard that he had come in, which may take as long as it
                // cannot reach the others. Said again elsewhere, it goes to him as well, behind what he has handled since.
                let is_overtaken =
                    said.to.is_none() && said.over.len() > 1 && !said.members.contains(&answer.to);
                let waited = answer.at.saturating_sub(said.last_at);
                let right = match answer.outcome {
                    Ok(()) => true,
                    // Somebody who does not read fills his outbox; a node that is frozen, the links to it.
                    Err(Reason::Overloaded) => {
                        rests || frozen.any_between(said.first_at, answer.at)
                    }
                    // Both have moved since, and the answer of the node that it came to first went with them: it is said
                    // again behind what was handled, and nobody can tell any more whether it was.
                    Err(Reason::Unconfirmed)
                        if said.over.len() > 1 && receiver.welcomed_at > said.first_at =>
                    {
                        true
                    }
                    Err(Reason::Unconfirmed) if is_overtaken => true,
                    // Its node has as much as may wait for that receiver, and cannot tell what is new from what is said again.
                    Err(Reason::Unconfirmed) if session.unanswered_over(answer) > share => true,
                    Err(Reason::Unconfirmed | Reason::Unavailable) => {
                        waited + SLACK >= trace.rules.deadline
                    }
                    // For the receiver the sender is gone, and says nothing before it has come again. Whether it may be told so
                    // is the rosters' matter.
                    Err(Reason::NoSuchPeer) => receiver.lacks(peer, &said.room, said.first_at),
                    Err(Reason::Left | Reason::Expired) => false,
                };
                if !right {
                    found.push(format!(
                        "signal {id} of {peer} to {}: {:?} at {:?}, though both live and were in {} all the time",
                        answer.to, answer.outcome, answer.at, said.room
                    ));
                }
            }
        }
    }
    found
}

/// When nodes did not run.
struct Frozen(Vec<(NodeNo, Duration, Option<Duration>)>);

impl Frozen {
    fn of(trace: &Trace) -> Self {
        let mut times: Vec<(NodeNo, Duration, Option<Duration>)> = Vec::new();
        for event in &trace.events {
            match event.what {
                What::Node {
                    node,
                    fate: Fate::Frozen,
                } => times.push((node, event.at, None)),
                What::Node {
                    node,
                    fate: Fate::Awake,
                } => {
                    let mut open = times.iter_mut();
                    let open = open.find(|(known, _, until)| *known == node && until.is_none());
                    if let Some((_, _, until)) = open {
                        *until = Some(event.at);
                    }
                }
                _ => {}
            }
        }
        Self(times)
    }

    fn any_between(&self, from: Duration, to: Duration) -> bool {
        let mut times = self.0.iter();
        times.any(|(_, since, until)| *since <= to && until.is_none_or(|until| until >= from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::telling::Tale;
    use crate::trace::{Leaving, Weather};

    #[test]
    fn to_somebody_who_stays_nothing_is_lost_and_nobody_gives_up_early() {
        let judge = |wait, outcome| {
            let mut tale = Tale::of_two();
            tale.says(0, 1, 1);
            tale.wait(wait);
            tale.answered(0, 1, 1, outcome);
            tale.judge(check).len()
        };
        assert_eq!(judge(1, Ok(())), 0);
        assert_eq!(judge(1, Err(Reason::Left)), 1);
        assert_eq!(judge(1, Err(Reason::Unconfirmed)), 1);
        assert_eq!(judge(60, Err(Reason::Unconfirmed)), 0);
    }

    #[test]
    fn of_two_who_have_both_moved_nobody_may_know() {
        for moved in [vec![], vec![0], vec![1], vec![0, 1]] {
            let mut tale = Tale::of_two();
            tale.says(0, 1, 1);
            tale.wait(1);
            for no in &moved {
                tale.resumes(*no, &[]);
            }
            tale.says(0, 1, 1);
            tale.answered(0, 1, 1, Err(Reason::Unconfirmed));
            let wrong = usize::from(moved.len() < 2);
            assert_eq!(tale.judge(check).len(), wrong, "{moved:?}");
        }
    }

    #[test]
    fn what_is_said_again_counts_where_it_is_said_whatever_is_answered_elsewhere() {
        for (again, wrong) in [(64, 0), (63, 1)] {
            let mut tale = Tale::of_two();
            for id in 1..=64 {
                tale.says(0, id, 1);
            }
            tale.resumes(0, &[]);
            for id in 1..=again {
                tale.says(0, id, 1);
            }
            tale.says(0, 65, 1);
            tale.answered(0, 65, 1, Err(Reason::Unconfirmed));
            assert_eq!(tale.judge(check).len(), wrong, "{again}");
        }
    }

    #[test]
    fn to_somebody_who_has_left_and_is_back_it_may_be_until_its_sender_knows() {
        let mut tale = Tale::of_two();
        tale.says(0, 1, 1);
        tale.hears_of_leaving(0, 1);
        tale.answered(0, 1, 1, Err(Reason::Left));
        assert_eq!(tale.judge(check), [""; 0]);
        tale.wait(1);
        tale.says(0, 2, 1);
        tale.answered(0, 2, 1, Err(Reason::Left));
        assert_eq!(tale.judge(check).len(), 1);
    }

    #[test]
    fn of_somebody_who_is_gone_for_its_receiver_it_may_be_until_he_is_there_again() {
        for (is_back_before, reason, wrong) in [
            (false, Reason::NoSuchPeer, 0),
            (true, Reason::NoSuchPeer, 1),
            (false, Reason::Left, 1),
        ] {
            let mut tale = Tale::of_two();
            tale.hears_of_leaving(1, 0);
            tale.wait(1);
            if is_back_before {
                tale.hears_of_coming(1, 0);
                tale.wait(1);
            }
            tale.says(0, 1, 1);
            tale.wait(1);
            tale.answered(0, 1, 1, Err(reason));
            tale.hears_of_coming(1, 0);
            assert_eq!(
                tale.judge(check).len(),
                wrong,
                "{is_back_before} {reason:?}"
            );
        }
    }

    #[test]
    fn what_is_said_to_all_again_may_be_too_late_for_somebody_of_whom_its_sender_had_not_heard() {
        for (has_heard, moves, wrong) in [(false, true, 0), (true, true, 1), (false, false, 1)] {
            let mut tale = Tale::of_two();
            tale.hears_of_leaving(0, 1);
            if has_heard {
                tale.hears_of_coming(0, 1);
            }
            tale.wait(9);
            tale.says_to_all(0, 1);
            if moves {
                tale.resumes(0, &[]);
                tale.says_to_all(0, 1);
            }
            tale.answered(0, 1, 1, Err(Reason::Unconfirmed));
            assert_eq!(tale.judge(check).len(), wrong, "{has_heard} {moves}");
        }
    }

    #[test]
    fn what_was_said_to_one_that_left_and_may_be_back_is_not_said_to_it() {
        for (is_back, wrong) in [(Some(true), 0), (Some(false), 0), (None, 1)] {
            let mut tale = Tale::of_two();
            tale.says(0, 1, 1);
            match is_back {
                Some(is_back) => tale.misses(0, 1, is_back),
                None => tale.resumes(0, &[]),
            }
            tale.answered(0, 1, 1, Err(Reason::Unconfirmed));
            assert_eq!(tale.judge(check).len(), wrong, "{is_back:?}");
        }
    }

    #[test]
    fn while_a_node_is_frozen_the_links_to_it_may_be_full() {
        let fate = |fate| What::Node { node: 1, fate };
        let judge = |before: Vec<Fate>, meanwhile: Vec<Fate>| {
            let mut tale = Tale::of_two();
            before.into_iter().for_each(|at| tale.note(fate(at)));
            tale.wait(1);
            tale.says(0, 1, 1);
            meanwhile.into_iter().for_each(|at| tale.note(fate(at)));
            tale.wait(1);
            tale.answered(0, 1, 1, Err(Reason::Overloaded));
            tale.judge(check).len()
        };
        assert_eq!(judge(vec![], vec![]), 1);
        assert_eq!(judge(vec![Fate::Frozen], vec![Fate::Awake]), 0);
        assert_eq!(judge(vec![], vec![Fate::Frozen]), 0);
        assert_eq!(judge(vec![Fate::Frozen, Fate::Awake], vec![]), 1);
    }

    #[test]
    fn to_somebody_who_left_it_may_be() {
        let mut tale = Tale::of_two();
        tale.says(0, 1, 1);
        tale.leaves(1);
        tale.answered(0, 1, 1, Err(Reason::Left));
        assert_eq!(tale.judge(check), [""; 0]);
    }

    #[test]
    fn to_somebody_who_had_expired_and_came_back_as_redis_went_back_in_time_it_may_be() {
        for (goes_back, reloads) in [(true, 1), (true, 2), (false, 1)] {
            let mut tale = Tale::of_two();
            tale.says(0, 1, 1);
            for _ in 0..reloads {
                tale.goes(1, Leaving::Reloaded);
                tale.wait(6 / reloads);
            }
            tale.answered(0, 1, 1, Err(Reason::Expired));
            if goes_back {
                tale.note(What::Weather(Weather::WentBack(Duration::from_secs(2))));
            }
            tale.wait(1);
            tale.resumes(1, &[]);
            assert_eq!(tale.judge(check).len(), usize::from(!goes_back));
        }
    }
}
