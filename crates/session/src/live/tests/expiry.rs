//! Tokens that run out, and those that take their place.

use switchboard_protocol::CloseCode;
use switchboard_protocol::client_message::Refresh;

use super::*;
use crate::operation::Token;

fn rig(seconds: u64, can_refresh: bool) -> Rig {
    let mut rig = Rig::new(Grants::default());
    let ends_at = Some(rig.now + Duration::from_secs(seconds));
    rig.live = Live::new(
        Arc::new(rules()),
        Authorization {
            ends_at,
            can_refresh,
            ..Authorization::default()
        },
        rig.now,
    );
    rig
}

/// Ticks with signs of life in between, until something is said or it is over: after how many seconds, and what.
fn next(rig: &mut Rig) -> (u64, Output<'static>) {
    let begun = rig.now;
    loop {
        rig.now = rig.now.max(rig.live.wake_at());
        rig.on(Input::Alive);
        let mut outputs = rig.on(Input::Tick).into_iter();
        let said = outputs.find(|output| *output != Output::Ping);
        if let Some(said) = said {
            return ((rig.now - begun).as_secs(), said);
        }
    }
}

fn expiring(in_ms: u64) -> Output<'static> {
    Output::Send(switchboard_protocol::server_message::Expiring { in_ms }.into())
}

fn code(output: &Output<'_>) -> CloseCode {
    match output {
        Output::Close(closing) => closing.code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_client_is_told_a_minute_before_its_token_ends_and_its_session_ends_with_it() {
    let mut rig = rig(600, true);
    assert_eq!(next(&mut rig), (540, expiring(60_000)));
    let (after, end) = next(&mut rig);
    assert_eq!((after, code(&end)), (60, CloseCode::Unauthorized));
    let window = Duration::from_secs(60);
    let Output::Close(closing) = end else {
        unreachable!()
    };
    assert_eq!(closing.holds(window), Some(window));
}

#[test]
fn of_a_short_token_half_is_left_for_another_one() {
    assert_eq!(next(&mut rig(20, true)), (10, expiring(10_000)));
    let (after, end) = next(&mut rig(0, true));
    assert_eq!((after, code(&end)), (0, CloseCode::Unauthorized));
}

#[test]
fn who_cannot_refresh_is_not_told() {
    let (after, end) = next(&mut rig(600, false));
    assert_eq!((after, code(&end)), (600, CloseCode::Unauthorized));
}

#[test]
fn another_token_puts_the_end_off_and_takes_away_what_it_does_not_cover() {
    let mut rig = Rig::in_room("hall");
    let refresh = ClientMessage::Refresh(Refresh {
        id: 3,
        token: "d.e.f".into(),
    });
    let token = Token("d.e.f".into());
    assert_eq!(
        rig.say(refresh),
        [Output::Perform(Operation::Refresh { re: 3, token })]
    );
    rig.say(join(4, "attic"));
    let narrower = Authorization {
        grants: Grants {
            rooms: Some(vec!["st*".into()]),
            ..Grants::default()
        },
        ends_at: Some(rig.now + Duration::from_secs(600)),
        can_refresh: true,
    };
    let told = rig.on(Input::Authorized(narrower));
    assert_eq!(told[0], Output::Expel("hall".parse().expect("a room")));
    let Output::Refuse { re, refused: error } = &told[1] else {
        panic!("a join that waits is refused: {told:?}")
    };
    assert_eq!((*re, error.code), (Some(4), ErrorCode::Forbidden));
    let done = switchboard_protocol::server_message::Done { re: 3, to: None };
    assert_eq!(
        rig.on(Input::Performed(Ok(()))),
        [Output::Send(done.into())]
    );
    let [Output::Refuse { refused: error, .. }] = &rig.say(signal(6, "hall"))[..] else {
        panic!("it is in there no longer")
    };
    assert_eq!(error.code, ErrorCode::NotAMember);
    assert_eq!(next(&mut rig).0, 540);
}

#[test]
fn a_session_gets_other_ice_servers_once_each_time_that_it_is_to() {
    let mut rig = Rig::new(Grants::default());
    for seconds in [30, 7] {
        let at = rig.now + Duration::from_secs(seconds);
        rig.live.renew_ice_servers_at(Some(at));
        assert_eq!(next(&mut rig), (seconds, Output::RenewIceServers));
    }
    rig.now += Duration::from_secs(3600);
    rig.on(Input::Alive);
    assert!(!rig.on(Input::Tick).contains(&Output::RenewIceServers));
}
