//! Ends: DISCONNECT, errors, silence.

use super::*;

#[test]
fn disconnect_is_confirmed_and_is_the_end() {
    let (mut stomp, _) = in_room();
    let heard = hear(
        &mut stomp,
        "DISCONNECT\nreceipt:bye\n\n^SEND\ndestination:/app/rooms/r/leave\n\n^",
    );
    assert_eq!(heard, ["RECEIPT\nreceipt-id:bye\n\n^", "bye"]);
    assert_eq!(goodbye(&mut stomp, CloseCode::Bye, "bye"), "");
}

/// A frame is answered with an error that names its receipt 1, and nothing is heard after it.
#[track_caller]
fn is_the_end(text: &str, words: &str) {
    let (mut stomp, _) = in_room();
    let error = error_after(&mut stomp, text);
    assert!(error.contains(words), "{error}");
    assert!(error.contains("\nreceipt-id:1\n"), "{error}");
    assert_eq!(
        hear(&mut stomp, "SEND\ndestination:/app/rooms/r/leave\n\n^"),
        [""; 0]
    );
}

#[test]
fn what_stomp_forbids_or_is_not_there_is_an_error_with_the_receipt_and_the_end() {
    for (text, words) in [
        (
            "BEGIN\ntransaction:t\nreceipt:1\n\n^",
            "no transactions here",
        ),
        (
            "COMMIT\ntransaction:t\nreceipt:1\n\n^",
            "no transactions here",
        ),
        (
            "ABORT\ntransaction:t\nreceipt:1\n\n^",
            "no transactions here",
        ),
        (
            "SEND\ndestination:/app/rooms/r/join\ntransaction:t\nreceipt:1\n\n^",
            "no transactions here",
        ),
        ("CONNECT\nreceipt:1\n\n^", "CONNECT was said already"),
        ("CONNECTED\nreceipt:1\n\n^", "for servers"),
        ("SEND\nreceipt:1\n\n^", "needs the header destination"),
        (
            "SEND\ndestination:/app/rooms/r\nreceipt:1\n\n^",
            "nothing can be sent to",
        ),
        (
            "SEND\ndestination:/topic/rooms/r/signal\nreceipt:1\n\n^",
            "nothing can be sent to",
        ),
        (
            "SUBSCRIBE\nid:1\nreceipt:1\n\n^",
            "needs the header destination",
        ),
        (
            "SUBSCRIBE\ndestination:/user/queue/me\nreceipt:1\n\n^",
            "needs the header id",
        ),
        (
            "SUBSCRIBE\nid:9\ndestination:/topic/rooms/>\nreceipt:1\n\n^",
            "to subscribe to",
        ),
        (
            "SUBSCRIBE\nid:0\ndestination:/user/queue/me\nreceipt:1\n\n^",
            "of this id already",
        ),
        ("UNSUBSCRIBE\nreceipt:1\n\n^", "needs the header id"),
    ] {
        is_the_end(text, words);
    }
    let (mut stomp, _) = in_room();
    let error = error_after(&mut stomp, "no frame\n\n^");
    assert!(
        error.contains("unknown command") && !error.contains("receipt-id"),
        "{error}"
    );
}

#[test]
fn a_client_that_is_to_come_again_gets_no_error() {
    let (mut stomp, _) = in_room();
    assert_eq!(goodbye(&mut stomp, CloseCode::GoingAway, "going away"), "");
    assert!(goodbye(&mut stomp, CloseCode::TooLarge, "too large").starts_with("ERROR\n"));
}

#[test]
fn heart_beats_go_to_those_who_want_them() {
    for (header, beats) in [
        ("heart-beat:0,10000", 1),
        ("heart-beat:10000,0", 0),
        ("login:", 0),
    ] {
        let (mut stomp, _) = connected_with(header);
        let heard = hear_with(|heard| stomp.tick(Instant::now(), heard));
        assert_eq!(heard, vec!["\n"; beats], "{header}");
    }
}

#[test]
fn whoever_promised_heart_beats_and_is_silent_for_long_is_given_up() {
    let (mut stomp, _) = connected_with("heart-beat:20000,0");
    let at = |seconds| Instant::now() + Duration::from_secs(seconds);
    assert_eq!(hear_with(|heard| stomp.tick(at(99), heard)), [""; 0]);
    let heard = hear_with(|heard| stomp.tick(at(101), heard));
    assert_eq!(
        heard,
        ["end Timeout: no heart-beat for much longer than you promised"]
    );

    let (mut stomp, _) = connected_with("heart-beat:0,0");
    assert_eq!(hear_with(|heard| stomp.tick(at(100_000), heard)), [""; 0]);
}
