use super::*;
use crate::connection::{Closed, ConnectError};

const SECOND: Duration = Duration::from_secs(1);
const LOST: Input = Input::Ended(Cause::LOST);

/// Always waits for as long as it may.
fn reconnect() -> Reconnect {
    Reconnect::new(Box::new(|ceiling| ceiling))
}

fn closed(code: u16, retry_after_ms: Option<u64>) -> Input {
    let closed = Closed {
        code,
        reason: String::new(),
        retry_after_ms,
    };
    Input::Ended(Cause::from(&closed))
}

#[test]
fn a_lost_connection_is_opened_again_after_the_pause_and_not_before() {
    let start = Instant::now();
    let mut reconnect = reconnect();
    assert_eq!(reconnect.on(Input::Opened, start), Next::Stay);
    let until = start + SECOND / 2;
    assert_eq!(reconnect.on(LOST, start), Next::Wait { until });
    let early = until - SECOND / 10;
    assert_eq!(reconnect.on(Input::Woken, early), Next::Wait { until });
    assert_eq!(reconnect.on(Input::Woken, until), Next::Open);
}

#[test]
fn pauses_grow_while_nothing_answers() {
    let mut now = Instant::now();
    let mut reconnect = reconnect();
    for pause in [500, 1000, 2000, 4000, 8000, 15_000, 15_000] {
        let until = now + Duration::from_millis(pause);
        assert_eq!(reconnect.on(LOST, now), Next::Wait { until });
        now = until;
        assert_eq!(reconnect.on(Input::Woken, now), Next::Open);
    }
}

#[test]
fn only_a_connection_that_lasted_makes_the_next_pause_short_again() {
    let mut now = Instant::now();
    let mut reconnect = reconnect();
    for (lasted, pause) in [(0, 500), (1, 1000), (14, 2000), (15, 500), (3, 1000)] {
        reconnect.on(Input::Opened, now);
        now += SECOND * lasted;
        let until = now + Duration::from_millis(pause);
        assert_eq!(reconnect.on(LOST, now), Next::Wait { until }, "{lasted} s");
        now = until;
        reconnect.on(Input::Woken, now);
    }
}

#[test]
fn every_close_code_is_followed_as_the_table_says() {
    let now = Instant::now();
    let again = Next::Wait {
        until: now + SECOND / 2,
    };
    for (code, next) in [
        (1000, Next::GiveUp),
        (1001, again),
        (1006, again),
        (1009, Next::GiveUp),
        (1011, again),
        (4400, Next::GiveUp),
        (4401, Next::GetToken),
        (4403, Next::GetToken),
        (4408, again),
        (4409, Next::GiveUp),
        (4413, again),
        (4429, again),
        (4503, again),
    ] {
        let mut reconnect = reconnect();
        reconnect.on(Input::Opened, now);
        assert_eq!(reconnect.on(closed(code, None), now), next, "{code}");
    }
}

#[test]
fn a_gateway_that_names_a_time_is_left_alone_until_then_and_a_little_longer() {
    let now = Instant::now();
    for code in [4429, 4503] {
        let until = now + SECOND * 3 + SECOND / 2;
        let next = reconnect().on(closed(code, Some(3000)), now);
        assert_eq!(next, Next::Wait { until }, "{code}");
    }
    let refused = ConnectError::Refused {
        status: 503,
        retry_after_ms: Some(2000),
    };
    let until = now + SECOND * 2 + SECOND / 2;
    let next = reconnect().on(Input::Ended(Cause::from(&refused)), now);
    assert_eq!(next, Next::Wait { until });
}

#[test]
fn a_gateway_that_names_the_end_of_time_is_asked_the_next_day() {
    let now = Instant::now();
    let next = reconnect().on(closed(4503, Some(u64::MAX)), now);
    let until = now + SECOND * (24 * 60 * 60) + SECOND / 2;
    assert_eq!(next, Next::Wait { until });
}

#[test]
fn a_refused_token_is_not_tried_again() {
    let now = Instant::now();
    let mut reconnect = reconnect();
    assert_eq!(reconnect.on(closed(4401, None), now), Next::GetToken);
    assert_eq!(reconnect.on(Input::Woken, now + SECOND), Next::GetToken);
    assert_eq!(reconnect.on(Input::NewToken, now + SECOND), Next::Open);
}

#[test]
fn a_client_that_was_stopped_stays_away() {
    let now = Instant::now();
    let mut reconnect = reconnect();
    reconnect.on(Input::Opened, now);
    assert_eq!(reconnect.on(Input::Stop, now), Next::GiveUp);
    for input in [Input::Woken, Input::NewToken, Input::Opened, LOST] {
        assert_eq!(reconnect.on(input, now), Next::GiveUp);
    }
}

#[test]
fn a_drain_opens_the_next_connection_at_its_time_while_this_one_stays() {
    let start = Instant::now();
    let mut reconnect = reconnect();
    reconnect.on(Input::Opened, start);
    let at = start + SECOND * 3;
    let next = reconnect.on(Input::Drain { at }, start);
    assert_eq!(next, Next::Wait { until: at });
    assert_eq!(reconnect.wake_at(), Some(at));
    assert_eq!(reconnect.on(Input::Woken, at), Next::Open);
    assert_eq!(reconnect.on(Input::Opened, at), Next::Stay);
    assert_eq!(reconnect.wake_at(), None);
}

#[test]
fn a_move_that_fails_is_tried_again_with_growing_pauses() {
    let mut now = Instant::now();
    let mut reconnect = reconnect();
    reconnect.on(Input::Opened, now);
    reconnect.on(Input::Drain { at: now }, now);
    for pause in [500, 1000, 2000] {
        assert_eq!(reconnect.on(Input::Woken, now), Next::Open);
        let until = now + Duration::from_millis(pause);
        let next = reconnect.on(Input::Failed(Cause::LOST), now);
        assert_eq!(next, Next::Wait { until });
        now = until;
    }
}

#[test]
fn a_connection_that_ends_during_a_move_leaves_the_attempt_alone() {
    let now = Instant::now();
    let mut reconnect = reconnect();
    reconnect.on(Input::Opened, now);
    reconnect.on(Input::Drain { at: now }, now);
    reconnect.on(Input::Woken, now);
    assert_eq!(reconnect.on(closed(1001, None), now), Next::Open);
    assert_eq!(reconnect.on(Input::Opened, now), Next::Stay);
}

#[test]
fn a_move_that_needs_a_token_asks_for_one() {
    let now = Instant::now();
    let mut reconnect = reconnect();
    reconnect.on(Input::Opened, now);
    reconnect.on(Input::Drain { at: now }, now);
    reconnect.on(Input::Woken, now);
    let Input::Ended(unauthorized) = closed(4401, None) else {
        panic!("it is an end");
    };
    let next = reconnect.on(Input::Failed(unauthorized), now);
    assert_eq!(next, Next::GetToken);
    assert_eq!(reconnect.on(Input::NewToken, now), Next::Open);
}
