//! From polling to a WebSocket.

use super::*;

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
