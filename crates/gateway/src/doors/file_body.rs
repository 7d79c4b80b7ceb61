//! Answers that are read from a file while they are sent: that file counts, too.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use super::{Doors, Visit};
use crate::metrics::Shed;

/// Around whatever answers with files of a folder.
pub(crate) async fn count_file(request: Request, next: Next) -> Response {
    let visit = request.extensions().get::<Arc<Visit>>().cloned();
    let file = visit
        .filter(|_| request.method() != Method::HEAD)
        .map(|visit| CountedFile::open(&visit.doors));
    let response = next.run(request).await;
    if response.body().is_end_stream() {
        return response;
    }
    response.map(|body| Body::new(FileBody { body, _file: file }))
}

/// A file that a listener has open beside its connections.
struct CountedFile(Arc<Doors>);

impl CountedFile {
    fn open(doors: &Arc<Doors>) -> Self {
        let one_too_many = doors.inside.lock().one_more_file(doors.most);
        doors.cut_off(one_too_many, Shed::Http);
        Self(doors.clone())
    }
}

impl Drop for CountedFile {
    fn drop(&mut self) {
        self.0.inside.lock().files -= 1;
    }
}

/// The body of an answer, and the file that it is read from.
struct FileBody {
    body: Body,
    _file: Option<CountedFile>,
}

impl HttpBody for FileBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
