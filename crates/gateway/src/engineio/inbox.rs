//! What a client said and its session has not read yet.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use axum::extract::ws::{Message, Utf8Bytes};
use bytes::Bytes;
use engineioxide::Str;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;

/// More than a session that runs leaves unread: one that is over it is a flood.
const MESSAGES_MAX: usize = 1024;
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// A bounded queue, filled by the library and emptied by the session's task.
#[derive(Default)]
pub(crate) struct Inbox {
    queue: Mutex<Queue>,
    waker: AtomicWaker,
}

#[derive(Default)]
struct Queue {
    messages: VecDeque<Message>,
    bytes: usize,
    has_ended: bool,
}

impl Inbox {
    /// False: there is no room.
    pub(super) fn text(&self, text: Str) -> bool {
        let text = Utf8Bytes::try_from(Bytes::from(text)).expect("the library read it as text");
        self.push(text.len(), Message::Text(text))
    }

    /// False: there is no room.
    pub(super) fn binary(&self, bytes: Bytes) -> bool {
        self.push(bytes.len(), Message::Binary(bytes))
    }

    fn push(&self, bytes: usize, message: Message) -> bool {
        let mut queue = self.queue.lock();
        queue.bytes += bytes;
        queue.messages.push_back(message);
        let fits = queue.bytes <= BYTES_MAX && queue.messages.len() <= MESSAGES_MAX;
        drop(queue);
        self.waker.wake();
        fits
    }

    /// Nothing more will come.
    pub(super) fn end(&self) {
        self.queue.lock().has_ended = true;
        self.waker.wake();
    }

    /// The oldest message; `None` after the last.
    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        self.waker.register(cx.waker());
        let mut queue = self.queue.lock();
        match queue.messages.pop_front() {
            Some(message) => {
                queue.bytes -= bytes(&message);
                Poll::Ready(Some(message))
            }
            None if queue.has_ended => Poll::Ready(None),
            None => {
                queue.messages.shrink_to(0);
                Poll::Pending
            }
        }
    }
}

fn bytes(message: &Message) -> usize {
    match message {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) => bytes.len(),
        _ => 0,
    }
}
