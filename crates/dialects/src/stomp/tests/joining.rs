//! Joins, and who is in the room.

use super::*;

#[test]
fn a_join_enters_a_room_of_two_under_the_display_name() {
    let (mut stomp, _) = connected();
    for (body, expected) in [
        ("", "enter r as nobody of 2"),
        ("{}", "enter r as nobody of 2"),
        (
            r#"{"roomId":"r","displayName":"Ada"}"#,
            "enter r as Ada of 2",
        ),
        (r#"{"displayName":null}"#, "enter r as nobody of 2"),
        ("null", "enter r as nobody of 2"),
        (
            r#"{"displayName":1,"displayName":"Ada","\ud83d":1e999}"#,
            "enter r as Ada of 2",
        ),
        ("[]", "broken: a join is a JSON object, or nothing"),
        ("{", "broken: a join is a JSON object, or nothing"),
    ] {
        let text = format!("SEND\ndestination:/app/rooms/r/join\n\n{body}^");
        assert_eq!(hear(&mut stomp, &text), [expected], "{body}");
    }
}

#[test]
fn a_display_name_that_is_none_costs_the_name_and_is_said() {
    let (mut stomp, _) = connected();
    hear(
        &mut stomp,
        "SUBSCRIBE\nid:0\ndestination:/user/queue/system\n\n^",
    );
    let long = format!("{:?}", "x".repeat(257));
    for name in ["7", "{}", r#""Ada\ud83d""#, &long] {
        let text = format!("SEND\ndestination:/app/rooms/r/join\n\n{{\"displayName\":{name}}}^");
        let heard = hear(&mut stomp, &text);
        let words = "left out: `displayName` is not a text of at most 256 bytes";
        assert_eq!(
            bodies(&heard, "/user/queue/system"),
            [json!({ "type": "ERROR", "message": words })],
            "{name}"
        );
        assert_eq!(heard[1], "enter r as nobody of 2", "{name}");
    }
}

#[test]
fn whoever_joins_learns_its_sid_and_who_is_there() {
    let (mut stomp, own) = in_room();
    let bob = member(None, 2);
    let said = say(&mut stomp, joined(&[&own, &bob]));
    assert_eq!(
        bodies(&said, "/user/queue/me"),
        [json!({ "sid": own.peer })]
    );
    let listed = json!([{ "sid": own.peer, "displayName": "Ada" }, { "sid": bob.peer }]);
    assert_eq!(bodies(&said, "/topic/rooms/r/members"), [listed]);
    let message = said
        .iter()
        .find(|frame| frame.contains("members"))
        .expect("members");
    assert!(message.contains("\nsubscription:0\n"), "{message}");
    assert!(
        message.contains("\ncontent-type:application/json\n"),
        "{message}"
    );
}

#[test]
fn members_are_listed_after_each_change_and_who_leaves_is_named() {
    let (mut stomp, own) = in_room();
    let bob = member(Some("Bob"), 2);
    let said = say(&mut stomp, came(&bob));
    let both = json!([{ "sid": own.peer, "displayName": "Ada" }, { "sid": bob.peer, "displayName": "Bob" }]);
    assert_eq!(bodies(&said, "/topic/rooms/r/members"), [both]);
    let said = say(&mut stomp, left(&bob));
    assert_eq!(
        bodies(&said, "/topic/rooms/r/signal"),
        [json!({ "type": "LEAVE", "sid": bob.peer })]
    );
    let one = json!([{ "sid": own.peer, "displayName": "Ada" }]);
    assert_eq!(bodies(&said, "/topic/rooms/r/members"), [one]);
}

#[test]
fn ready_comes_on_the_signal_topic() {
    let (mut stomp, own) = in_room();
    let peers = [own.peer, PeerId::random()];
    let said = say(
        &mut stomp,
        Ready {
            room: room(),
            offerer: own.peer,
            peers,
        },
    );
    assert_eq!(
        bodies(&said, "/topic/rooms/r/signal"),
        [json!({ "type": "READY" })]
    );
}

#[test]
fn a_full_room_is_told_in_the_words_of_the_tutorial() {
    let (mut stomp, _) = in_room();
    let said = say(&mut stomp, refused(1, ErrorCode::RoomFull));
    assert_eq!(
        bodies(&said, "/user/queue/system"),
        [json!({ "type": "ERROR", "message": "Room is full" })]
    );
}

#[test]
fn who_is_taken_out_of_a_room_is_told() {
    let (mut stomp, _) = in_room();
    let said = say(
        &mut stomp,
        RoomClosed {
            room: room(),
            reason: "words".into(),
        },
    );
    let message = json!({ "type": "ERROR", "message": "you are no longer in the room r: words" });
    assert_eq!(bodies(&said, "/user/queue/system"), [message]);
    assert_eq!(say(&mut stomp, came(&member(None, 2))), [""; 0]);
}
