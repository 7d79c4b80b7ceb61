//! The only way out of a node and into it. Shut, the node is frozen; shut for ever, it is dead.
//!
//! A process that is stopped or killed is noticed by nothing but what it no longer says, so it is enough to hold up all
//! that it says and hears: its bus and its directory. What its node's tasks compute meanwhile, nobody learns before the
//! gate opens, and then its clock has moved on without it, as a frozen process finds it. Its connections, which own its
//! sockets, are not polled at all ([`Gate::within`]).

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// A node's gate, or a server's. Those who wait go on in the order they came (a `watch` channel would draw lots).
pub(crate) struct Gate {
    state: Mutex<State>,
    opened: Notify,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Shut,
    /// Shut for ever.
    Gone,
}

impl Gate {
    pub(crate) fn open() -> Self {
        Self {
            state: Mutex::new(State::Open),
            opened: Notify::new(),
        }
    }

    /// Waits while it is shut; for ever if it always will be. Cancel safe.
    pub(crate) async fn pass(&self) {
        while !self.is_open() {
            // Nothing else runs between the look and the wait: all of this is one thread.
            self.opened.notified().await;
        }
    }

    /// Does something, as a process does that this gate can stop: while it is shut nothing is done at all, and whatever
    /// comes meanwhile is there at once when it opens.
    pub(crate) async fn within<F: Future>(&self, work: F) -> F::Output {
        let mut work = pin!(work);
        loop {
            self.pass().await;
            let done = poll_fn(|cx| match self.is_open() {
                true => work.as_mut().poll(cx).map(Some),
                false => Poll::Ready(None),
            });
            if let Some(output) = done.await {
                return output;
            }
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        *self.state.lock() == State::Open
    }

    pub(crate) fn is_gone(&self) -> bool {
        *self.state.lock() == State::Gone
    }

    pub(crate) fn shut(&self) {
        self.turn(State::Shut);
    }

    pub(crate) fn reopen(&self) {
        self.turn(State::Open);
        if self.is_open() {
            self.opened.notify_waiters();
        }
    }

    pub(crate) fn shut_for_ever(&self) {
        self.turn(State::Gone);
    }

    fn turn(&self, to: State) {
        let mut state = self.state.lock();
        if *state != State::Gone {
            *state = to;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::mpsc;
    use tokio::time::{Duration, sleep, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_came_while_it_was_shut_is_there_when_it_opens() {
        let gate = Arc::new(Gate::open());
        let (say, mut said) = mpsc::unbounded_channel();
        let (echo, mut echoed) = mpsc::unbounded_channel();
        let within = gate.clone();
        tokio::spawn(async move {
            let work = async move {
                while let Some(word) = said.recv().await {
                    echo.send(word).expect("somebody listens");
                }
            };
            within.within(work).await;
        });
        say.send(1).expect("it runs");
        assert_eq!(echoed.recv().await, Some(1));
        gate.shut();
        say.send(2).expect("it is there");
        let waiting = timeout(Duration::from_secs(60), echoed.recv()).await;
        waiting.expect_err("it is frozen");
        say.send(3).expect("it is there");
        gate.reopen();
        assert_eq!(
            (echoed.recv().await, echoed.recv().await),
            (Some(2), Some(3))
        );
        gate.shut_for_ever();
        say.send(4).expect("it is there");
        gate.reopen();
        sleep(Duration::from_secs(1)).await;
        echoed.try_recv().expect_err("it is dead");
    }
}
