//! Subscriptions, and what is acknowledged.

use super::*;

#[test]
fn a_destination_is_told_as_it_was_subscribed() {
    let (mut stomp, peer) = connected();
    let written = ["a%2Fb", "%61%2fb", "%61%2F%62"];
    for (id, room) in written.iter().enumerate() {
        let frame = format!("SUBSCRIBE\nid:{id}\ndestination:/topic/rooms/{room}/members\n\n^");
        assert!(hear(&mut stomp, &frame).is_empty());
    }
    let heard = hear(&mut stomp, "SEND\ndestination:/app/rooms/a%2fb/join\n\n^");
    assert_eq!(heard, ["enter a/b as nobody of 2"]);
    let own = Member {
        peer,
        ..member(None, 1)
    };
    let said = say(
        &mut stomp,
        Joined {
            re: 1,
            room: "a/b".parse().expect("a room"),
            revision: 1,
            capacity: 2,
            members: vec![own],
            media: None,
        },
    );
    assert_eq!(said.len(), written.len(), "{said:?}");
    for room in written {
        let destination = format!("/topic/rooms/{room}/members");
        assert_eq!(
            bodies(&said, &destination),
            [json!([{ "sid": peer }])],
            "{said:?}"
        );
    }
    let error = error_after(
        &mut stomp,
        "SUBSCRIBE\nid:9\ndestination:/topic/rooms/a%2/members\n\n^",
    );
    assert!(
        error.contains("each % with two hexadecimal digits"),
        "{error}"
    );
}

#[test]
fn a_client_that_wants_to_acknowledge_may_and_nobody_waits_for_it() {
    let (mut stomp, peer) = connected();
    hear(
        &mut stomp,
        "SUBSCRIBE\nid:0\ndestination:/user/queue/me\nack:client-individual\n\n^",
    );
    let said = say(
        &mut stomp,
        joined(&[&Member {
            peer,
            ..member(None, 1)
        }]),
    );
    assert!(
        said[0].contains("\nmessage-id:1\n") && said[0].contains("\nack:1\n"),
        "{said:?}"
    );
    let heard = hear(&mut stomp, "ACK\nid:1\nreceipt:a\n\n^NACK\nid:1\n\n^");
    assert_eq!(heard, ["RECEIPT\nreceipt-id:a\n\n^"]);
}

#[test]
fn in_stomp_1_0_a_subscription_is_known_by_its_destination_too() {
    let (mut stomp, peer) = connected_with("login:");
    hear(&mut stomp, "SUBSCRIBE\ndestination:/user/queue/me\n\n^");
    let me = joined(&[&Member {
        peer,
        ..member(None, 1)
    }]);
    assert_eq!(say(&mut stomp, me.clone()).len(), 1);
    hear(&mut stomp, "UNSUBSCRIBE\ndestination:/user/queue/me\n\n^");
    assert_eq!(say(&mut stomp, me), [""; 0]);
}

#[test]
fn subscriptions_are_bounded_in_number_and_length() {
    let (mut stomp, _) = connected();
    for id in 0..64 {
        let text = format!("SUBSCRIBE\nid:{id}\ndestination:/user/queue/me\n\n^");
        assert_eq!(hear(&mut stomp, &text), [""; 0]);
    }
    let error = error_after(
        &mut stomp,
        "SUBSCRIBE\nid:64\ndestination:/user/queue/me\n\n^",
    );
    assert!(error.contains("at most 64 subscriptions"), "{error}");
    let (mut stomp, _) = connected();
    let text = format!(
        "SUBSCRIBE\nid:{}\ndestination:/user/queue/me\n\n^",
        "x".repeat(257)
    );
    let error = error_after(&mut stomp, &text);
    assert!(error.contains("at most 256 bytes"), "{error}");
}
