//! Asking, and asking again.

use switchboard_protocol::client_message::StatePatch;
use switchboard_protocol::server_message::Left;

use super::*;
use crate::connection::FeedError;

fn set_state() -> Command {
    Command::SetState(SetState {
        room: room_id("r"),
        patch: StatePatch::from_json(r#"{"hand":true}"#).expect("a patch"),
    })
}

#[test]
fn a_join_whose_answer_was_lost_is_answered_by_the_snapshot() {
    let [alice] = peers();
    let mut rig = rig();
    let ask = rig.ask(join("r"));
    rig.says();
    rig.come_back(vec![rig.snapshot("r", 5, &[alice])]);
    assert_eq!(rig.says(), [Say::Ping]);
    match &rig.answers()[..] {
        [(answered, Reply::Joined(Ok(joined)))] => {
            assert_eq!((*answered, joined.revision), (ask, 5));
            assert_eq!(joined.members.len(), 2);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_join_that_did_not_happen_is_asked_again_with_a_new_id() {
    let mut rig = rig();
    rig.ask(join("r"));
    let first = rig.says_one().id();
    rig.come_back(Vec::new());
    assert!(rig.says_one().id() > first);
    assert_eq!(rig.answers(), []);
}

#[test]
fn a_leave_whose_answer_was_lost_is_asked_again_while_the_room_is_there() {
    let mut rig = rig_in_room(&[]);
    let ask = rig.ask(Command::Leave(room_id("r")));
    let first = rig.says_one().id();
    rig.come_back(vec![rig.snapshot("r", 2, &[])]);
    let again = rig.says_one();
    assert!(again.id() > first);
    assert!(matches!(again, Say::Leave { .. }));
    rig.come_back(Vec::new());
    assert_eq!(rig.answers(), [(ask, Reply::Done(Ok(())))]);
    assert_eq!(rig.says(), [Say::Ping]);
}

#[test]
fn leaving_and_entering_again_are_asked_again_in_their_order() {
    let mut rig = rig_in_room(&[]);
    rig.ask(Command::Leave(room_id("r")));
    rig.ask(join("r"));
    rig.says();
    rig.come_back(vec![rig.snapshot("r", 2, &[])]);
    let says = rig.says();
    assert!(
        matches!(says[..], [Say::Leave { .. }, Say::Join { .. }]),
        "{says:?}"
    );
}

#[test]
fn a_change_of_state_is_asked_again_behind_the_repeats() {
    let [alice] = peers();
    let mut rig = rig_in_room(&[alice]);
    let ask = rig.ask(set_state());
    rig.signal(Some(alice));
    let said = rig.says();
    rig.come_back(vec![rig.snapshot("r", 2, &[alice])]);
    let again = rig.says();
    assert_eq!(again[0], said[1]);
    assert!(again[1].id() > said[1].id());
    let re = again[1].id().expect("a change of state has an id");
    rig.hear(Done { re, to: None });
    assert_eq!(rig.answers(), [(ask, Reply::Done(Ok(())))]);
}

#[test]
fn commands_wait_for_a_connection_within_bounds() {
    let mut rig = rig();
    rig.lose();
    rig.out.clear();
    for _ in 0..QUEUED_MAX {
        rig.ask(join("r"));
    }
    assert!(!rig.session.wants_command());
    assert_eq!(rig.out, []);
    let ask = rig.ask(join("r"));
    let refusal = Reply::Joined(Err(RequestError::Overloaded));
    assert_eq!(rig.answers(), [(ask, refusal)]);
}

#[test]
fn requests_wait_while_as_many_are_unanswered_as_a_gateway_takes() {
    let mut rig = rig_in_room(&[]);
    for _ in 0..100 {
        rig.ask(set_state());
    }
    let said = rig.says();
    assert!(said.len() < 64);
    let re = said[0].id().expect("a change of state has an id");
    rig.hear(Done { re, to: None });
    assert_eq!(rig.says().len(), 1);
}

#[test]
fn signals_wait_while_as_many_are_in_flight_as_may_be() {
    let others: [PeerId; 3] = peers();
    let mut rig = rig_with(Limits {
        in_flight: 2,
        ..LIMITS
    });
    rig.join("r", &others);
    for other in others {
        rig.signal(Some(other));
    }
    let said = rig.says_signals();
    assert_eq!(said.len(), 2);
    rig.hear(delivered(said[0].0, others[0]));
    assert_eq!(rig.says_signals().len(), 1);
}

#[test]
fn one_that_is_slow_to_answer_holds_back_a_quarter_and_others_go_past() {
    let [slow, other] = peers();
    let mut rig = rig_with(Limits {
        in_flight: 8,
        ..LIMITS
    });
    rig.join("r", &[slow, other]);
    for _ in 0..4 {
        rig.signal(Some(slow));
    }
    assert!(rig.session.wants_command());
    for _ in 0..2 {
        rig.signal(Some(other));
    }
    let said = rig.says_signals();
    let to: Vec<_> = said.iter().map(|(_, to)| *to).collect();
    assert_eq!(to, [slow, slow, other, other].map(Some));
    // What is for all must not overtake what waits for one of them.
    rig.signal(None);
    rig.signal(Some(other));
    rig.hear(delivered(said[0].0, slow));
    assert_eq!(rig.says_signals().len(), 1);
    rig.hear(delivered(said[1].0, slow));
    let rest = rig.says_signals();
    assert_eq!(
        rest.iter().map(|(_, to)| *to).collect::<Vec<_>>(),
        [Some(slow), None]
    );
    // Until it is known whom that goes to, it counts for everybody.
    let done = Done {
        re: rest[1].0,
        to: Some(vec![slow]),
    };
    rig.hear(done);
    rig.hear(delivered(said[2].0, other));
    assert_eq!(rig.says_signals().len(), 1);
}

#[test]
fn a_message_that_cannot_be_written_is_over_and_takes_no_place() {
    let [alice] = peers();
    let mut rig = rig_with(Limits {
        in_flight: 1,
        ..LIMITS
    });
    rig.join("r", &[alice]);
    let ask = rig.signal(Some(alice));
    let (id, _) = rig.says_signals()[0];
    let error = FeedError::TooLarge {
        bytes: 2,
        bytes_max: 1,
    };
    rig.on(Input::Unsendable {
        id,
        error: error.clone(),
    });
    let refusal = Reply::Signal(Err(RequestError::Unsendable(error)));
    assert_eq!(rig.answers(), [(ask, refusal)]);
    rig.signal(Some(alice));
    assert_eq!(rig.says_signals().len(), 1);
}

#[test]
fn goodbye_may_hold_the_place_and_ends_everything_by_itself_after_a_while() {
    let mut rig = rig_in_room(&[]);
    let ask = rig.ask(set_state());
    rig.says();
    let hold = Some(SECOND * 5);
    rig.on(Input::Bye { hold });
    let hold_ms = Some(5000);
    assert_eq!(rig.says_one(), Say::Bye(Bye { hold_ms }));
    let refusal = Reply::Done(Err(RequestError::Over));
    assert_eq!(rig.answers(), [(ask, refusal)]);
    rig.wake();
    let connection = rig.connection;
    assert_eq!(rig.out, [Output::Close { connection }, Output::Over]);
}

#[test]
fn who_says_goodbye_waits_for_nothing_else() {
    let mut rig = rig_in_room(&[]);
    rig.hear(Drain {
        reconnect_after_ms: 1000,
        deadline_ms: 30_000,
    });
    rig.on(Input::Bye { hold: None });
    assert_eq!(rig.session.wake_at(), Some(rig.now + SECOND * 5));
}

#[test]
fn an_answer_of_another_kind_than_the_question_answers_nothing() {
    let mut rig = rig_in_room(&[]);
    rig.ask(set_state());
    let re = rig.says_one().id().expect("a change of state has an id");
    rig.hear(Left {
        re,
        room: room_id("r"),
    });
    assert_eq!(rig.answers(), []);
    rig.hear(Done { re, to: None });
    assert_eq!(rig.answers().len(), 1);
}
