use tokio::time::Duration;

use super::check;
use crate::invariants::telling::Tale;
use crate::trace::{Fate, Promises, Weather, What};

#[test]
fn all_agree_in_the_end_or_somebody_is_wrong() {
    let mut tale = Tale::of_two();
    assert_eq!(tale.judge(check), [""; 0]);
    tale.last(0).views[0].members[1].away = true;
    assert_eq!(tale.judge(check).len(), 1);
}

#[test]
fn a_revision_that_goes_back_is_wrong() {
    let mut tale = Tale::of_two();
    for (revision, wrong) in [(9, 0), (8, 1)] {
        tale.hears_of_state(0, 1, revision);
        assert_eq!(tale.judge(check).len(), wrong);
    }
}

#[test]
fn of_what_redis_lost_while_no_node_ran_nobody_knows_the_revision() {
    for (fates, wrong) in [(vec![Fate::Killed], 0), (vec![], 1)] {
        let mut tale = Tale::of_two();
        tale.hears_of_state(0, 1, 9);
        let node = 0;
        tale.note(What::Node {
            node,
            fate: Fate::Started,
        });
        for fate in fates {
            tale.note(What::Node { node, fate });
        }
        tale.note(What::Weather(Weather::Forgot));
        tale.joins_again(0, &[0, 1]);
        assert_eq!(tale.judge(check).len(), wrong);
    }
}

#[test]
fn of_a_room_that_its_last_one_was_leaving_as_it_was_lost_nobody_knows_the_revision() {
    for (leaves, wrong) in [(true, 0), (false, 1)] {
        let mut tale = Tale::of_two();
        tale.leaves(1);
        tale.hears_of_state(0, 1, 9);
        if leaves {
            let (client, room) = (0, "room-0".parse().expect("a room id"));
            tale.note(What::Leaves { client, room });
        }
        tale.note(What::Weather(Weather::Forgot));
        tale.joins_again(0, &[0, 1]);
        assert_eq!(tale.judge(check).len(), wrong);
    }
}

#[test]
fn whoever_is_in_all_the_time_did_not_leave_and_is_in_every_list() {
    let mut tale = Tale::of_two();
    tale.wait(10);
    tale.hears_of_leaving(0, 1);
    assert_eq!(tale.judge(check).len(), 1);

    let mut tale = Tale::of_two();
    tale.wait(10);
    tale.joins_again(0, &[0]);
    assert_eq!(tale.judge(check).len(), 1, "a partial list");
}

#[test]
fn a_list_may_lack_one_that_has_no_place_while_its_node_is_not_heard_of() {
    for (resumes, wrong) in [(true, 1), (false, 0)] {
        let mut tale = Tale::of_two();
        if !resumes {
            tale.promise(1, Promises::FEWEST);
        }
        tale.wait(10);
        tale.joins_again(0, &[0]);
        assert_eq!(tale.judge(check).len(), wrong, "{resumes}");
    }
}

#[test]
fn a_list_is_as_fresh_as_when_it_was_made_and_no_less() {
    let pause = Duration::from_secs;
    for (rest, wrong) in [(Some(10), 0), (Some(5), 1), (None, 1)] {
        let mut tale = Tale::of_two();
        if let Some(seconds) = rest {
            let (client, pause) = (0, pause(seconds));
            tale.note(What::Rests { client, pause });
        }
        tale.wait(10);
        tale.joins_again(0, &[0]);
        assert_eq!(tale.judge(check).len(), wrong, "{rest:?}");
    }
    for (waits_for_welcome, wrong) in [(10, 0), (1, 1)] {
        let mut tale = Tale::of_two();
        tale.wait(10 - waits_for_welcome);
        tale.opens(0, &[]);
        tale.wait(waits_for_welcome);
        tale.is_welcomed_back(0, &[0]);
        assert_eq!(tale.judge(check).len(), wrong);
    }
}

/// A room that was empty meanwhile counts its members from 1 again: the place alone does not tell.
#[test]
fn what_a_client_that_rested_finds_may_be_of_a_stay_before() {
    for (rests, wrong) in [(true, 0), (false, 1)] {
        let mut tale = Tale::of_two();
        if rests {
            let (client, pause) = (0, Duration::from_secs(10));
            tale.note(What::Rests { client, pause });
        }
        tale.wait(1);
        tale.leaves(1);
        tale.joins_again(1, &[1]);
        tale.wait(8);
        tale.hears_of_leaving(0, 1);
        assert_eq!(tale.judge(check).len(), wrong);
    }
}

#[test]
fn a_list_that_a_node_made_before_it_froze_is_as_old_as_that() {
    let list_after = |freezes: bool, awake_for: u64| {
        let mut tale = Tale::of_two();
        let node = 0;
        if freezes {
            let fate = Fate::Frozen;
            tale.note(What::Node { node, fate });
        }
        tale.wait(10);
        if freezes {
            let fate = Fate::Awake;
            tale.note(What::Node { node, fate });
        }
        tale.wait(awake_for);
        tale.joins_again(0, &[0]);
        tale.judge(check).len()
    };
    assert_eq!(list_after(true, 0), 0);
    assert_eq!(list_after(true, 5), 1, "it has said that long since");
    assert_eq!(list_after(false, 0), 1);
}

#[test]
fn whoever_slept_when_redis_forgot_may_be_told_as_gone_and_nobody_else() {
    for (sleeps, wrong) in [(true, 0), (false, 1)] {
        let mut tale = Tale::of_two();
        if sleeps {
            let (node, fate) = (1, Fate::Frozen);
            tale.note(What::Node { node, fate });
        }
        tale.note(What::Weather(Weather::Forgot));
        tale.wait(10);
        tale.hears_of_leaving(0, 1);
        assert_eq!(tale.judge(check).len(), wrong);
    }
}

#[test]
fn nobody_comes_twice_or_goes_who_never_came() {
    let mut tale = Tale::of_two();
    tale.hears_of_coming(0, 1);
    assert_eq!(tale.judge(check).len(), 1);

    let mut tale = Tale::of_two();
    tale.leaves(1);
    tale.trace.last = Default::default();
    tale.hears_of_leaving(0, 1);
    tale.hears_of_leaving(0, 1);
    assert_eq!(tale.judge(check).len(), 1);
}
