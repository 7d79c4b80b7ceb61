//! What a client may say within a second.

use switchboard_protocol::client_message::Ping;

use super::*;

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
        [Output::Relay(_, Repetition::New)]
    ));
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
