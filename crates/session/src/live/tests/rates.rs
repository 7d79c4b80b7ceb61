//! What a client may say within a second.

use switchboard_protocol::client_message::Ping;

use super::*;
use crate::Rule;

#[test]
fn a_burst_passes_and_more_is_told_when_to_come_back() {
    let mut rig = Rig::in_room("r");
    for id in 1..=4 {
        assert!(matches!(
            rig.say(signal(id, "r"))[..],
            [Output::Relay(_, Repetition::New)]
        ));
    }
    let outputs = rig.say(signal(5, "r"));
    let [Output::Refuse { re, refused }] = &outputs[..] else {
        panic!("{outputs:?}")
    };
    let told = refused.clone().to_error(*re);
    assert_eq!(
        (told.code, told.re, told.retry_after_ms, refused.rule),
        (
            ErrorCode::RateLimited,
            Some(5),
            Some(10),
            Some(Rule::SignalsPerSecond)
        )
    );
    assert!(told.message.contains("limits.signals_per_second"));
    rig.now += Duration::from_millis(10);
    assert!(matches!(
        rig.say(signal(6, "r"))[..],
        [Output::Relay(_, Repetition::New)]
    ));
}

fn refused<'o>(outputs: &'o [Output<'_>]) -> &'o Refused {
    let [Output::Refuse { refused, .. }] = outputs else {
        panic!("{outputs:?}")
    };
    refused
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
            let is_limited = matches!(&outputs[..], [Output::Refuse { refused, .. }]
                if refused.code == ErrorCode::RateLimited);
            assert!(!is_limited, "{outputs:?}");
        }
        let outputs = rig.on(input());
        let error = refused(&outputs);
        assert_eq!(
            (error.code, error.retry_after, error.rule),
            (
                ErrorCode::RateLimited,
                Some(Duration::from_millis(10)),
                Some(Rule::RequestsPerSecond)
            )
        );
        assert!(
            error.message.contains("limits.requests_per_second"),
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
    assert_eq!(
        refused(&outputs).retry_after,
        Some(Duration::from_millis(980))
    );
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

/// In units of 64 bytes, of which a frame costs one beside its length: 1024 a second, 4096 at once.
const FRAME: usize = 63 * 64;

#[test]
fn what_a_client_sends_beyond_the_rate_of_bytes_is_refused_with_the_rule_and_the_time() {
    let mut rig = Rig::in_room("r");
    for _ in 0..64 {
        assert_eq!(rig.live.frame(FRAME, rig.now), Ok(()));
    }
    assert_eq!(rig.live.frame(FRAME, rig.now), Ok(()), "it is read");
    for input in [
        Input::Message(signal(1, "r")),
        Input::Message(ClientMessage::Ping(Ping { id: Some(2) })),
    ] {
        let outputs = rig.on(input);
        let refused = refused(&outputs);
        assert_eq!(refused.rule, Some(Rule::BytesPerSecond));
        assert!(refused.message.contains("limits.bytes_per_second"));
        let pause = refused.retry_after.expect("it passes");
        assert!(pause < Duration::from_millis(2), "{pause:?}");
    }
    rig.now += Duration::from_millis(63);
    assert_eq!(rig.live.frame(FRAME, rig.now), Ok(()));
    assert!(matches!(
        rig.say(signal(3, "r"))[..],
        [Output::Relay(_, Repetition::New)]
    ));
}

#[test]
fn a_client_that_goes_on_for_as_much_again_is_sent_away_and_its_session_held() {
    let mut rig = Rig::in_room("r");
    for _ in 0..128 {
        assert_eq!(rig.live.frame(FRAME, rig.now), Ok(()));
    }
    let closing = rig.live.frame(FRAME, rig.now).expect_err("too much");
    assert_eq!(
        (closing.code, closing.rule, closing.retry_after),
        (
            CloseCode::Limit,
            Some(Rule::BytesPerSecond),
            Some(Duration::from_secs(1))
        )
    );
    let window = rules().resume_window;
    assert_eq!(closing.holds(window), Some(window));
}

#[test]
fn short_frames_cost_something_too() {
    let mut rig = Rig::in_room("r");
    let frames = (0..).take_while(|_| rig.live.frame(1, rig.now).is_ok());
    assert_eq!(frames.count(), 2 * 4096);
}

#[test]
fn what_is_repeated_after_a_resume_is_free_of_the_rate_of_bytes_up_to_what_may_be_unanswered() {
    let mut rig = resumed("r");
    let most = rules().limits.in_flight_bytes as usize;
    assert_eq!(rig.live.frame(most, rig.now), Ok(()));
    assert!(matches!(
        rig.say(signal(1, "r"))[..],
        [Output::Prove, Output::Relay(_, Repetition::PerhapsRepeated)]
    ));
    for _ in 0..64 {
        assert_eq!(rig.live.frame(FRAME, rig.now), Ok(()));
    }
    assert_eq!(rig.live.frame(FRAME, rig.now), Ok(()));
    let outputs = rig.on(Input::Message(ClientMessage::Ping(Ping { id: Some(2) })));
    assert_eq!(refused(&outputs).rule, Some(Rule::BytesPerSecond));
}
