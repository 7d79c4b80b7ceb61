//! Signals of others, and their receipts.

use super::*;

#[test]
fn a_receipt_is_due_once_the_signal_was_handled() {
    let [alice] = peers();
    let mut rig = rig_in_room(&[alice]);
    rig.hear(heard(alice, 3));
    assert_eq!(rig.tells(), [Event::Signal(heard(alice, 3))]);
    assert_eq!(rig.receipts(), []);
    rig.handled(alice, 3);
    assert_eq!(rig.receipts(), [(alice, 3)]);
    assert_eq!(rig.receipts(), []);
}

#[test]
fn a_repeat_is_dropped_and_acknowledged_again() {
    let [alice] = peers();
    let mut rig = rig_in_room(&[alice]);
    rig.hear(heard(alice, 3));
    rig.handled(alice, 3);
    rig.receipts();
    rig.come_back(vec![rig.snapshot("r", 2, &[alice])]);
    rig.out.clear();
    rig.hear(heard(alice, 3));
    assert_eq!(rig.out, []);
    assert_eq!(rig.receipts(), [(alice, 3)]);
}

#[test]
fn what_waits_for_the_application_over_a_resume_is_told_once_and_acknowledged_afterwards() {
    let [alice] = peers();
    let mut rig = rig_in_room(&[alice]);
    rig.hear(heard(alice, 3));
    rig.come_back(vec![rig.snapshot("r", 2, &[alice])]);
    rig.out.clear();
    rig.hear(heard(alice, 3));
    assert_eq!(rig.tells(), []);
    assert_eq!(rig.receipts(), []);
    rig.handled(alice, 3);
    assert_eq!(rig.receipts(), [(alice, 3)]);
}

#[test]
fn receipts_wait_for_a_connection() {
    let [alice] = peers();
    let mut rig = rig_in_room(&[alice]);
    rig.hear(heard(alice, 3));
    rig.lose();
    rig.handled(alice, 3);
    assert_eq!(rig.receipts(), []);
    rig.out.clear();
    let (connection, resume) = rig.opens();
    let seen = resume.expect("a session to go on with").seen;
    assert_eq!(seen.get(&alice), Some(&3));
    rig.opened(
        connection,
        rig.welcome_back(vec![rig.snapshot("r", 2, &[alice])]),
    );
    assert_eq!(rig.receipts(), [(alice, 3)]);
}

#[test]
fn what_was_sent_to_an_earlier_peer_is_not_acknowledged_by_the_present_one() {
    let [alice] = peers();
    let mut rig = rig_in_room(&[alice]);
    rig.hear(heard(alice, 3));
    let before = rig.me;
    rig.lose();
    let (connection, _) = rig.opens();
    let welcome = rig.welcome_anew();
    rig.opened(connection, welcome);
    rig.on(Input::Handled {
        me: before,
        from: alice,
        id: 3,
    });
    assert_eq!(rig.receipts(), []);
}

#[test]
fn a_client_that_does_not_read_misses_nobody() {
    let mut rig = rig();
    rig.on(Input::Reading(false));
    for _ in 0..6 {
        rig.wake();
    }
    assert!(!rig.tells().iter().any(is_reconnecting));
    assert_eq!(rig.says().len(), 3);
}
