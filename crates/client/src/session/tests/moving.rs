//! A node that drains.

use super::*;

const DRAIN: Drain = Drain {
    reconnect_after_ms: 2000,
    deadline_ms: 30_000,
};

/// A session that was told to move and has begun to.
fn moving(others: &[PeerId]) -> (Rig, ConnectionId, ConnectionId) {
    let mut rig = rig_in_room(others);
    let old = rig.connection;
    rig.hear(DRAIN);
    let before = rig.now;
    let (new, resume) = rig.opens();
    assert_eq!(rig.now, before + SECOND * 2);
    assert_eq!(resume.map(|resume| resume.peer), Some(rig.me));
    (rig, old, new)
}

#[test]
fn a_session_moves_without_a_word_to_the_application() {
    let [alice] = peers();
    let (mut rig, old, new) = moving(&[alice]);
    rig.opened(new, rig.welcome_back(vec![rig.snapshot("r", 2, &[alice])]));
    assert_eq!(rig.says(), [Say::Ping]);
    assert_eq!(rig.out, [Output::Close { connection: old }]);
    assert_eq!(rig.session.connection(), Some(new));
}

#[test]
fn the_old_connection_serves_until_the_new_one_is_welcomed() {
    let [alice] = peers();
    let (mut rig, _, _) = moving(&[alice]);
    rig.signal(Some(alice));
    assert_eq!(rig.says_signals().len(), 1);
    rig.hear(heard(alice, 1));
    assert_eq!(rig.tells(), [Event::Signal(heard(alice, 1))]);
}

#[test]
fn what_is_unanswered_is_sent_again_on_the_new_connection() {
    let [alice] = peers();
    let (mut rig, old, new) = moving(&[alice]);
    let (first, second) = (rig.signal(Some(alice)), rig.signal(Some(alice)));
    let said = rig.says_signals();
    rig.hear(delivered(said[0].0, alice));
    let answer = outcomes([(alice, Outcome::Delivered)]);
    assert_eq!(rig.answers(), [(first, answer.clone())]);
    rig.opened(new, rig.welcome_back(vec![rig.snapshot("r", 2, &[alice])]));
    assert_eq!(rig.says_signals(), [said[1]]);
    // What the old one still brings is said again on the new one.
    let message = delivered(said[1].0, alice).into();
    rig.on(Input::Message {
        connection: old,
        message,
    });
    rig.close(old, 4409);
    assert_eq!(rig.answers(), []);
    rig.hear(delivered(said[1].0, alice));
    assert_eq!(rig.answers(), [(second, answer)]);
}

#[test]
fn a_signal_that_comes_on_both_connections_is_told_once() {
    let [alice] = peers();
    let (mut rig, _, new) = moving(&[alice]);
    rig.hear(heard(alice, 1));
    assert_eq!(rig.tells().len(), 1);
    rig.handled(alice, 1);
    rig.opened(new, rig.welcome_back(vec![rig.snapshot("r", 2, &[alice])]));
    rig.hear(heard(alice, 1));
    rig.hear(heard(alice, 2));
    assert_eq!(rig.tells(), [Event::Signal(heard(alice, 2))]);
    assert_eq!(rig.receipts(), [(alice, 1)]);
}

#[test]
fn the_old_connection_may_be_superseded_before_the_new_one_is_welcomed() {
    let (mut rig, old, new) = moving(&[]);
    rig.close(old, 4409);
    assert_eq!(rig.out, []);
    rig.opened(new, rig.welcome_back(vec![rig.snapshot("r", 2, &[])]));
    assert_eq!(rig.says(), [Say::Ping]);
    assert_eq!(rig.out, []);
    assert_eq!(rig.session.connection(), Some(new));
}

#[test]
fn a_welcome_that_is_lost_after_the_old_connection_was_superseded_is_asked_for_again() {
    let (mut rig, old, new) = moving(&[]);
    rig.close(old, 4409);
    rig.fail(new, lost());
    assert!(rig.tells().iter().all(is_reconnecting));
    let (connection, resume) = rig.opens();
    assert!(resume.is_some());
    rig.opened(
        connection,
        rig.welcome_back(vec![rig.snapshot("r", 2, &[])]),
    );
    assert!(rig.tells().iter().all(is_live));
}

#[test]
fn a_connection_superseded_by_an_attempt_whose_welcome_was_lost_is_resumed() {
    let (mut rig, old, new) = moving(&[]);
    rig.fail(new, lost());
    rig.close(old, 4409);
    let (_, resume) = rig.opens();
    assert!(resume.is_some());
}

#[test]
fn a_move_that_fails_leaves_the_old_connection_in_use_and_is_tried_again() {
    let [alice] = peers();
    let (mut rig, old, new) = moving(&[alice]);
    rig.fail(new, lost());
    assert_eq!(rig.out, []);
    rig.signal(Some(alice));
    assert_eq!(rig.says_signals().len(), 1);
    let before = rig.now;
    let (newer, _) = rig.opens();
    assert_eq!(rig.now, before + SECOND / 2);
    rig.opened(
        newer,
        rig.welcome_back(vec![rig.snapshot("r", 2, &[alice])]),
    );
    assert!(rig.out.contains(&Output::Close { connection: old }));
}

#[test]
fn a_node_that_does_not_know_the_session_is_left_while_the_old_one_serves() {
    let (mut rig, old, new) = moving(&[]);
    let welcome = Welcome {
        peer: PeerId::random(),
        ..rig.welcome()
    };
    rig.opened(new, welcome);
    let connection = new;
    let message = Say::Bye(Bye::default());
    let expected = [
        Output::Say {
            connection,
            message,
        },
        Output::Close { connection },
    ];
    assert_eq!(rig.out, expected);
    assert_eq!(rig.session.connection(), Some(old));
    rig.opens();
}

#[test]
fn a_drain_whose_deadline_passes_is_told_as_a_loss() {
    let (mut rig, old, new) = moving(&[]);
    rig.close(old, 1001);
    let lost = ConnectionState::Reconnecting(closed(1001));
    assert_eq!(rig.tells(), [Event::Connection(lost)]);
    rig.opened(new, rig.welcome_back(vec![rig.snapshot("r", 2, &[])]));
    assert!(rig.tells().iter().all(is_live));
}

#[test]
fn a_drain_at_the_end_of_time_is_no_harm() {
    let mut rig = rig();
    rig.hear(Drain {
        reconnect_after_ms: u64::MAX,
        deadline_ms: u64::MAX,
    });
    assert_eq!(rig.out, []);
}

#[test]
fn a_goodbye_during_a_move_gives_it_up() {
    let (mut rig, old, new) = moving(&[]);
    rig.on(Input::Bye { hold: None });
    let message = Say::Bye(Bye::default());
    let expected = [
        Output::Close { connection: new },
        Output::Say {
            connection: old,
            message,
        },
    ];
    assert_eq!(rig.out, expected);
    rig.out.clear();
    rig.close(old, 1000);
    assert_eq!(rig.out, [Output::Over]);
}
