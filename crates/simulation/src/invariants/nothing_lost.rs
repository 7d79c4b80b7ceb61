//! Nothing is lost: between two sessions that live and share the room throughout, every signal is delivered. It may wait
//! as long as the deadline allows; nobody gives up before, and nobody is taken for gone.

use switchboard_protocol::server_message::Reason;
use tokio::time::Duration;

use super::story::Story;
use crate::trace::{Event, Trace, What};

/// A deadline is noticed now and then only, and a clock is read at the other end.
const SLACK: Duration = Duration::from_secs(1);

/// A node may not have heard for so long that somebody came in.
const UNHEARD_OF: Duration = Duration::from_secs(3);

pub(super) fn check(trace: &Trace, story: &Story) -> Vec<String> {
    let mut found = Vec::new();
    let rests = |event: &Event| matches!(event.what, What::Rests { .. });
    let rests = trace.events.iter().any(rests);
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
                // He had just come in when it was said to all, and its sender's node did not know. Said again elsewhere, it goes
                // to him as well, behind what he has handled since.
                let came_before = said.first_at.saturating_sub(UNHEARD_OF);
                let is_overtaken = said.to.is_none()
                    && said.over.len() > 1
                    && story.stayed(&answer.to, &said.room, came_before).is_none();
                let waited = answer.at.saturating_sub(said.last_at);
                let right = match answer.outcome {
                    Ok(()) => true,
                    // Somebody who does not read fills his outbox.
                    Err(Reason::Overloaded) => rests,
                    // Both have moved since, and the answer of the node that it came to first went with them: it is said
                    // again behind what was handled, and nobody can tell any more whether it was.
                    Err(Reason::Unconfirmed)
                        if said.over.len() > 1 && receiver.welcomed_at > said.first_at =>
                    {
                        true
                    }
                    Err(Reason::Unconfirmed) if is_overtaken => true,
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
    fn what_is_said_to_all_again_may_be_too_late_for_somebody_who_had_just_come_in() {
        for (is_in_for, wrong) in [(1, 0), (9, 1)] {
            let mut tale = Tale::of_two();
            tale.wait(is_in_for);
            tale.says_to_all(0, 1);
            tale.resumes(0, &[]);
            tale.says_to_all(0, 1);
            tale.answered(0, 1, 1, Err(Reason::Unconfirmed));
            assert_eq!(tale.judge(check).len(), wrong);
        }
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
