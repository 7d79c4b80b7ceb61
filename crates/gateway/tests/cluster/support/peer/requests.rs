//! What a client asks of its gateway, and the answers.

use std::time::Duration;

use switchboard_protocol::client_message::{Join, Leave, Signal, State, StatePatch};
use switchboard_protocol::server_message::{Error, Joined, Reason, Receiver};
use switchboard_protocol::{ClientMessage, ErrorCode, Payload, PeerId, ServerMessage};

use super::Peer;

/// What the sender of a signal was told: id, receiver, outcome.
pub(crate) type Answer = (u64, String, Result<(), Reason>);

impl Peer {
    pub(crate) async fn join(&mut self, room: &str) -> Joined {
        self.try_join(room, None)
            .await
            .unwrap_or_else(|error| panic!("{} in {room}: {error:?}", self.id))
    }

    /// A Redis that was away or forgot lets nobody new in for a while; a client waits as long as it is told to.
    pub(crate) async fn join_at_last(&mut self, room: &str) {
        while let Err(error) = self.try_join(room, None).await {
            assert_eq!(error.code, ErrorCode::Unavailable, "{error:?}");
            let pause = error.retry_after_ms.expect("when to come again");
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    }

    pub(crate) async fn try_join(
        &mut self,
        room: &str,
        capacity: Option<u32>,
    ) -> Result<Joined, Error> {
        let id = self.ask(|id| {
            ClientMessage::Join(Join {
                id,
                room: room.into(),
                state: None,
                capacity,
            })
        });
        let answer = |message: &ServerMessage| match message {
            ServerMessage::Joined(joined) if joined.re == id => Some(Ok((**joined).clone())),
            ServerMessage::Error(error) if error.re == Some(id) => Some(Err((**error).clone())),
            _ => None,
        };
        self.hear("Joined", answer).await
    }

    /// Waits for `left`.
    pub(crate) async fn leave(&mut self, room: &str) {
        let id = self.ask(|id| {
            ClientMessage::Leave(Leave {
                id,
                room: room.into(),
            })
        });
        self.hear("Left", |message| {
            matches!(message, ServerMessage::Left(left) if left.re == id).then_some(())
        })
        .await;
    }

    /// Waits for `done`.
    pub(crate) async fn change_state(&mut self, room: &str, patch: &str) {
        let state = StatePatch::from_json(patch).expect("a JSON object");
        let id = self.ask(|id| {
            ClientMessage::State(State {
                id,
                room: room.into(),
                state,
            })
        });
        self.hear("Done", |message| {
            matches!(message, ServerMessage::Done(done) if done.re == id).then_some(())
        })
        .await;
    }

    /// Sends a signal in the connection's own encoding and does not wait for anything.
    pub(crate) fn signal(
        &mut self,
        room: &str,
        to: Option<PeerId>,
        kind: &str,
        payload: impl AsRef<[u8]>,
    ) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.signal_as(id, room, to, kind, payload);
        id
    }

    /// The same under an id that may have been used before.
    pub(crate) fn signal_as(
        &mut self,
        id: u64,
        room: &str,
        to: Option<PeerId>,
        kind: &str,
        payload: impl AsRef<[u8]>,
    ) {
        let payload = Payload {
            encoding: self.connection.codec().encoding(),
            bytes: payload.as_ref(),
        };
        self.say(&ClientMessage::Signal(Signal {
            id,
            room: room.into(),
            to: to.map(|to| to.to_string().into()),
            kind: kind.into(),
            payload,
            traceparent: None,
        }));
    }

    /// The next `count` answers to its signals, one for each receiver, in the order told.
    pub(crate) async fn answers(&mut self, count: usize) -> Vec<Answer> {
        let mut answers = Vec::new();
        while answers.len() < count {
            let told = |message: &ServerMessage| match message {
                ServerMessage::Delivered(told) => Some((told.id, told.to.clone(), Ok(()))),
                ServerMessage::Undelivered(told) => {
                    Some((told.id, told.to.clone(), Err(told.reason)))
                }
                _ => None,
            };
            let (id, to, outcome) = self
                .hear(&format!("answer {} of {count}", answers.len() + 1), told)
                .await;
            answers.extend(to.into_iter().map(|to| (id, name(to), outcome)));
        }
        answers
    }
}

fn name(receiver: Receiver) -> String {
    match receiver {
        Receiver::Peer(peer) => peer.to_string(),
        Receiver::Nobody(text) => text.to_string(),
    }
}
