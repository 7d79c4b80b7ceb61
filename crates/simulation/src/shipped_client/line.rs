//! One connection of the shipped client.

use std::sync::Arc;

use switchboard_client::session::ConnectionId;
use switchboard_dialects::Frame;
use switchboard_protocol::{ClientMessage, Codec};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::socket::End;
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
        }
    }

    pub(super) fn say(&self, message: &ClientMessage<'_>) {
        let mut json = Vec::new();
        Codec::Json
            .encode_client(message, &mut json)
            .expect("what a client says can be written");
        let json = String::from_utf8(json).expect("JSON is UTF-8");
        self.socket.send(Frame::Text(json.into()));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.reader.abort();
    }
}
