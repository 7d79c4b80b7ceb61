//! Losing a connection and coming back.

use std::collections::BTreeMap;

use switchboard_protocol::server_message::Pong;

use super::*;

const UNCONFIRMED: Outcome = Outcome::Undelivered(Reason::Unconfirmed);

#[test]
fn a_lost_session_says_who_it_was_and_what_it_handled() {
    let [alice] = peers();
    let mut rig = rig_in_room(&[alice]);
    rig.hear(heard(alice, 4));
    rig.hear(heard(alice, 5));
    rig.handled(alice, 4);
    rig.lose();
    let (_, resume) = rig.opens();
    let expected = Resume {
        peer: rig.me,
        secret: "first".into(),
        seen: BTreeMap::from([(alice, 4)]),
        handled: Some(BTreeMap::from([(alice, vec![4])])),
    };
    assert_eq!(resume, Some(expected));
}

#[test]
fn each_welcome_brings_the_secret_for_the_next_time() {
    let mut rig = rig();
    rig.come_back(Vec::new());
    rig.lose();
    let (_, resume) = rig.opens();
    assert_eq!(resume.expect("a session to go on with").secret, "second");
}

#[test]
fn a_resumed_session_is_heard_at_once_so_that_its_older_secrets_are_worth_nothing() {
    let [alice] = peers();
    let mut rig = rig_in_room(&[alice]);
    rig.come_back(vec![rig.snapshot("r", 2, &[alice])]);
    assert_eq!(rig.says(), [Say::Ping]);
    rig.signal(Some(alice));
    let (id, _) = rig.says_signals()[0];
    rig.come_back(vec![rig.snapshot("r", 2, &[alice])]);
    assert_eq!(rig.says_signals(), [(id, Some(alice))], "that will do");
}

#[test]
fn unanswered_signals_are_sent_again_first_in_order_and_under_their_ids() {
    let [alice, bob] = peers();
    let mut rig = rig_in_room(&[alice, bob]);
    for to in [alice, bob, alice] {
        rig.signal(Some(to));
    }
    let said = rig.says_signals();
    rig.hear(delivered(said[1].0, bob));
    rig.lose();
    // Asked meanwhile: it comes after them.
    rig.signal(Some(bob));
    rig.ask(join("s"));
    let (connection, _) = rig.opens();
    rig.opened(
        connection,
        rig.welcome_back(vec![rig.snapshot("r", 2, &[alice, bob])]),
    );
    let says = rig.says();
    let ids: Vec<u64> = says.iter().filter_map(Say::id).collect();
    let last = said[2].0;
    assert_eq!(ids, [said[0].0, last, last + 1, last + 2]);
    assert!(matches!(says[3], Say::Join { .. }));
}

#[test]
fn each_signal_is_answered_once_over_all_connections() {
    let [alice] = peers();
    let mut rig = rig_in_room(&[alice]);
    let ask = rig.signal(Some(alice));
    let [(id, _)] = rig.says_signals()[..] else {
        panic!("one signal");
    };
    rig.come_back(vec![rig.snapshot("r", 2, &[alice])]);
    assert_eq!(rig.says_signals(), [(id, Some(alice))]);
    assert_eq!(rig.answers(), []);
    rig.hear(delivered(id, alice));
    rig.hear(delivered(id, alice));
    let expected = outcomes([(alice, Outcome::Delivered)]);
    assert_eq!(rig.answers(), [(ask, expected)]);
}

#[test]
fn a_broadcast_whose_receivers_are_unknown_is_sent_again_as_it_was() {
    let [alice, bob] = peers();
    let mut rig = rig_in_room(&[alice]);
    let ask = rig.signal(None);
    let id = rig.says_signals()[0].0;
    rig.come_back(vec![rig.snapshot("r", 2, &[alice, bob])]);
    assert_eq!(rig.says_signals(), [(id, None)]);
    let to = Some(vec![alice, bob]);
    rig.hear(Done { re: id, to });
    rig.hear(delivered(id, alice));
    rig.hear(delivered(id, bob));
    let expected = [alice, bob].map(|peer| (peer, Outcome::Delivered));
    assert_eq!(rig.answers(), [(ask, outcomes(expected))]);
}

#[test]
fn a_broadcast_is_sent_again_to_each_receiver_that_is_missing() {
    let [alice, bob, carol] = peers();
    let mut rig = rig_in_room(&[alice, bob, carol]);
    let ask = rig.signal(None);
    let id = rig.says_signals()[0].0;
    let to = Some(vec![alice, bob, carol]);
    rig.hear(Done { re: id, to });
    rig.hear(delivered(id, bob));
    rig.come_back(vec![rig.snapshot("r", 2, &[alice, bob, carol])]);
    let mut again = rig.says_signals();
    again.sort();
    let mut missing = [(id, Some(alice)), (id, Some(carol))];
    missing.sort();
    assert_eq!(again, missing);
    rig.hear(undelivered(id, alice, Reason::Left));
    rig.hear(delivered(id, carol));
    let expected = [
        (bob, Outcome::Delivered),
        (alice, Outcome::Undelivered(Reason::Left)),
        (carol, Outcome::Delivered),
    ];
    assert_eq!(rig.answers(), [(ask, outcomes(expected))]);
}

