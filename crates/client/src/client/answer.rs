//! Where the answer to a request goes. Nobody may be waiting any more.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use switchboard_protocol::server_message::Joined;
use tokio::sync::oneshot;

use crate::session::{Ask, Outcomes, Reply, RequestError};

/// Who waits for the answer to a command.
pub(super) enum Waiter {
    Joined(Sender<Joined>),
    Done(Sender<()>),
    Signal(Sender<Outcomes>),
}

pub(super) type Sender<T> = oneshot::Sender<Result<T, RequestError>>;

/// All who wait, by what they asked under.
#[derive(Default)]
pub(super) struct Waiters {
    waiting: HashMap<Ask, Waiter>,
    last: u64,
}

impl Waiters {
    pub(super) fn add(&mut self, waiter: Waiter) -> Ask {
        self.last += 1;
        let ask = Ask(self.last);
        self.waiting.insert(ask, waiter);
        ask
    }

    pub(super) fn answer(&mut self, ask: Ask, reply: Reply) {
        match (self.waiting.remove(&ask), reply) {
            (Some(Waiter::Joined(waiter)), Reply::Joined(joined)) => drop(waiter.send(joined)),
            (Some(Waiter::Done(waiter)), Reply::Done(done)) => drop(waiter.send(done)),
            (Some(Waiter::Signal(waiter)), Reply::Signal(outcomes)) => drop(waiter.send(outcomes)),
            // A reply fits its command.
            _ => {}
        }
    }
}

/// What a signal on its way will have come to; see [`Client::queue_signal`](super::Client::queue_signal).
#[derive(Debug)]
pub struct Answer(pub(super) oneshot::Receiver<Result<Outcomes, RequestError>>);

impl Future for Answer {
    type Output = Result<Outcomes, RequestError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(answer.unwrap_or(Err(RequestError::Over)))
    }
}
