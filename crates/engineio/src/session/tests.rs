//! Every order of polls, bodies, upgrades and closes.

mod at_random;

use std::time::Duration;

use super::*;
use crate::refused::Refused;

const INTERVAL: Duration = Duration::from_secs(25);
const TIMEOUT: Duration = Duration::from_secs(20);

/// A session and the time of its test.
struct Bench {
    session: Session,
    now: Instant,
}

impl Bench {
    fn open(transport: Transport) -> Self {
        let now = Instant::now();
        let settings = Settings {
            ping_interval: INTERVAL,
            ping_timeout: TIMEOUT,
            max_payload: 100,
            outbox_bytes_max: 500,
            inbox_bytes_max: 500,
            ..Settings::default()
        };
        let session = Session::open(&Sid::random(), transport, Arc::new(settings), now);
        Self { session, now }
    }

    /// One that polls and has read its open packet.
    fn polling() -> Self {
        let mut bench = Self::open(Transport::Polling);
        assert!(bench.take().starts_with("0{"));
        bench
    }

    fn web_socket() -> Self {
        let mut bench = Self::open(Transport::WebSocket);
        assert!(
            matches!(bench.session.next_frame(), Some(Frame::Text(text)) if text.starts_with("0{"))
        );
        bench
    }

    /// One with a candidate that has been probed.
    fn probed() -> Self {
        let mut bench = Self::polling();
        assert!(bench.session.on_candidate(bench.now));
        let reply = Candidate::Reply(Frame::Text("3probe".into()));
        assert_eq!(bench.candidate("2probe"), reply);
        bench
    }

    fn poll(&mut self) -> Result<(), Refused> {
        self.session.on_poll(self.now)
    }

    fn answer(&mut self) -> Option<String> {
        self.session.answer(self.now)
    }

    /// The answer that is there, taken.
    fn take(&mut self) -> String {
        let answer = self.answer().expect("an answer");
        self.session.on_answer_taken();
        answer
    }

    fn post(&mut self, body: &str) -> Result<(), Refused> {
        self.session.on_post(self.now)?;
        self.session.on_body(body.as_bytes(), self.now)
    }

    fn candidate(&mut self, text: &str) -> Candidate {
        self.session.on_candidate_text(text, self.now)
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.session.on_time(self.now);
    }

    fn heard(&mut self) -> Vec<Message<'static>> {
        std::iter::from_fn(|| self.session.receive()).collect()
    }

    fn frames(&mut self) -> Vec<Frame> {
        std::iter::from_fn(|| self.session.next_frame()).collect()
    }

    fn ending(&self) -> Option<Ending> {
        self.session.ending()
    }
}

fn text(text: &str) -> Message<'static> {
    Message::Text(text.to_owned().into())
}