#[test]
fn a_repeat_that_is_refused_may_have_arrived() {
    let [alice] = peers();
    let mut rig = rig_in_room(&[alice]);
    let (addressed, broadcast) = (rig.signal(Some(alice)), rig.signal(None));
    let said = rig.says_signals();
    rig.come_back(Vec::new());
    for (id, _) in said {
        rig.hear(refused(id, ErrorCode::NotAMember, None));
    }
    let expected = [
        (addressed, outcomes([(alice, UNCONFIRMED)])),
        (broadcast, Reply::Signal(Err(RequestError::Unconfirmed))),
    ];
    assert_eq!(rig.answers(), expected);
}

#[test]
fn repeats_are_free_of_the_rate_and_hold_back_what_is_new_while_too_many_are_in_flight() {
    let others: [PeerId; 3] = peers();
    let mut rig = rig_with(Limits {
        in_flight: 2,
        signals_per_second: 1,
        burst: 2,
        ..LIMITS
    });
    rig.join("r", &others);
    rig.signal(None);
    let id = rig.says_signals()[0].0;
    let to = Some(others.to_vec());
    rig.hear(Done { re: id, to });
    rig.lose();
    rig.signal(Some(others[0]));
    let (connection, _) = rig.opens();
    let mut welcome = rig.welcome_back(vec![rig.snapshot("r", 2, &others)]);
    welcome.limits.in_flight = 2;
    welcome.limits.signals_per_second = 1;
    welcome.limits.burst = 2;
    rig.opened(connection, welcome);
    let first_two = rig.says_signals();
    assert_eq!(first_two.len(), 2);
    for (id, to) in first_two {
        rig.hear(delivered(id, to.expect("one by one")));
    }
    // The third repeat takes the burst; what is new waits for the rate.
    let third = rig.says_signals();
    assert_eq!(third.len(), 1);
    assert_eq!(third[0].0, id);
    rig.wake();
    assert_eq!(rig.says_signals(), [(id + 1, Some(others[0]))]);
}

#[test]
fn a_session_that_is_gone_ends_its_signals_and_enters_its_rooms_as_another_peer() {
    let [alice] = peers();
    let mut rig = rig_in_room(&[alice]);
    let (addressed, broadcast) = (rig.signal(Some(alice)), rig.signal(None));
    let last_id = rig.says_signals()[1].0;
    rig.lose();
    assert!(rig.tells().iter().all(is_reconnecting));
    assert_eq!(rig.answers(), []);
    let (connection, _) = rig.opens();
    let welcome = rig.welcome_anew();
    rig.opened(connection, welcome);
    let expected = [
        (addressed, outcomes([(alice, UNCONFIRMED)])),
        (broadcast, Reply::Signal(Err(RequestError::Unconfirmed))),
    ];
    assert_eq!(rig.answers(), expected);
    assert!(rig.tells().iter().all(is_live));
    match rig.says_one() {
        Say::Join { id, join } => assert_eq!((id, join.room), (last_id + 1, room_id("r"))),
        other => panic!("{other:?} is no join"),
    }
}

#[test]
fn a_cluster_that_is_away_for_a_while_is_asked_again_with_the_same_secret() {
    let mut rig = rig();
    rig.lose();
    let (connection, first) = rig.opens();
    rig.fail(
        connection,
        Disconnected::Closed(Closed {
            code: 4503,
            reason: String::new(),
            retry_after_ms: Some(3000),
        }),
    );
    let before = rig.now;
    let (_, second) = rig.opens();
    assert!(rig.now >= before + SECOND * 3);
    assert_eq!(first, second);
    assert!(first.is_some());
}

#[test]
fn pauses_between_attempts_grow() {
    let mut rig = rig();
    rig.lose();
    let mut pauses = Vec::new();
    for _ in 0..4 {
        let before = rig.now;
        let (connection, _) = rig.opens();
        pauses.push((rig.now - before).as_millis());
        rig.fail(connection, lost());
    }
    assert_eq!(pauses, [500, 1000, 2000, 4000]);
}

