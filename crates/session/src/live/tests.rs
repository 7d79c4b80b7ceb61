use std::borrow::Cow;
use std::time::Duration;

use switchboard_protocol::client_message::{Bye, Ping};
use switchboard_protocol::limits::Limits;
use switchboard_protocol::{Encoding, Payload};

use super::*;
use crate::grants::Abilities;

pub(crate) fn rules() -> Rules {
    Rules {
        hello_timeout: Duration::from_secs(10),
        heartbeat: Duration::from_secs(15),
        heartbeat_timeout: Duration::from_secs(40),
        resume_window: Duration::from_secs(60),
        limits: Limits {
            in_flight: 1024,
            in_flight_bytes: 1 << 20,
            max_message_bytes: 1 << 18,
            signals_per_second: 100,
            burst: 4,
        },
        outbox_bytes_max: 1 << 20,
        fan_out_bytes_per_second: 1 << 20,
        room_capacity: 64,
        room_capacity_max: 1000,
        rooms_max: 2,
    }
}

struct Rig {
    live: Live,
    now: Instant,
}

impl Rig {
    fn new(grants: Grants) -> Self {
        let now = Instant::now();
        Self {
            live: Live::new(Arc::new(rules()), grants, now),
            now,
        }
    }

    fn on<'a>(&mut self, input: Input<'a>) -> Vec<Output<'a>> {
        let mut out = Vec::new();
        self.live.on(input, self.now, &mut out);
        out
    }

    fn say<'a>(&mut self, message: ClientMessage<'a>) -> Vec<Output<'a>> {
        self.on(Input::Message(message))
    }

    fn in_room(room: &'static str) -> Self {
        let mut rig = Self::new(Grants::default());
        rig.say(join(1, room));
        rig.on(Input::Performed(Ok(())));
        rig
    }
}

