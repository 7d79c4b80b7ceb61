//! CONNECT, and who is told why it may not.

use super::*;

#[test]
fn connect_says_who_comes() {
    for (headers, expected) in [
        ("accept-version:1.2", "hello - -"),
        ("login:ada\npasscode:t", "hello ada t"),
        ("Authorization:Bearer a.b.c\npasscode:t", "hello - a.b.c"),
        ("Authorization:Basic x\nlogin:\npasscode:", "hello - -"),
    ] {
        let heard = hear(&mut stomp(), &format!("CONNECT\n{headers}\n\n^"));
        assert_eq!(heard, [expected], "{headers}");
    }
}

#[test]
fn connected_names_version_heart_beat_session_and_user() {
    let (mut stomp, peer) = (stomp(), PeerId::random());
    hear(&mut stomp, "STOMP\naccept-version:1.0,1.1\n\n^");
    let said = say(&mut stomp, welcome(peer));
    let expected = format!(
        "CONNECTED\nversion:1.1\nheart-beat:15000,15000\nsession:{peer}\nserver:switchboard\nuser-name:ada\n\n^"
    );
    assert_eq!(said, [expected]);
}

#[test]
fn what_comes_behind_connect_waits_for_the_session_and_is_heard_then() {
    let (mut stomp, peer) = (stomp(), PeerId::random());
    let heard = hear(
        &mut stomp,
        "CONNECT\naccept-version:1.2\n\n^SEND\ndestination:/app/rooms/r/join\n\n^SUBSCRIBE\nid:0\n",
    );
    assert_eq!(heard, ["hello - -"]);
    say(&mut stomp, welcome(peer));
    let heard = hear_with(|heard| stomp.hear_rest(heard));
    assert_eq!(heard, ["enter r as nobody of 2"]);
    let heard = hear(&mut stomp, "destination:/user/queue/me\nreceipt:7\n\n^");
    assert_eq!(heard, ["RECEIPT\nreceipt-id:7\n\n^"]);
}

#[test]
fn whoever_cannot_connect_is_told_why_and_which_versions_there_are() {
    for (text, words) in [
        (
            "CONNECT\naccept-version:2.0\n\n^",
            "no STOMP version in common",
        ),
        (
            "CONNECT\nheart-beat:x\n\n^",
            "heart-beat has to be two whole numbers",
        ),
        (
            "SEND\ndestination:/app/rooms/r/join\n\n^",
            "SEND before CONNECT",
        ),
        ("HELLO\n\n^", "unknown command"),
    ] {
        let error = error_after(&mut stomp(), text);
        assert!(error.starts_with("ERROR\nmessage:"), "{error}");
        assert!(error.contains(words), "{error}");
        assert!(error.contains("\nversion:1.0,1.1,1.2\n"), "{error}");
    }
    let error = goodbye(&mut stomp(), CloseCode::Timeout, "no hello");
    assert!(error.contains("begin with CONNECT"), "{error}");
}

#[test]
fn a_refused_token_is_told_in_an_error_frame() {
    let mut stomp = stomp();
    hear(&mut stomp, "CONNECT\naccept-version:1.2\n\n^");
    let error = goodbye(&mut stomp, CloseCode::Unauthorized, "a: b");
    assert!(error.starts_with("ERROR\nmessage:a: b\n"), "{error}");
}