#[test]
fn the_open_packet_says_how_the_session_works() {
    let sid = Sid::random();
    let settings = Arc::new(Settings::default());
    for (transport, upgrades) in [
        (Transport::Polling, r#"["websocket"]"#),
        (Transport::WebSocket, "[]"),
    ] {
        let packet = open_packet(&sid, transport, &settings);
        let expected = format!(
            r#"0{{"sid":"{}","upgrades":{upgrades},"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}}"#,
            sid.as_str()
        );
        assert_eq!(packet, expected);
    }
}

/// The answer to what it says and what it is told cross: neither may spoil the other.
#[test]
fn a_client_that_is_only_spoken_to_may_say_what_it_likes() {
    let mut bench = Bench::polling();
    bench.session.stop_hearing();
    bench.poll().expect("the first");
    bench.post("40").expect("taken");
    bench.session.send_text("no");
    bench.session.close();
    assert_eq!(bench.take(), "4no");
    bench.post("4x\u{1e}?").expect("taken too");
    bench.poll().expect("the next");
    assert_eq!(bench.take(), "1");
    assert_eq!(bench.heard(), []);
    assert_eq!(bench.ending(), Some(Ending::ClosedHere));
}

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

#[test]
fn a_client_closes_and_its_poll_ends() {
    let mut bench = Bench::polling();
    bench.poll().expect("the first");
    bench.post("4bye\u{1e}1\u{1e}4late").expect("a payload");
    assert_eq!(bench.take(), "6");
    assert_eq!(bench.heard(), [text("bye")]);
    assert_eq!(bench.ending(), Some(Ending::ClosedByClient));
    assert_eq!(bench.poll(), Err(Refused::UnknownSid));
}

#[test]
fn this_side_closes_behind_what_it_said() {
    let mut bench = Bench::polling();
    bench.session.send_text("bye");
    bench.session.close();
    bench.session.send_text("late");
    assert_eq!(bench.ending(), None, "until it is read");
    bench.poll().expect("the first");
    assert_eq!(bench.take(), "4bye");
    assert_eq!(bench.ending(), None, "until the goodbye is read");
    bench.poll().expect("another");
    assert_eq!(bench.take(), "1", "alone");
    assert_eq!(bench.ending(), Some(Ending::ClosedHere));
    assert_eq!(bench.poll(), Err(Refused::UnknownSid));
}

#[test]
fn the_first_ping_comes_after_an_interval() {
    for mut bench in [Bench::polling(), Bench::web_socket()] {
        assert_eq!(bench.session.wake_at(), bench.now + INTERVAL);
        bench.pass(INTERVAL - Duration::from_millis(1));
        assert!(bench.session.all_taken(), "nothing is said before");
        bench.pass(Duration::from_millis(1));
        let ping = match bench.session.transport() {
            Transport::WebSocket => bench.session.next_frame(),
            Transport::Polling => {
                bench.poll().expect("the first");
                Some(Frame::Text(bench.take()))
            }
        };
        assert_eq!(ping, Some(Frame::Text("2".into())));
        assert_eq!(bench.session.wake_at(), bench.now + TIMEOUT);
    }
}

#[test]
fn a_ping_is_answered_in_time_or_the_session_ends() {
    let mut bench = Bench::polling();
    for _ in 0..3 {
        bench.pass(INTERVAL);
        bench.poll().expect("one at a time");
        assert_eq!(bench.take(), "2");
        bench.pass(TIMEOUT / 2);
        bench.post("3").expect("a pong");
        assert_eq!(bench.session.wake_at(), bench.now + INTERVAL);
    }
    bench.pass(INTERVAL);
    bench.post("4talks").expect("a message is no pong");
    bench.poll().expect("nor is a poll");
    bench.take();
    bench.now += TIMEOUT;
    assert_eq!(bench.poll(), Err(Refused::UnknownSid), "without a timer");
    assert_eq!(bench.ending(), Some(Ending::PingTimeout));
}

#[test]
fn who_does_not_even_poll_is_gone_as_soon() {
    for answers_unread in [false, true] {
        let mut bench = Bench::polling();
        bench.pass(INTERVAL);
        if answers_unread {
            bench.post("3").expect("a packet");
        }
        bench.pass(TIMEOUT);
        assert_eq!(bench.ending(), Some(Ending::PingTimeout));
    }
}

#[test]
fn a_process_that_slept_gives_its_clients_time_to_answer() {
    let mut bench = Bench::web_socket();
    bench.pass(INTERVAL + 3 * TIMEOUT);
    assert_eq!(bench.frames(), [Frame::Text("2".into())]);
    bench.pass(TIMEOUT / 2 - Duration::from_millis(1));
    assert_eq!(bench.ending(), None);
    bench.session.on_text("3", bench.now);
    bench.pass(TIMEOUT);
    assert_eq!(bench.ending(), None);
}

#[test]
fn a_web_socket_carries_messages_both_ways() {
    let mut bench = Bench::web_socket();
    bench.session.send_text("a");
    bench.session.send_binary(Bytes::from_static(b"b"));
    let bytes = Frame::Binary(Bytes::from_static(b"b"));
    assert_eq!(bench.frames(), [Frame::Text("4a".into()), bytes]);
    assert!(bench.session.all_taken());
    assert_eq!(
        bench.session.on_text("4hello", bench.now),
        Some(text("hello"))
    );
    assert_eq!(bench.session.on_text("6", bench.now), None);
    assert_eq!(bench.session.on_text("5", bench.now), None);
    assert_eq!(bench.ending(), None);
}

#[test]
fn a_web_socket_ends_its_session() {
    for (frame, ending) in [
        ("abc", Ending::BadPacket),
        ("", Ending::BadPacket),
        ("2", Ending::BadPacket),
        ("2probe", Ending::BadPacket),
        ("0{}", Ending::BadPacket),
        ("1", Ending::ClosedByClient),
    ] {
        let mut bench = Bench::web_socket();
        assert_eq!(bench.session.on_text(frame, bench.now), None);
        assert_eq!(bench.ending(), Some(ending), "{frame}");
        assert_eq!(bench.session.on_text("4late", bench.now), None);
        bench.session.send_text("late");
        assert_eq!(bench.frames(), []);
    }
    let mut bench = Bench::web_socket();
    bench.session.on_socket_gone();
    assert_eq!(bench.ending(), Some(Ending::SocketGone));
}

#[test]
fn requests_for_a_session_on_a_web_socket_are_refused_and_do_not_hurt_it() {
    let mut bench = Bench::web_socket();
    assert_eq!(bench.poll(), Err(Refused::BadRequest));
    assert_eq!(bench.post("4x"), Err(Refused::BadRequest));
    assert!(!bench.session.on_candidate(bench.now));
    assert_eq!(bench.candidate("2probe"), Candidate::Drop);
    assert_eq!(bench.candidate("5"), Candidate::Drop);
    assert_eq!(bench.ending(), None);
}

#[test]
fn an_upgrade_moves_the_session_in_order() {
    let mut bench = Bench::polling();
    bench.poll().expect("the first");
    assert!(bench.session.on_candidate(bench.now));
    assert_eq!(bench.answer(), None, "a candidate alone changes nothing");
    bench.candidate("2probe");
    assert_eq!(bench.take(), "6", "the poll is let go");
    bench.session.send_text("a");
    assert_eq!(bench.frames(), [], "polling still");
    bench.post("4x").expect("polling still");
    assert_eq!(bench.candidate("5"), Candidate::Switch);
    bench.session.send_text("b");
    let expected = ["4a", "4b"].map(|text| Frame::Text(text.into()));
    assert_eq!(bench.frames(), expected);
    assert_eq!(bench.heard(), [text("x")]);
    assert_eq!(bench.session.on_text("4y", bench.now), Some(text("y")));
    assert_eq!(bench.poll(), Err(Refused::BadRequest));
}

#[test]
fn frames_wait_for_the_last_answer() {
    let mut bench = Bench::probed();
    bench.session.send_text("a");
    bench.poll().expect("the first");
    assert_eq!(bench.answer().as_deref(), Some("4a"));
    assert_eq!(bench.candidate("5"), Candidate::Switch);
    bench.session.send_text("b");
    assert_eq!(bench.frames(), []);
    bench.session.on_answer_taken();
    assert_eq!(bench.frames(), [Frame::Text("4b".into())]);
}

#[test]
fn a_poll_that_waits_at_the_switch_is_let_go_and_its_loss_is_none() {
    let mut bench = Bench::probed();
    bench.poll().expect("the first");
    bench.take();
    bench.poll().expect("another, too late");
    assert_eq!(bench.answer(), None);
    assert_eq!(bench.candidate("5"), Candidate::Switch);
    assert_eq!(bench.answer().as_deref(), Some("6"));
    bench.session.on_answer_lost();
    assert_eq!(bench.ending(), None);
    let mut bench = Bench::probed();
    bench.candidate("5");
    bench.session.on_poll_lost();
    assert_eq!(bench.ending(), None);
}

#[test]
fn packets_in_an_answer_that_is_lost_after_the_switch_end_the_session() {
    let mut bench = Bench::probed();
    bench.session.send_text("a");
    bench.poll().expect("the first");
    bench.answer();
    bench.candidate("5");
    bench.session.on_answer_lost();
    assert_eq!(bench.ending(), Some(Ending::BrokenOff));
}

#[test]
fn only_packet_5_of_a_probed_candidate_moves_the_session() {
    for said in [
        &["5"][..],
        &["4x"],
        &["2"],
        &["2probe", "2probe"],
        &["2probe", "4x"],
        &["x"],
    ] {
        let mut bench = Bench::polling();
        bench.session.on_candidate(bench.now);
        let last = said.iter().map(|text| bench.candidate(text)).last();
        assert_eq!(last, Some(Candidate::Drop), "{said:?}");
        assert!(!bench.session.has_candidate());
        assert_eq!(bench.candidate("5"), Candidate::Drop, "too late");
        bench.session.send_text("on");
        bench.poll().expect("it polls on");
        assert_eq!(bench.take(), "4on");
        assert_eq!(bench.heard(), []);
    }
}

/// Dropped after 101, dropped after `2probe`, or silent.
#[test]
fn a_candidate_that_fails_leaves_the_session_alone() {
    for (probes, waits) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut bench = Bench::polling();
        bench.session.on_candidate(bench.now);
        if probes {
            bench.candidate("2probe");
            bench.poll().expect("the first");
            assert_eq!(bench.take(), "6");
        }
        if waits {
            bench.pass(Duration::from_secs(10));
        } else {
            bench.session.on_candidate_gone();
        }
        assert!(!bench.session.has_candidate());
        bench.poll().expect("it polls on");
        assert_eq!(bench.answer(), None, "and waits");
        bench.session.send_text("on");
        assert_eq!(bench.take(), "4on");
        assert!(bench.session.on_candidate(bench.now), "a later attempt");
        bench.candidate("2probe");
        assert_eq!(bench.candidate("5"), Candidate::Switch);
    }
}

