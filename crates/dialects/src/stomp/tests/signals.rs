//! Signals: to all others, and back to their sender.

use super::*;

fn signalled(from: PeerId, kind: &str, payload: &Value) -> Signal {
    signal(from, ROOM, kind, payload.to_string())
}

#[test]
fn what_javascript_writes_is_passed_on_and_comes_back_the_same() {
    let (mut stomp, own) = in_room();
    let bob = member(None, 2);
    say(&mut stomp, joined(&[&own, &bob]));
    let deep = |depth| "[".repeat(depth) + &"]".repeat(depth);
    let chat = r#"{"type":"CHAT","text":"\ud83d","n":1e999,"n":-0,"\ud83d":5.0}"#;
    let heard = hear(
        &mut stomp,
        &format!("SEND\ndestination:/app/rooms/r/signal\n\n{chat}^"),
    );
    assert_eq!(
        heard,
        [
            "CHAT in r to all {\"with\":{\"under\":\"\"},\"text\":\"\\ufffd\",\"n\":-0,\"\u{fffd}\":5.0}"
        ]
    );
    let refused = hear(
        &mut stomp,
        &format!(
            "SEND\ndestination:/app/rooms/r/signal\n\n{{\"type\":\"CHAT\",\"x\":{}}}^",
            deep(128)
        ),
    );
    assert_eq!(refused, ["broken: nested more than 128 deep"]);
    for kind in ["wave", "offer", "candidate", "message"] {
        let said = say(&mut stomp, signal(bob.peer, ROOM, kind, deep(128)));
        assert!(said[0].contains(&deep(128)), "{kind}: {said:?}");
    }
}

#[test]
fn a_signal_goes_to_all_and_comes_back_once_it_is_on_its_way() {
    let (mut stomp, own) = in_room();
    let heard = hear(
        &mut stomp,
        "SEND\ndestination:/app/rooms/r/signal\nreceipt:9\n\n{\"type\":\"OFFER\",\"sdp\":\"v=0\",\"sid\":\"x\"}^",
    );
    assert_eq!(heard, [r#"offer in r to all {"type":"offer","sdp":"v=0"}"#]);
    let said = say(
        &mut stomp,
        Done {
            re: FIRST,
            to: Some(Vec::new()),
        },
    );
    assert_eq!(
        bodies(&said, "/topic/rooms/r/signal"),
        [json!({ "type": "OFFER", "sid": own.peer, "sdp": "v=0" })]
    );
    assert_eq!(
        said.last().map(String::as_str),
        Some("RECEIPT\nreceipt-id:9\n\n^")
    );
}

#[test]
fn a_signal_that_is_refused_does_not_come_back() {
    let (mut stomp, _) = in_room();
    hear(
        &mut stomp,
        "SEND\ndestination:/app/rooms/r/signal\nreceipt:9\n\n{\"type\":\"OFFER\",\"sdp\":\"v=0\"}^",
    );
    let said = say(&mut stomp, refused(FIRST, ErrorCode::RateLimited));
    assert_eq!(
        bodies(&said, "/user/queue/system"),
        [json!({ "type": "ERROR", "message": "words" })]
    );
    assert!(said[0].contains("\nreceipt-id:9\n"), "{said:?}");
    assert_eq!(
        say(
            &mut stomp,
            Done {
                re: FIRST,
                to: None
            }
        ),
        [""; 0]
    );
}

#[test]
fn refusals_that_follow_fast_go_to_one_subscription_and_others_are_told_after_a_pause() {
    let (mut stomp, _) = in_room();
    for id in 10..60 {
        let text = format!("SUBSCRIBE\nid:{id}\ndestination:/user/queue/system\n\n^");
        hear(&mut stomp, &text);
    }
    let mut told = || say(&mut stomp, refused(1, ErrorCode::RateLimited)).len();
    assert_eq!(told(), 51);
    // 51 frames are more than a hundred milliseconds' worth of them.
    assert_eq!([told(), told(), told()], [1, 1, 1]);
    stomp.refusals = Pace::default();
    assert_eq!(
        say(&mut stomp, refused(1, ErrorCode::RateLimited)).len(),
        51
    );
}

#[test]
fn signals_of_others_come_to_each_subscription_and_only_while_one_is_in_the_room() {
    let (mut stomp, _) = in_room();
    hear(
        &mut stomp,
        "SUBSCRIBE\nid:again\ndestination:/topic/rooms/r/signal\n\n^",
    );
    let bob = PeerId::random();
    let offer = json!({ "type": "offer", "sdp": "v=0" });
    let said = say(&mut stomp, signalled(bob, "offer", &offer));
    let told = json!({ "type": "OFFER", "sid": bob, "sdp": "v=0" });
    assert_eq!(bodies(&said, "/topic/rooms/r/signal"), [told.clone(), told]);
    let ids: Vec<_> = said
        .iter()
        .flat_map(|frame| frame.lines().find(|line| line.starts_with("message-id:")))
        .collect();
    assert!(ids.len() == 2 && ids[0] != ids[1], "{ids:?}");

    hear(&mut stomp, "UNSUBSCRIBE\nid:1\n\n^");
    assert_eq!(say(&mut stomp, signalled(bob, "offer", &offer)).len(), 1);
    hear(&mut stomp, "SEND\ndestination:/app/rooms/r/leave\n\n^");
    say(
        &mut stomp,
        Left {
            re: 1,
            room: room(),
        },
    );
    assert_eq!(say(&mut stomp, signalled(bob, "offer", &offer)), [""; 0]);
}

#[test]
fn a_client_that_says_much_to_itself_and_does_not_read_it_is_cut_off() {
    let (mut stomp, _) = in_room();
    let sdp = "x".repeat(200_000);
    let offer = format!(
        "SEND\ndestination:/app/rooms/r/signal\n\n{{\"type\":\"OFFER\",\"sdp\":\"{sdp}\"}}^"
    );
    let mut answered = FIRST - 1;
    let send = |stomp: &mut Stomp| hear(stomp, &offer).remove(0);
    for _ in 0..2 {
        for _ in 0..5 {
            assert!(send(&mut stomp).starts_with("offer"));
            answered += 1;
            say(
                &mut stomp,
                Done {
                    re: answered,
                    to: None,
                },
            );
        }
    }
    for _ in 0..5 {
        send(&mut stomp);
    }
    assert_eq!(
        send(&mut stomp),
        "end SlowConsumer: you do not read as fast as you write"
    );
}