#[test]
fn a_refused_token_is_asked_for_and_then_the_session_resumed() {
    let mut rig = rig();
    rig.close(ConnectionId::FIRST, 4401);
    let needs_token = Event::Connection(ConnectionState::NeedsToken);
    assert_eq!(rig.tells().last(), Some(&needs_token));
    assert_eq!(rig.out, [Output::GetToken]);
    rig.on(Input::NewToken("new".into()));
    let (_, resume) = rig.opens_now();
    assert_eq!(resume.map(|resume| resume.peer), Some(rig.me));
}

#[test]
fn a_token_that_runs_out_is_asked_for_and_said() {
    let mut rig = rig();
    rig.hear(Expiring { in_ms: 60_000 });
    rig.hear(Expiring { in_ms: 30_000 });
    assert_eq!(rig.out, [Output::GetToken], "it is asked for once");
    rig.out.clear();
    rig.on(Input::NewToken("new".into()));
    let message = Say::Refresh {
        id: 1,
        token: "new".into(),
    };
    let connection = ConnectionId::FIRST;
    assert_eq!(
        rig.out,
        [Output::Say {
            connection,
            message
        }]
    );
}

#[test]
fn a_refused_refresh_is_tried_again_with_another_token_while_there_is_time() {
    let mut rig = rig();
    rig.hear(Expiring { in_ms: 60_000 });
    let mut waited = Vec::new();
    for id in 1.. {
        rig.out.clear();
        rig.on(Input::NewToken(format!("token {id}").into()));
        let message = Say::Refresh {
            id,
            token: format!("token {id}").into(),
        };
        assert!(!format!("{message:?}").contains("token 1"), "{message:?}");
        let connection = ConnectionId::FIRST;
        let said = Output::Say {
            connection,
            message,
        };
        assert_eq!(rig.out, [said]);
        rig.out.clear();
        let before = rig.now;
        rig.hear(Error {
            re: Some(id),
            code: ErrorCode::Unauthorized,
            message: "by a test".into(),
            retry_after_ms: None,
        });
        while rig.session.wake_at().is_some()
            && !rig.out.contains(&Output::GetToken)
            && rig.now < before + Duration::from_secs(60)
        {
            rig.hear(Pong { re: None });
            rig.pass(Duration::from_millis(500));
        }
        if !rig.out.contains(&Output::GetToken) {
            break;
        }
        waited.push((rig.now - before).as_secs());
    }
    assert_eq!(
        waited,
        [30, 15, 7, 4, 2, 1],
        "half of what is left, at least a second"
    );
}

#[test]
fn a_token_that_was_taken_is_not_asked_for_again() {
    let mut rig = rig();
    rig.hear(Expiring { in_ms: 60_000 });
    rig.on(Input::NewToken("new".into()));
    rig.hear(Done { re: 1, to: None });
    rig.out.clear();
    rig.on(Input::NewToken("newer".into()));
    assert_eq!(rig.out, [], "it is for the next connection");
}

#[test]
fn a_superseded_session_stays_away() {
    let [alice] = peers();
    let mut rig = rig_in_room(&[alice]);
    let ask = rig.signal(Some(alice));
    rig.out.clear();
    rig.close(rig.connection, 4409);
    assert_eq!(rig.answers(), [(ask, outcomes([(alice, UNCONFIRMED)]))]);
    let over = Event::Connection(ConnectionState::Over(closed(4409)));
    assert_eq!(rig.out, [Output::Tell(over), Output::Over]);
    assert_eq!(rig.session.wake_at(), None);
    rig.out.clear();
    let ask = rig.signal(None);
    let refusal = Reply::Signal(Err(RequestError::Over));
    assert_eq!(rig.answers(), [(ask, refusal)]);
}

#[test]
fn an_attempt_that_was_given_up_and_comes_through_late_does_not_end_the_session() {
    let mut rig = rig();
    rig.lose();
    let (slow, _) = rig.opens();
    rig.fail(slow, Disconnected::Lost(io::ErrorKind::TimedOut));
    let (connection, _) = rig.opens();
    rig.opened(connection, rig.welcome_back(Vec::new()));
    // The gateway has got to the slow one, and knows no better.
    rig.close(connection, 4409);
    let (connection, resume) = rig.opens();
    assert_eq!(resume.map(|resume| resume.peer), Some(rig.me));
    rig.opened(connection, rig.welcome_back(Vec::new()));
    rig.close(connection, 4409);
    assert!(rig.out.contains(&Output::Over));
}

#[test]
fn silence_is_asked_about_and_then_means_loss() {
    let mut rig = rig();
    rig.pass(SECOND * 15);
    assert_eq!(rig.says_one(), Say::Ping);
    rig.pass(SECOND * 5);
    let connection = ConnectionId::FIRST;
    assert_eq!(rig.out.remove(0), Output::Close { connection });
    assert!(rig.tells().iter().all(is_reconnecting));
    rig.opens();
}
