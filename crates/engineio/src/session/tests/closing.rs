//! How a session ends.

use super::*;

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