#[test]
fn a_client_whose_candidate_fell_silent_does_not_poll_in_a_circle() {
    let mut bench = Bench::probed();
    let mut noops = 0;
    let until = bench.now + Duration::from_secs(20);
    bench.poll().expect("the first");
    while bench.now < until {
        if bench.answer().is_some() {
            noops += 1;
            bench.session.on_answer_taken();
            bench.poll().expect("the next");
        } else {
            let at = bench.session.wake_at();
            bench.pass(at.saturating_duration_since(bench.now));
        }
    }
    assert_eq!(noops, 7, "at 0, 0.1, 0.3, 0.7, 1.5, 3.1 and 6.3 s");
}

#[test]
fn the_newest_candidate_stands_for_all() {
    let mut bench = Bench::probed();
    assert!(bench.session.on_candidate(bench.now));
    assert_eq!(
        bench.candidate("5"),
        Candidate::Drop,
        "the new one was not probed"
    );
}

#[test]
fn a_goodbye_survives_the_upgrade() {
    let mut bench = Bench::probed();
    bench.session.send_text("bye");
    bench.session.close();
    assert_eq!(bench.candidate("5"), Candidate::Switch);
    let expected = ["4bye", "1"].map(|text| Frame::Text(text.into()));
    assert_eq!(bench.frames(), expected);
    assert!(bench.session.all_taken());
}

#[test]
fn an_end_lets_the_poll_and_the_candidate_go() {
    let mut bench = Bench::polling();
    bench.session.on_candidate(bench.now);
    bench.poll().expect("the first");
    bench.session.end(Ending::ClosedHere);
    bench.session.end(Ending::PingTimeout);
    assert_eq!(bench.ending(), Some(Ending::ClosedHere));
    assert_eq!(bench.take(), "1");
    assert_eq!(bench.candidate("5"), Candidate::Drop);
    assert!(!bench.session.on_candidate(bench.now));
}
