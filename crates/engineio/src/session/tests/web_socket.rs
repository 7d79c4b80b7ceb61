//! A session on a WebSocket.

use super::*;

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
