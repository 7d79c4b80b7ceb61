//! The body of a request, which has to be there in time.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::HttpBody;
use bytes::Bytes;
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::Visit;

/// A body that fails when it is not complete by its deadline, however little by little it comes.
pub(crate) struct TimedBody {
    body: Incoming,
    visit: Arc<Visit>,
    deadline: Instant,
    /// Once it had to be waited for.
    timer: Option<Pin<Box<Sleep>>>,
}

/// It took too long.
#[derive(Debug, thiserror::Error)]
#[error("the body of the request did not come in time")]
pub(crate) struct TooSlow;

impl TooSlow {
    /// Whether this is why a body could not be read.
    pub(crate) fn is_in(error: &(dyn Error + 'static)) -> bool {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if error.is::<Self>() {
                return true;
            }
            cause = error.source();
        }
        false
    }
}

impl TimedBody {
    pub(crate) fn new(body: Incoming, visit: Arc<Visit>, time: Duration) -> Self {
        Self {
            body,
            visit,
            deadline: Instant::now() + time,
            timer: None,
        }
    }
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
            let deadline = self.deadline;
            let timer = self
                .timer
                .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            let is_late = timer.as_mut().poll(cx);
            return is_late.map(|()| Some(Err(axum::Error::new(TooSlow))));
        };
        if frame.is_none() || self.body.is_end_stream() {
            self.visit.asked_all();
        }
        Poll::Ready(frame.map(|frame| frame.map_err(axum::Error::new)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
