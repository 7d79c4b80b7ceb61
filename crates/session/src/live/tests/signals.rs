//! Who may signal, and the ids and repeats of signals.

use super::*;
use crate::live::signals::REPEATS_WITHIN;

#[test]
fn only_a_member_may_signal() {
    let mut rig = Rig::new(Grants::default());
    assert_eq!(code(&rig.say(signal(1, "r"))), ErrorCode::NotAMember);
    assert!(matches!(
        rig.say(join(2, "r"))[..],
        [Output::Perform(Operation::Join { .. })]
    ));
    assert_eq!(
        code(&rig.say(signal(3, "r"))),
        ErrorCode::NotAMember,
        "not before it is in"
    );
    assert_eq!(rig.on(Input::Performed(Ok(()))), []);
    assert!(matches!(
        rig.say(signal(4, "r"))[..],
        [Output::Relay(_, Repetition::New)]
    ));
    rig.say(leave(5, "r"));
    assert_eq!(
        code(&rig.say(signal(6, "r"))),
        ErrorCode::NotAMember,
        "not once it is on its way out"
    );
}

#[test]
fn ids_of_signals_rise() {
    let mut rig = Rig::in_room("r");
    assert!(matches!(
        rig.say(signal(7, "r"))[..],
        [Output::Relay(_, Repetition::New)]
    ));
    assert_eq!(code(&rig.say(signal(7, "r"))), ErrorCode::BadMessage);
    assert_eq!(code(&rig.say(signal(6, "r"))), ErrorCode::BadMessage);
    assert!(matches!(
        rig.say(signal(8, "r"))[..],
        [Output::Relay(_, Repetition::New)]
    ));
}

fn signal_to(id: u64, to: &'static str) -> ClientMessage<'static> {
    let ClientMessage::Signal(signal) = signal(id, "r") else {
        unreachable!("it is one")
    };
    ClientMessage::Signal(Signal {
        to: Some(to.into()),
        ..signal
    })
}

#[test]
fn a_resumed_session_is_in_its_rooms_and_proven_by_its_first_message() {
    let mut rig = resumed("r");
    let outputs = rig.say(signal(7, "r"));
    assert!(
        matches!(
            outputs[..],
            [Output::Prove, Output::Relay(_, Repetition::PerhapsRepeated)]
        ),
        "{outputs:?}"
    );
    rig.now += REPEATS_WITHIN;
    assert!(matches!(
        rig.say(signal(8, "r"))[..],
        [Output::Relay(_, Repetition::New)]
    ));
    assert_eq!(code(&rig.say(join(9, "r"))), ErrorCode::AlreadyJoined);
}

#[test]
fn repeats_after_a_resume_are_free_of_the_rate_and_may_share_an_id() {
    let mut rig = resumed("r");
    rig.say(signal_to(7, "a"));
    for to in ["b", "c", "d", "e", "f", "g"] {
        let outputs = rig.say(signal_to(7, to));
        assert!(
            matches!(outputs[..], [Output::Relay(_, Repetition::PerhapsRepeated)]),
            "{outputs:?}"
        );
    }
    assert_eq!(code(&rig.say(signal_to(6, "a"))), ErrorCode::BadMessage);
    let mut fresh = Rig::in_room("r");
    fresh.say(signal_to(7, "a"));
    assert_eq!(code(&fresh.say(signal_to(7, "b"))), ErrorCode::BadMessage);
}

#[test]
fn after_the_repeats_the_rate_holds() {
    let mut rig = resumed("r");
    let free = u64::from(rules().limits.in_flight);
    for id in 1..=free + u64::from(rules().limits.burst) {
        let outputs = rig.say(signal(id, "r"));
        assert!(
            matches!(outputs.last(), Some(Output::Relay(..))),
            "{outputs:?}"
        );
    }
    assert_eq!(code(&rig.say(signal(9999, "r"))), ErrorCode::RateLimited);
}
