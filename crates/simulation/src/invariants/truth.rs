//! `delivered` is said only for what the receiving application has, or, where it says no `received`, for what the kernel of its
//! gateway has; `undelivered` (but for `unconfirmed`) only for what it never gets.

use switchboard_protocol::server_message::Reason;

use super::story::Story;
use crate::trace::Trace;

pub(super) fn check(_: &Trace, story: &Story) -> Vec<String> {
    let mut found = Vec::new();
    for (peer, session) in &story.sessions {
        for (id, said) in &session.said {
            for answer in &said.answers {
                let Some(receiver) = story.sessions.get(&answer.to) else {
                    continue;
                };
                let handled_at = receiver.handled.get(&(*peer, *id));
                let lie = match answer.outcome {
                    Ok(()) if receiver.promises.receipts => {
                        handled_at.is_none_or(|at| *at > answer.at)
                    }
                    // A receiver without receipts may die with what its kernel has.
                    Ok(()) => {
                        let written_at = story.written.get(&(answer.to, *peer, *id));
                        written_at.is_none_or(|at| *at > answer.at)
                    }
                    Err(Reason::Unconfirmed) => false,
                    Err(_) => handled_at.is_some(),
                };
                if lie {
                    let outcome = answer.outcome;
                    found.push(format!(
                        "signal {id} of {peer} to {}: told {outcome:?} at {:?}, handled at {handled_at:?}",
                        answer.to, answer.at
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
    use crate::trace::{Promises, What};

    #[test]
    fn delivered_after_it_was_handled_is_true_and_before_it_is_not() {
        let mut tale = Tale::of_two();
        tale.says(0, 1, 1);
        tale.handles(1, 0, 1);
        tale.wait(1);
        tale.answered(0, 1, 1, Ok(()));
        assert_eq!(tale.judge(check), [""; 0]);

        let mut tale = Tale::of_two();
        tale.says(0, 1, 1);
        tale.answered(0, 1, 1, Ok(()));
        tale.wait(1);
        tale.handles(1, 0, 1);
        assert_eq!(tale.judge(check).len(), 1);
    }

    #[test]
    fn delivered_to_one_without_receipts_is_true_once_the_kernel_has_it() {
        for (is_written, lies) in [(true, 0), (false, 1)] {
            let mut tale = Tale::of_two();
            tale.promise(1, Promises::FEWEST);
            tale.says(0, 1, 1);
            if is_written {
                let (to, from) = (tale.peer(1), tale.peer(0));
                tale.note(What::Written { to, from, id: 1 });
            }
            tale.answered(0, 1, 1, Ok(()));
            assert_eq!(tale.judge(check).len(), lies, "{is_written}");
        }
    }

    #[test]
    fn what_was_handled_is_not_undelivered_unless_nobody_knew() {
        for (reason, lies) in [(Reason::Left, 1), (Reason::Unconfirmed, 0)] {
            let mut tale = Tale::of_two();
            tale.says(0, 1, 1);
            tale.handles(1, 0, 1);
            tale.answered(0, 1, 1, Err(reason));
            assert_eq!(tale.judge(check).len(), lies, "{reason:?}");
        }
    }
}
