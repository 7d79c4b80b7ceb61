//! Pings in time.

use super::*;

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