fn join(id: u64, room: &'static str) -> ClientMessage<'static> {
    ClientMessage::Join(Join {
        id,
        room: room.into(),
        state: None,
        capacity: None,
    })
}

fn leave(id: u64, room: &'static str) -> ClientMessage<'static> {
    ClientMessage::Leave(Leave {
        id,
        room: room.into(),
    })
}

fn signal(id: u64, room: &'static str) -> ClientMessage<'static> {
    ClientMessage::Signal(Signal {
        id,
        room: Cow::Borrowed(room),
        to: None,
        kind: "offer".into(),
        payload: Payload {
            encoding: Encoding::Json,
            bytes: b"{}",
        },
        traceparent: None,
    })
}

#[track_caller]
fn code(outputs: &[Output<'_>]) -> ErrorCode {
    match outputs {
        [Output::Send(ServerMessage::Error(error))] => error.code,
        other => panic!("one error was expected: {other:?}"),
    }
}

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
        [Output::Relay(_, Origin::New)]
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
        [Output::Relay(_, Origin::New)]
    ));
    assert_eq!(code(&rig.say(signal(7, "r"))), ErrorCode::BadMessage);
    assert_eq!(code(&rig.say(signal(6, "r"))), ErrorCode::BadMessage);
    assert!(matches!(
        rig.say(signal(8, "r"))[..],
        [Output::Relay(_, Origin::New)]
    ));
}

#[test]
fn operations_are_carried_out_one_after_another() {
    let mut rig = Rig::new(Grants::default());
    assert_eq!(rig.say(join(1, "a")).len(), 1);
    assert_eq!(rig.say(leave(2, "a")), []);
    assert_eq!(rig.say(join(3, "a")), []);
    assert!(matches!(
        rig.on(Input::Performed(Ok(())))[..],
        [Output::Perform(Operation::Leave { re: 2, .. })]
    ));
    let outputs = rig.on(Input::Performed(Ok(())));
    assert!(
        matches!(
            outputs[0],
            Output::Send(ServerMessage::Left(Left { re: 2, .. }))
        ),
        "{outputs:?}"
    );
    assert!(
        matches!(outputs[1], Output::Perform(Operation::Join { re: 3, .. })),
        "{outputs:?}"
    );
}

#[test]
fn a_refused_join_leaves_nothing_behind() {
    let mut rig = Rig::new(Grants::default());
    rig.say(join(1, "a"));
    let refused = Refused::new(ErrorCode::RoomFull, "full");
    assert_eq!(
        code(&rig.on(Input::Performed(Err(refused)))),
        ErrorCode::RoomFull
    );
    assert_eq!(code(&rig.say(leave(2, "a"))), ErrorCode::NotAMember);
    assert_eq!(rig.say(join(3, "a")).len(), 1);
}

#[test]
fn a_room_whose_leave_got_no_answer_may_be_left_again_or_joined() {
    let mut rig = Rig::in_room("a");
    rig.say(leave(2, "a"));
    let refused = Refused::for_now(ErrorCode::Unavailable, "later", Duration::from_secs(1));
    assert_eq!(
        code(&rig.on(Input::Performed(Err(refused)))),
        ErrorCode::Unavailable
    );
    assert!(matches!(
        rig.say(leave(3, "a"))[..],
        [Output::Perform(Operation::Leave { re: 3, .. })]
    ));
    let refused = Refused::for_now(ErrorCode::Unavailable, "later", Duration::from_secs(1));
    rig.on(Input::Performed(Err(refused)));
    assert!(matches!(
        rig.say(join(4, "a"))[..],
        [Output::Perform(Operation::Join { re: 4, .. })]
    ));
}

#[test]
fn rooms_are_counted_and_entered_once() {
    let mut rig = Rig::in_room("a");
    assert_eq!(code(&rig.say(join(2, "a"))), ErrorCode::AlreadyJoined);
    rig.say(join(3, "b"));
    assert_eq!(code(&rig.say(join(4, "c"))), ErrorCode::TooManyRooms);
}

#[test]
fn the_token_decides() {
    let grants = Grants {
        rooms: Some(vec!["study-*".into()]),
        can: [Ability::Join].into_iter().collect::<Abilities>(),
        capacity: Some(3),
        hidden: false,
    };
    let mut rig = Rig::new(grants);
    assert_eq!(code(&rig.say(join(1, "other"))), ErrorCode::Forbidden);
    let greedy = Join {
        id: 2,
        room: "study-1".into(),
        state: None,
        capacity: Some(9),
    };
    assert_eq!(
        code(&rig.say(ClientMessage::Join(greedy))),
        ErrorCode::Forbidden
    );
    let outputs = rig.say(join(3, "study-1"));
    let [
        Output::Perform(Operation::Join {
            capacity,
            may_create,
            ..
        }),
    ] = &outputs[..]
    else {
        panic!("{outputs:?}")
    };
    assert_eq!((*capacity, *may_create), (3, false));
    rig.on(Input::Performed(Ok(())));
    assert_eq!(code(&rig.say(signal(4, "study-1"))), ErrorCode::Forbidden);
}

#[test]
fn a_burst_passes_and_more_is_told_when_to_come_back() {
    let mut rig = Rig::in_room("r");
    for id in 1..=4 {
        assert!(matches!(
            rig.say(signal(id, "r"))[..],
            [Output::Relay(_, Origin::New)]
        ));
    }
    let outputs = rig.say(signal(5, "r"));
    let [Output::Send(ServerMessage::Error(error))] = &outputs[..] else {
        panic!("{outputs:?}")
    };
    assert_eq!(
        (error.code, error.re, error.retry_after_ms),
        (ErrorCode::RateLimited, Some(5), Some(10))
    );
    rig.now += Duration::from_millis(10);
    assert!(matches!(
        rig.say(signal(6, "r"))[..],
        [Output::Relay(_, Origin::New)]
    ));
}

#[test]
fn silence_is_pinged_then_closed() {
    let mut rig = Rig::new(Grants::default());
    rig.now = rig.live.wake_at();
    assert_eq!(rig.on(Input::Tick), [Output::Ping]);
    rig.on(Input::Alive);
    rig.now += Duration::from_secs(40);
    let outputs = rig.on(Input::Tick);
    assert!(
        matches!(
            &outputs[..],
            [Output::Close(Closing {
                code: CloseCode::Timeout,
                ..
            })]
        ),
        "{outputs:?}"
    );
}

#[test]
fn a_room_that_the_cluster_closed_can_be_joined_again() {
    let mut rig = Rig::in_room("r");
    let room = "r".parse().expect("a room id");
    rig.on(Input::RoomGone(&room));
    assert_eq!(code(&rig.say(signal(2, "r"))), ErrorCode::NotAMember);
    assert_eq!(rig.say(join(3, "r")).len(), 1);
}

#[test]
fn a_ping_is_answered_at_once_even_while_a_join_waits() {
    let mut rig = Rig::new(Grants::default());
    rig.say(join(1, "r"));
    let outputs = rig.say(ClientMessage::Ping(Ping { id: Some(2) }));
    assert_eq!(outputs, [Output::Send(Pong { re: Some(2) }.into())]);
}

fn resumed(room: &'static str) -> Rig {
    let now = Instant::now();
    let rooms = [room.parse().expect("a room id")].into_iter();
    Rig {
        live: Live::resumed(Arc::new(rules()), Grants::default(), rooms, now),
        now,
    }
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
            [Output::Prove, Output::Relay(_, Origin::PerhapsRepeated)]
        ),
        "{outputs:?}"
    );
    rig.now += REPEATS_WITHIN;
    assert!(matches!(
        rig.say(signal(8, "r"))[..],
        [Output::Relay(_, Origin::New)]
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
            matches!(outputs[..], [Output::Relay(_, Origin::PerhapsRepeated)]),
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

#[test]
fn a_goodbye_may_ask_to_be_held_and_other_ends_say_by_their_code() {
    let window = Duration::from_secs(60);
    let mut rig = Rig::new(Grants::default());
    let mut bye = |hold_ms| match &rig.say(ClientMessage::Bye(Bye { hold_ms }))[..] {
        [Output::Close(closing)] => closing.holds(window),
        other => panic!("{other:?}"),
    };
    assert_eq!(bye(None), None);
    assert_eq!(bye(Some(5000)), Some(Duration::from_secs(5)));
    assert_eq!(bye(Some(500_000)), Some(window));
    assert_eq!(
        Closing::new(CloseCode::SlowConsumer).holds(window),
        Some(window)
    );
    assert_eq!(Closing::new(CloseCode::TooLarge).holds(window), None);
}

fn refused<'o>(outputs: &'o [Output<'_>]) -> &'o switchboard_protocol::server_message::Error {
    let [Output::Send(ServerMessage::Error(error))] = outputs else {
        panic!("{outputs:?}")
    };
    error
}

#[test]
fn what_dialects_answer_by_themselves_has_the_rate_of_requests() {
    let unfit = || Input::Unfit {
        re: Some(7),
        code: ErrorCode::Offline,
        words: "nobody is called so".into(),
    };
    let ping = || Input::Message(ClientMessage::Ping(Ping { id: Some(7) }));
    let broken = || Input::Broken(DecodeError::of_dialect(ErrorCode::BadMessage, "no".into()));
    let ask = || Input::Ask { id: 7, bytes: 0 };
    for input in [ask, unfit, ping, broken] as [fn() -> Input<'static>; 4] {
        let mut rig = Rig::new(Grants::default());
        for _ in 0..rules().limits.burst {
            let outputs = rig.on(input());
            let is_limited = matches!(&outputs[..], [Output::Send(ServerMessage::Error(error))]
                if error.code == ErrorCode::RateLimited);
            assert!(!is_limited, "{outputs:?}");
        }
        let outputs = rig.on(input());
        let error = refused(&outputs);
        assert_eq!(
            (error.code, error.retry_after_ms),
            (ErrorCode::RateLimited, Some(10))
        );
        assert!(
            error.message.contains("limits.signals_per_second"),
            "{}",
            error.message
        );
    }
}

#[test]
fn a_long_answer_counts_as_several_requests() {
    let mut rig = Rig::new(Grants::default());
    let ask = Input::Ask {
        id: 1,
        bytes: 100 * 4096,
    };
    assert_eq!(
        rig.on(ask),
        [Output::Allow {
            id: 1,
            bytes: 100 * 4096
        }]
    );
    let outputs = rig.on(Input::Ask { id: 2, bytes: 0 });
    // 101 less the burst of 4, and the one that it asks for.
    assert_eq!(refused(&outputs).retry_after_ms, Some(980));
}

#[test]
fn what_is_said_to_many_is_weighed_for_each_of_them() {
    let mut rig = Rig::new(Grants::default());
    // The rate is 1 MiB a second, and four seconds of it may come at once.
    for _ in 0..4 {
        assert_eq!(rig.live.spread(1024, 1024, rig.now), Ok(()));
    }
    let refused = rig.live.spread(1, 1, rig.now).expect_err("it is used up");
    assert_eq!(refused.code, ErrorCode::RateLimited);
    assert!(
        refused.message.contains("limits.fan_out_bytes_per_second"),
        "{}",
        refused.message
    );
    rig.now += refused.retry_after.expect("it passes");
    assert_eq!(rig.live.spread(1, 1, rig.now), Ok(()));
}

#[test]
fn whoever_claims_a_name_where_it_is_takes_it_there() {
    let mut rig = Rig::in_room("r");
    let enter = |id, claim| {
        Input::Enter(Enter {
            join: Join {
                id,
                room: "r".into(),
                state: None,
                capacity: None,
            },
            name: Some(RoomName {
                text: "Eve".into(),
                claim,
            }),
        })
    };
    let outputs = rig.on(enter(2, Some(crate::Claim::Numbered)));
    assert!(
        matches!(
            &outputs[..],
            [Output::Perform(Operation::Rename { re: 2, .. })]
        ),
        "{outputs:?}"
    );
    let done = Done { re: 2, to: None };
    assert_eq!(
        rig.on(Input::Performed(Ok(()))),
        [Output::Send(done.into())]
    );
    assert_eq!(code(&rig.on(enter(3, None))), ErrorCode::AlreadyJoined);
}
