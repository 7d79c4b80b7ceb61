//! The answer to a poll, and when it counts as taken.
//!
//! hyper is given the packets as one piece that says when it is dropped. hyper keeps such a piece until the kernel has
//! taken all of it, so that is when what it holds is with the kernel. If the connection breaks in between, hyper drops it
//! as well: then the client was lost in the moment in which it was written to, as it can be on any socket.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use switchboard_engineio::{Answer, OpenPoll};

use super::{Arrival, plain};

/// Waits until there is something to say to the client that polls.
pub(super) async fn answer(mut poll: OpenPoll<Arrival>) -> Response {
    let answer = poll_fn(|cx| poll.poll_answer(cx, Instant::now())).await;
    plain(StatusCode::OK, Body::new(Packets::new(answer))).into_response()
}

/// A body of one piece.
struct Packets {
    piece: Option<Bytes>,
    given: Arc<AtomicBool>,
}

impl Packets {
    fn new(answer: Answer<Arrival>) -> Self {
        let given = Arc::new(AtomicBool::new(false));
        let piece = Piece {
            answer: Some(answer),
            given: given.clone(),
        };
        Self {
            piece: Some(Bytes::from_owner(piece)),
            given,
        }
    }
}

impl HttpBody for Packets {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let piece = self.piece.take();
        self.given.store(true, Ordering::Relaxed);
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.piece.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.piece.as_ref().map_or(0, |piece| piece.len() as u64))
    }
}

/// The bytes, wherever they are now.
struct Piece {
    answer: Option<Answer<Arrival>>,
    /// They were given to hyper. If not, they are lost with the response.
    given: Arc<AtomicBool>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        let answer = self.answer.as_ref();
        answer.map_or(&[], |answer| answer.payload().as_bytes())
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if self.given.load(Ordering::Relaxed)
            && let Some(answer) = self.answer.take()
        {
            answer.taken();
        }
    }
}
