//! The answer to a poll, and when it counts as taken.
//!
//! hyper is given the packets as one piece that says when it is dropped. hyper keeps such a piece until the kernel has
//! taken all of it. If the connection breaks before that, hyper drops the connection and then the piece, which is lost.

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

use super::{OpenedSocket, plain};
use crate::doors::Visit;

/// Waits until there is something to say to the client that polls.
pub(super) async fn answer(
    mut poll: OpenPoll<OpenedSocket>,
    over: Option<&Arc<Visit>>,
) -> Response {
    let answer = poll_fn(|cx| poll.poll_answer(cx, Instant::now())).await;
    let packets = Packets::new(answer, over.cloned());
    plain(StatusCode::OK, Body::new(packets)).into_response()
}

/// A body of one piece.
struct Packets {
    piece: Option<Bytes>,
    given: Arc<AtomicBool>,
}

impl Packets {
    fn new(answer: Answer<OpenedSocket>, over: Option<Arc<Visit>>) -> Self {
        let given = Arc::new(AtomicBool::new(false));
        let piece = Piece {
            answer: Some(answer),
            given: given.clone(),
            over,
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
    answer: Option<Answer<OpenedSocket>>,
    /// They were given to hyper. If not, they are lost with the response.
    given: Arc<AtomicBool>,
    /// The connection that they go over.
    over: Option<Arc<Visit>>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        let answer = self.answer.as_ref();
        answer.map_or(&[], |answer| answer.payload().as_bytes())
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let is_written = self.given.load(Ordering::Relaxed)
            && self.over.as_ref().is_none_or(|over| !over.has_left());
        if is_written && let Some(answer) = self.answer.take() {
            answer.taken();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use axum::http::Request;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use switchboard_engineio::{Ending, Sessions, Settings, SharedSession, Transport};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpSocket, TcpStream};

    use super::*;
    use crate::doors::{Doors, Passage};
    use crate::metrics::Metrics;

    const PATIENCE: Duration = Duration::from_secs(60);
    /// More than the kernel takes for the connections here.
    const TEXT_BYTES: usize = 900_000;

    /// A client whose poll is answered with a long text over a connection that takes little at once, and its session.
    async fn poll_for_a_long_text() -> (TcpStream, Arc<SharedSession<OpenedSocket>>) {
        let (near, far) = narrow().await;
        let sessions = Sessions::new(Settings::default());
        let (_, session) = sessions.open(Transport::Polling, Instant::now());
        session.by_task(|session| session.send_text(&"x".repeat(TEXT_BYTES)));
        let visit =
            Doors::new(10, Metrics::new().shed_counters()).enter(Ipv4Addr::LOCALHOST.into());
        let passage = Passage::new(near, visit.clone(), PATIENCE);
        let asked = session.clone();
        let service = service_fn(move |_: Request<hyper::body::Incoming>| {
            let (poll, visit) = (asked.opening(), visit.clone());
            async move { Ok::<_, Infallible>(answer(poll, Some(&visit)).await) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(passage), service));
        let mut client = far;
        let request = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n";
        client.write_all(request).await.expect("hyper reads");
        client.read_exact(&mut [0; 100]).await.expect("it answers");
        (client, session)
    }

    /// Both ends of a TCP connection with small buffers.
    async fn narrow() -> (TcpStream, TcpStream) {
        let socket = || {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.set_send_buffer_size(4096).expect("a small buffer");
            socket.set_recv_buffer_size(4096).expect("a small buffer");
            socket
        };
        let listening = socket();
        let any = (Ipv4Addr::LOCALHOST, 0).into();
        listening.bind(any).expect("a free port");
        let listener = listening.listen(1).expect("it listens");
        let address = listener.local_addr().expect("an address");
        let (near, far) = tokio::join!(listener.accept(), socket().connect(address));
        (near.expect("accepted").0, far.expect("connected"))
    }

    fn is_written(session: &SharedSession<OpenedSocket>) -> bool {
        session.by_task(|session| session.all_taken())
    }

    #[tokio::test]
    async fn an_answer_is_taken_when_the_kernel_has_all_of_it() {
        let (mut client, session) = poll_for_a_long_text().await;
        assert!(!is_written(&session), "hyper has it, the kernel a part");
        let mut read = 0;
        while !is_written(&session) {
            read += client.read(&mut [0; 10_000]).await.expect("more of it");
        }
        assert!(read > TEXT_BYTES / 2, "{read} bytes");
        assert_eq!(session.by_task(|session| session.ending()), None);
    }

    #[tokio::test]
    async fn an_answer_is_lost_with_its_connection() {
        let (client, session) = poll_for_a_long_text().await;
        drop(client);
        let ended = async {
            while session.by_task(|session| session.ending()).is_none() {
                tokio::task::yield_now().await;
            }
        };
        let ended = tokio::time::timeout(PATIENCE, ended).await;
        ended.expect("the session ends");
        let ending = session.by_task(|session| session.ending());
        assert_eq!(ending, Some(Ending::BrokenOff));
    }
}
