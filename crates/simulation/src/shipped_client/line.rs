//! One connection of the shipped client.

use std::collections::VecDeque;
use std::sync::Arc;

use switchboard_client::session::ConnectionId;
use switchboard_dialects::Frame;
use switchboard_protocol::{ClientMessage, Codec};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::socket::{End, Refused};
use crate::trace::ConnectionNo;
use crate::world::Dialled;

/// What happens to a connection.
pub(super) enum Arrival {
    /// `None`: nobody answered.
    Dialled(ConnectionId, Option<Dialled>),
    Frame(ConnectionId, Frame),
    Over(ConnectionId),
}

pub(super) struct Line {
    pub(super) no: ConnectionNo,
    pub(super) socket: Arc<End>,
    pub(super) opened_at: Instant,
    pub(super) is_welcomed: bool,
    reader: AbortHandle,
    waiting: VecDeque<Frame>,
}

impl Line {
    pub(super) fn new(id: ConnectionId, dialled: Dialled, arrivals: mpsc::Sender<Arrival>) -> Self {
        let socket = Arc::new(dialled.socket);
        let end = socket.clone();
        let reading = async move {
            while let Some(frame) = end.read().await {
                if arrivals.send(Arrival::Frame(id, frame)).await.is_err() {
                    return;
                }
            }
            let _ = arrivals.send(Arrival::Over(id)).await;
        };
        Self {
            no: dialled.connection,
            socket,
            opened_at: Instant::now(),
            is_welcomed: false,
            reader: tokio::spawn(reading).abort_handle(),
            waiting: VecDeque::new(),
        }
    }

    pub(super) fn say(&mut self, message: &ClientMessage<'_>) {
        let mut json = Vec::new();
        Codec::Json
            .encode_client(message, &mut json)
            .expect("what a client says can be written");
        let json = String::from_utf8(json).expect("JSON is UTF-8");
        self.waiting.push_back(Frame::Text(json.into()));
        self.write();
    }

    pub(super) fn pong(&mut self) {
        self.waiting.push_back(Frame::Pong);
        self.write();
    }

    /// What the kernel does not take now is tried again with the next word.
    pub(super) fn write(&mut self) {
        while let Some(frame) = self.waiting.front() {
            match self.socket.write(frame.clone()) {
                Err(Refused::Full) => return,
                // That nobody reads any more is noticed by reading.
                Ok(()) | Err(Refused::Gone) => drop(self.waiting.pop_front()),
            }
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.reader.abort();
    }
}
