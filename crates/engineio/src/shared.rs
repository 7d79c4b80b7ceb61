//! A session between the one task that it belongs to and the requests that come for it.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use parking_lot::Mutex;

use crate::ending::Ending;
use crate::refused::Refused;
use crate::session::Session;

/// A session that several hold. `W` is the WebSocket of the glue.
#[derive(Debug)]
pub struct SharedSession<W> {
    inner: Mutex<Inner<W>>,
}

#[derive(Debug)]
struct Inner<W> {
    session: Session,
    /// A WebSocket that was opened to take over, until the task takes it.
    candidate: Option<Box<W>>,
    task: Option<Waker>,
    poll: Option<Waker>,
}

impl<W> SharedSession<W> {
    /// Shares a session.
    pub fn new(session: Session) -> Arc<Self> {
        let inner = Inner {
            session,
            candidate: None,
            task: None,
            poll: None,
        };
        Arc::new(Self {
            inner: Mutex::new(inner),
        })
    }

    /// What the task does with its session. A poll that can be answered after it is woken.
    pub fn by_task<R>(&self, act: impl FnOnce(&mut Session) -> R) -> R {
        let mut inner = self.inner.lock();
        let result = act(&mut inner.session);
        let poll = if inner.session.has_answer() {
            inner.poll.take()
        } else {
            None
        };
        drop(inner);
        wake([poll]);
        result
    }

    /// What a request does with the session. The task is woken, and a poll that waits.
    fn by_request<R>(&self, act: impl FnOnce(&mut Inner<W>) -> R) -> R {
        let mut inner = self.inner.lock();
        let result = act(&mut inner);
        let wakers = [inner.task.take(), inner.poll.take()];
        drop(inner);
        wake(wakers);
        result
    }

    /// Whom to wake when a request changed something.
    pub fn register(&self, task: &Waker) {
        let mut inner = self.inner.lock();
        match &mut inner.task {
            Some(waker) => waker.clone_from(task),
            None => inner.task = Some(task.clone()),
        }
    }

    /// A WebSocket was opened to take over. The task gets the newest.
    pub fn arrive(&self, candidate: W) {
        let former = self.by_request(|inner| inner.candidate.replace(Box::new(candidate)));
        drop(former);
    }

    /// The WebSocket that arrived.
    pub fn take_arrived(&self) -> Option<Box<W>> {
        self.inner.lock().candidate.take()
    }

    /// The poll that opened the session.
    pub fn opening(self: &Arc<Self>) -> OpenPoll<W> {
        OpenPoll {
            session: Some(self.clone()),
        }
    }

    /// A GET came.
    ///
    /// # Errors
    /// See [`Session::on_poll`].
    pub fn poll(self: &Arc<Self>, now: Instant) -> Result<OpenPoll<W>, Refused> {
        self.by_request(|inner| inner.session.on_poll(now))?;
        Ok(self.opening())
    }

    /// A POST came.
    ///
    /// # Errors
    /// See [`Session::on_post`].
    pub fn post(self: &Arc<Self>, now: Instant) -> Result<OpenPost<W>, Refused> {
        self.by_request(|inner| inner.session.on_post(now))?;
        Ok(OpenPost {
            session: Some(self.clone()),
        })
    }
}

fn wake(wakers: impl IntoIterator<Item = Option<Waker>>) {
    for waker in wakers.into_iter().flatten() {
        waker.wake();
    }
}

/// A GET that waits. Dropped without an answer, it was given up by its client.
#[derive(Debug)]
pub struct OpenPoll<W> {
    session: Option<Arc<SharedSession<W>>>,
}

impl<W> OpenPoll<W> {
    /// Ready once there is something to say. It is not asked again after that.
    pub fn poll_answer(&mut self, cx: &Context<'_>, now: Instant) -> Poll<Answer<W>> {
        let Some(session) = self.session.take() else {
            return Poll::Pending;
        };
        let mut inner = session.inner.lock();
        match inner.session.answer(now) {
            Some(payload) => {
                let task = inner.task.take();
                drop(inner);
                wake([task]);
                Poll::Ready(Answer {
                    payload,
                    session: Some(session),
                })
            }
            None => {
                inner.poll = Some(cx.waker().clone());
                drop(inner);
                self.session = Some(session);
                Poll::Pending
            }
        }
    }
}

impl<W> Drop for OpenPoll<W> {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            session.by_request(|inner| inner.session.on_poll_lost());
        }
    }
}

/// The answer to a GET. Dropped before it was [`taken`](Self::taken), it is lost, and the session with it.
#[derive(Debug)]
pub struct Answer<W> {
    payload: String,
    session: Option<Arc<SharedSession<W>>>,
}

impl<W> Answer<W> {
    /// The body of the response.
    pub fn payload(&self) -> &str {
        &self.payload
    }

    /// Whatever sends it has it.
    pub fn taken(mut self) {
        if let Some(session) = self.session.take() {
            session.by_request(|inner| inner.session.on_answer_taken());
        }
    }
}

impl<W> Drop for Answer<W> {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            session.by_request(|inner| inner.session.on_answer_lost());
        }
    }
}

/// A POST whose body is being read. Dropped before that, it broke off.
#[derive(Debug)]
pub struct OpenPost<W> {
    session: Option<Arc<SharedSession<W>>>,
}

impl<W> OpenPost<W> {
    /// Its body is there.
    ///
    /// # Errors
    /// See [`Session::on_body`].
    pub fn body(mut self, body: &[u8], now: Instant) -> Result<(), Refused> {
        let Some(session) = self.session.take() else {
            return Ok(());
        };
        session.by_request(|inner| inner.session.on_body(body, now))
    }

    /// Its body is larger than it may be.
    pub fn too_large(mut self) {
        if let Some(session) = self.session.take() {
            session.by_request(|inner| inner.session.on_post_lost(Ending::TooMuch));
        }
    }
}

impl<W> Drop for OpenPost<W> {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            session.by_request(|inner| inner.session.on_post_lost(Ending::BrokenOff));
        }
    }
}
