//! A connection between a client and a gateway, in memory: two directions with a kernel's buffer in each, which can be cut
//! at any moment, so that some of what was written still arrives and neither end need notice soon.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use switchboard_dialects::Frame;
use tokio::time::{Duration, Instant, Sleep, sleep_until};

/// What a direction takes before its reader has read, bytes; small, so that slow readers are felt.
const BUFFER_BYTES: usize = 16 * 1024;
/// What a frame weighs beside its payload.
const FRAME_BYTES: usize = 8;

/// Why a frame was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The buffer is full; a part of it may be in.
    Full,
    /// The other end is gone.
    Gone,
}

/// One end of a connection. Dropped, it closes.
pub(crate) struct End {
    out: Arc<Direction>,
    inn: Arc<Direction>,
}

/// Both directions, for whoever cuts them.
#[derive(Clone)]
pub(crate) struct Cable {
    up: Arc<Direction>,
    down: Arc<Direction>,
}

struct Direction {
    state: Mutex<State>,
    latency: Duration,
}

#[derive(Default)]
struct State {
    frames: VecDeque<(Instant, Frame)>,
    bytes: usize,
    /// What was sent and is not in the buffer yet.
    unsent: VecDeque<Frame>,
    /// After what is on the way, nothing comes.
    closed: bool,
    /// The writer learns that nobody reads.
    broken: bool,
    /// What is written from now on goes nowhere.
    cut: bool,
    /// The reader of this direction takes nothing.
    paused: bool,
    /// Who waits for something to read.
    reader: Option<Waker>,
    /// Who waits for room.
    writer: Option<Waker>,
}

/// A connection: the client's end, the gateway's, and the cable.
pub(crate) fn connect(latency: Duration) -> (End, End, Cable) {
    let direction = || {
        Arc::new(Direction {
            state: Mutex::default(),
            latency,
        })
    };
    let (up, down) = (direction(), direction());
    let client = End {
        out: up.clone(),
        inn: down.clone(),
    };
    let gateway = End {
        out: down.clone(),
        inn: up.clone(),
    };
    (client, gateway, Cable { up, down })
}

impl End {
    /// Hands a frame to the kernel.
    pub(crate) fn write(&self, frame: Frame) -> Result<(), Refused> {
        let mut state = self.out.state.lock();
        if state.broken || state.closed {
            return Err(Refused::Gone);
        }
        let bytes = weight(&frame);
        if state.is_full_for(bytes) {
            return Err(Refused::Full);
        }
        self.out.take(&mut state, frame);
        Ok(())
    }

    /// Sends a frame as a browser does: what the kernel does not take yet waits on this side, and goes in its turn. That
    /// nobody reads any more is noticed by reading.
    pub(crate) fn send(&self, frame: Frame) {
        let mut state = self.out.state.lock();
        if state.broken || state.closed {
            return;
        }
        state.unsent.push_back(frame);
        self.out.take_unsent(&mut state);
    }

