use switchboard_dialects::native::Native;
use switchboard_protocol::{CloseCode, Codec};

use super::*;

/// A client that reads nothing. Its transport takes a few frames and keeps them.
struct Deaf {
    takes: usize,
    bytes: usize,
}

impl Deaf {
    fn taking(takes: usize) -> Self {
        Self { takes, bytes: 0 }
    }
}

impl Transport for Deaf {
    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<Result<Frame, Ended>> {
        Poll::Pending
    }

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        match self.takes {
            0 => Poll::Pending,
            _ => Poll::Ready(Ok(())),
        }
    }

    fn start_send(&mut self, frame: Frame) -> Result<(), Gone> {
        self.takes -= 1;
        self.bytes += frame.len();
        Ok(())
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        Poll::Pending
    }

    fn unwritten(&self) -> usize {
        self.bytes
    }
}

/// A client that has said something, and then nothing.
struct Talking(VecDeque<Frame>);

impl Transport for Talking {
    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<Result<Frame, Ended>> {
        match self.0.pop_front() {
            Some(said) => Poll::Ready(Ok(said)),
            None => Poll::Pending,
        }
    }

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(&mut self, _: Frame) -> Result<(), Gone> {
        Ok(())
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        Poll::Ready(Ok(()))
    }

    fn unwritten(&self) -> usize {
        0
    }
}

#[test]
fn that_a_client_is_gone_is_noticed_ahead_and_nothing_that_it_said_is_lost() {
    let said = [frame(3), Frame::Close(None)];
    let mut wire = Wire::new(Box::new(Talking(said.into())));
    let mut cx = Context::from_waker(std::task::Waker::noop());
    for _ in 0..2 {
        assert!(wire.poll_over(&mut cx).is_pending());
    }
    let read = |wire: &mut Wire, cx: &mut Context<'_>| wire.poll_read(cx).map(Result::ok);
    assert_eq!(read(&mut wire, &mut cx), Poll::Ready(Some(frame(3))));
    for _ in 0..2 {
        assert!(wire.poll_over(&mut cx).is_ready());
    }
    let goodbye = Poll::Ready(Some(Frame::Close(None)));
    assert_eq!(read(&mut wire, &mut cx), goodbye);
}

fn frame(bytes: usize) -> Frame {
    Frame::Text("x".repeat(bytes).into())
}

#[test]
fn what_a_dialect_says_by_itself_counts_and_closes_a_client_that_does_not_read() {
    let (mut wire, mailbox) = (Wire::new(Box::new(Deaf::taking(0))), Mailbox::new(10_000));
    for _ in 0..10 {
        wire.answer(frame(1000), &mailbox);
    }
    assert_eq!(mailbox.bytes(), 10_000);
    assert!(mailbox.closing().is_none());
    wire.answer(frame(1000), &mailbox);
    wire.answer(frame(1000), &mailbox);
    let closing = mailbox.closing().expect("it is closed");
    assert_eq!(closing.code, CloseCode::SlowConsumer);
    assert!(closing.reason.contains("limits.outbox_bytes"));
}

#[test]
fn frames_and_messages_that_wait_count_together_and_so_does_what_the_socket_has() {
    let (mut wire, mailbox) = (Wire::new(Box::new(Deaf::taking(1))), Mailbox::new(10_000));
    let mut dialect = Native::new(Codec::Json);
    for _ in 0..9 {
        wire.answer(frame(1000), &mailbox);
    }
    let mut cx = Context::from_waker(std::task::Waker::noop());
    assert!(
        wire.poll_write(&mailbox, &mut dialect, &|_| (), &mut cx)
            .is_pending()
    );
    assert_eq!(mailbox.bytes(), 9000, "one is in the socket");
    let pong = || switchboard_protocol::server_message::Pong { re: None };
    assert!(mailbox.push_weighing(pong().into(), 2000).is_ok());
    assert!(mailbox.push_weighing(pong().into(), 2000).is_err());
    let closing = mailbox.closing().expect("it is closed");
    assert_eq!(closing.code, CloseCode::SlowConsumer);
}

#[test]
fn one_frame_may_be_larger_than_all_that_may_wait() {
    let (mut wire, mailbox) = (Wire::new(Box::new(Deaf::taking(0))), Mailbox::new(1000));
    wire.answer(frame(5000), &mailbox);
    assert!(mailbox.closing().is_none());
    assert_eq!(mailbox.bytes(), 5000);
}
