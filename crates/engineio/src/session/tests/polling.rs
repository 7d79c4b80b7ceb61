//! Polls and bodies.

use super::*;

#[test]
fn a_poll_waits_until_something_is_said() {
    let mut bench = Bench::polling();
    bench.poll().expect("the first");
    assert_eq!(bench.answer(), None);
    bench.session.send_text("hello");
    bench.session.send_binary(Bytes::from_static(&[1, 2, 3]));
    assert!(!bench.session.all_taken());
    assert_eq!(bench.answer().as_deref(), Some("4hello\u{1e}bAQID"));
    assert!(!bench.session.all_taken(), "on its way");
    bench.session.on_answer_taken();
    assert!(bench.session.all_taken());
}

#[test]
fn an_answer_holds_what_fits_and_the_rest_waits() {
    let mut bench = Bench::polling();
    let long = "x".repeat(60);
    for _ in 0..3 {
        bench.session.send_text(&long);
    }
    for _ in 0..3 {
        bench.poll().expect("one at a time");
        assert_eq!(bench.take(), format!("4{long}"));
    }
    assert!(bench.session.all_taken());
}

#[test]
fn what_is_said_to_a_client_that_does_not_poll_is_bounded() {
    let mut bench = Bench::polling();
    let mut sent = 0;
    while bench.session.takes() {
        bench.session.send_text("hello");
        sent += 1;
    }
    assert_eq!(sent, 500_usize.div_ceil(6 + Settings::MESSAGE_COST));
    assert!(bench.session.waiting_bytes() >= 500);
    bench.poll().expect("the first");
    bench.take();
    assert!(bench.session.takes());
}

#[test]
fn a_second_poll_ends_the_session() {
    let mut bench = Bench::polling();
    bench.poll().expect("the first");
    assert_eq!(bench.poll(), Err(Refused::BadRequest));
    assert_eq!(bench.take(), "1", "what the first is answered");
    assert_eq!(bench.ending(), Some(Ending::Overlap));
    assert_eq!(bench.poll(), Err(Refused::UnknownSid));
    assert_eq!(bench.post("4x"), Err(Refused::UnknownSid));
}

#[test]
fn a_poll_behind_an_answer_on_its_way_waits_for_that() {
    let mut bench = Bench::polling();
    bench.session.send_text("a");
    bench.poll().expect("the first");
    assert!(bench.answer().is_some());
    bench.session.send_text("b");
    bench.poll().expect("its client has read all of the answer");
    assert_eq!(bench.answer(), None, "in order");
    assert_eq!(
        bench.poll(),
        Err(Refused::BadRequest),
        "a third is too many"
    );
    bench.session.on_answer_taken();
    assert_eq!(bench.take(), "1");
}

#[test]
fn a_second_post_ends_the_session() {
    let mut bench = Bench::polling();
    bench.session.on_post(bench.now).expect("the first");
    assert_eq!(bench.session.on_post(bench.now), Err(Refused::BadRequest));
    assert_eq!(bench.ending(), Some(Ending::Overlap));
    assert_eq!(
        bench.session.on_body(b"4x", bench.now),
        Err(Refused::UnknownSid)
    );
    assert_eq!(bench.heard(), []);
}

#[test]
fn a_request_that_breaks_off_ends_the_session() {
    let lose: [fn(&mut Bench); 3] = [
        |bench| {
            bench.poll().expect("the first");
            bench.session.on_poll_lost();
        },
        |bench| {
            bench.session.send_text("hello");
            bench.poll().expect("the first");
            assert!(bench.answer().is_some());
            bench.session.on_answer_lost();
        },
        |bench| {
            bench.session.on_post(bench.now).expect("the first");
            bench.session.on_post_lost(Ending::BrokenOff);
        },
    ];
    for lose in lose {
        let mut bench = Bench::polling();
        lose(&mut bench);
        assert_eq!(bench.ending(), Some(Ending::BrokenOff));
        assert_eq!(bench.poll(), Err(Refused::UnknownSid));
    }
}

#[test]
fn a_body_brings_messages_in_order() {
    let mut bench = Bench::polling();
    bench.post("4a\u{1e}bAQID\u{1e}4").expect("a payload");
    bench.post("4b").expect("another");
    let bytes = Message::Binary(vec![1, 2, 3].into());
    assert_eq!(bench.heard(), [text("a"), bytes, text(""), text("b")]);
}

#[test]
fn a_body_that_cannot_be_read_ends_the_session_and_what_came_before_counts() {
    for (body, refused, ending) in [
        (&b"abc"[..], Refused::BadRequest, Ending::BadPacket),
        (b"", Refused::BadRequest, Ending::BadPacket),
        (b"4a\x1e", Refused::BadRequest, Ending::BadPacket),
        (b"4a\x1eb!", Refused::BadRequest, Ending::BadPacket),
        (b"\xff", Refused::BadRequest, Ending::BadPacket),
        (b"4a\x1e2", Refused::BadRequest, Ending::BadPacket),
        (b"4a\x1e0{}", Refused::BadRequest, Ending::BadPacket),
        (&[b'4'; 101], Refused::TooLarge, Ending::TooMuch),
    ] {
        let mut bench = Bench::polling();
        bench.poll().expect("the first");
        bench.session.on_post(bench.now).expect("the first");
        assert_eq!(bench.session.on_body(body, bench.now), Err(refused));
        assert_eq!(bench.ending(), Some(ending), "{body:?}");
        assert_eq!(bench.take(), "1");
        let before = body.starts_with(b"4a\x1e").then(|| text("a"));
        assert_eq!(bench.heard(), Vec::from_iter(before));
    }
}

#[test]
fn packets_that_mean_nothing_here_are_passed_over() {
    let mut bench = Bench::polling();
    bench.post("5\u{1e}6\u{1e}3\u{1e}4a").expect("a payload");
    assert_eq!(bench.heard(), [text("a")]);
    assert_eq!(bench.session.transport(), Transport::Polling);
}

#[test]
fn who_says_more_than_is_read_is_sent_away() {
    let mut bench = Bench::polling();
    let many = ["4"; 50].join("\u{1e}");
    assert_eq!(bench.post(&many), Err(Refused::TooLarge));
    assert_eq!(bench.ending(), Some(Ending::TooMuch));
}
