//! Silence and goodbyes.

use switchboard_protocol::CloseCode;
use switchboard_protocol::client_message::Bye;

use super::*;

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