    /// Ready: it is worth writing again. Pending: the task is woken then.
    pub(crate) fn poll_writable(&self, bytes: usize, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.out.state.lock();
        if state.is_full_for(bytes) && !state.broken && !state.closed {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// The next frame; `None` when the connection is over.
    pub(crate) async fn read(&self) -> Option<Frame> {
        let mut timer = None;
        poll_fn(|cx| self.poll_read(&mut timer, cx)).await
    }

    /// The same. `timer` is the reader's own.
    pub(crate) fn poll_read(
        &self,
        timer: &mut Option<Pin<Box<Sleep>>>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Frame>> {
        loop {
            let mut state = self.inn.state.lock();
            state.reader = Some(cx.waker().clone());
            let at = match state.frames.front() {
                _ if state.paused => return Poll::Pending,
                Some((at, _)) => *at,
                None if state.closed => return Poll::Ready(None),
                None => return Poll::Pending,
            };
            if at <= Instant::now()
                && let Some((_, frame)) = state.frames.pop_front()
            {
                state.bytes -= weight(&frame);
                self.inn.take_unsent(&mut state);
                wake(&mut state.writer);
                return Poll::Ready(Some(frame));
            }
            drop(state);
            let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
            if timer.deadline() != at {
                timer.as_mut().reset(at);
            }
            std::task::ready!(timer.as_mut().poll(cx));
        }
    }

    /// No more reading for now, as a client whose thread hangs.
    pub(crate) fn pause(&self, paused: bool) {
        let mut state = self.inn.state.lock();
        state.paused = paused;
        wake(&mut state.reader);
    }
}

impl Drop for End {
    fn drop(&mut self) {
        // Over a cut cable nobody hears of it.
        if !self.out.is_cut() {
            self.out.close();
        }
        if !self.inn.is_cut() {
            self.inn.break_off();
        }
    }
}

impl Cable {
    /// Cuts both directions: of what is on its way, the first so many frames still arrive. False: it was cut, or over.
    pub(crate) fn cut(&self, up_arrive: usize, down_arrive: usize) -> bool {
        let up = self.up.cut(up_arrive);
        let down = self.down.cut(down_arrive);
        up || down
    }

    /// The client's end learns that the connection is gone.
    pub(crate) fn tell_client(&self) {
        self.down.close();
        self.up.break_off();
    }

    /// The gateway's end learns it.
    pub(crate) fn tell_gateway(&self) {
        self.up.close();
        self.down.break_off();
    }
}

impl Direction {
    fn cut(&self, arrive: usize) -> bool {
        let mut state = self.state.lock();
        if state.cut || state.closed || state.broken {
            return false;
        }
        state.cut = true;
        let kept = state.frames.len().min(arrive);
        state.frames.truncate(kept);
        true
    }

    /// Puts a frame into the buffer.
    fn take(&self, state: &mut State, frame: Frame) {
        state.bytes += weight(&frame);
        if state.cut {
            return;
        }
        state
            .frames
            .push_back((Instant::now() + self.latency, frame));
        wake(&mut state.reader);
    }

    /// Takes of what waits to be sent as much as there is room for.
    fn take_unsent(&self, state: &mut State) {
        while let Some(frame) = state.unsent.front()
            && !state.is_full_for(weight(frame))
            && let Some(frame) = state.unsent.pop_front()
        {
            self.take(state, frame);
        }
    }

    fn is_cut(&self) -> bool {
        self.state.lock().cut
    }

    fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.unsent.clear();
        wake(&mut state.reader);
    }

    fn break_off(&self) {
        let mut state = self.state.lock();
        state.broken = true;
        state.unsent.clear();
        wake(&mut state.writer);
    }
}

impl State {
    fn is_full_for(&self, bytes: usize) -> bool {
        self.bytes > 0 && self.bytes + bytes > BUFFER_BYTES
    }
}

fn wake(waiting: &mut Option<Waker>) {
    if let Some(waker) = waiting.take() {
        waker.wake();
    }
}

/// What a frame takes of a buffer.
pub(crate) fn weight(frame: &Frame) -> usize {
    FRAME_BYTES + frame.len()
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    const SHORT: Duration = Duration::from_millis(5);

    fn text(text: &'static str) -> Frame {
        Frame::Text(text.into())
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_written_before_the_end_arrives() {
        let (client, gateway, _cable) = connect(SHORT);
        client.write(text("one")).expect("room");
        drop(client);
        assert_eq!(gateway.read().await, Some(text("one")));
        assert_eq!(gateway.read().await, None);
        assert_eq!(gateway.write(text("two")), Err(Refused::Gone));
    }

    #[tokio::test(start_paused = true)]
    async fn over_a_cut_cable_some_arrives_and_nobody_notices() {
        let (client, gateway, cable) = connect(SHORT);
        for word in ["one", "two", "three"] {
            client.write(text(word)).expect("room");
        }
        cable.cut(2, 0);
        drop(client);
        assert_eq!(gateway.read().await, Some(text("one")));
        assert_eq!(gateway.read().await, Some(text("two")));
        timeout(Duration::from_secs(60), gateway.read())
            .await
            .expect_err("nothing comes, not even the end");
        assert_eq!(gateway.write(text("still")), Ok(()));
        cable.tell_gateway();
        assert_eq!(gateway.read().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_kernel_has_no_room_for_goes_in_its_turn() {
        let (client, gateway, _cable) = connect(SHORT);
        let large = || Frame::Text("x".repeat(BUFFER_BYTES / 2).into());
        for frame in [large(), large(), text("last")] {
            client.send(frame);
        }
        for frame in [large(), large(), text("last")] {
            assert_eq!(gateway.read().await, Some(frame));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_kernel_had_no_room_for_is_lost_with_its_sender() {
        let (client, gateway, _cable) = connect(SHORT);
        let large = || Frame::Text("x".repeat(BUFFER_BYTES / 2).into());
        client.send(large());
        client.send(large());
        drop(client);
        assert_eq!(gateway.read().await, Some(large()));
        assert_eq!(gateway.read().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_rests_fills_the_kernel() {
        let (client, gateway, _cable) = connect(SHORT);
        client.pause(true);
        let frame = || Frame::Text("x".repeat(BUFFER_BYTES / 2).into());
        gateway.write(frame()).expect("room");
        assert_eq!(gateway.write(frame()), Err(Refused::Full));
        client.pause(false);
        client.read().await.expect("it reads on");
        poll_fn(|cx| gateway.poll_writable(weight(&frame()), cx)).await;
        assert_eq!(gateway.write(frame()), Ok(()));
    }
}
