//! What a STOMP client has subscribed to.

use switchboard_stomp::{Command, Frame};

use super::destination::Topic;

/// Of one connection; a client of the tutorial has four.
const SUBSCRIPTIONS_MAX: usize = 64;
/// The client chooses the id, and it is kept.
const ID_BYTES_MAX: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Subscriptions(Vec<Subscription>);

#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) id: String,
    pub(super) topic: Topic,
    /// As the client wrote it: messages repeat that, for clients look it up by it.
    pub(super) destination: String,
    /// The client says that it will acknowledge messages. It may, and nobody waits for it.
    pub(super) acknowledged: bool,
}

/// Why a client may not subscribe.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CannotSubscribe {
    #[error("there is a subscription of this id already; give each its own")]
    IdTaken,
    #[error("an id has at most {ID_BYTES_MAX} bytes")]
    IdTooLong,
    #[error("a connection has at most {SUBSCRIPTIONS_MAX} subscriptions; end one first")]
    TooMany,
}

impl Subscriptions {
    pub(super) fn add(&mut self, new: Subscription) -> Result<(), CannotSubscribe> {
        if new.id.len() > ID_BYTES_MAX {
            return Err(CannotSubscribe::IdTooLong);
        }
        if self.0.iter().any(|known| known.id == new.id) {
            return Err(CannotSubscribe::IdTaken);
        }
        if self.0.len() >= SUBSCRIPTIONS_MAX {
            return Err(CannotSubscribe::TooMany);
        }
        self.0.push(new);
        Ok(())
    }

    pub(super) fn get(&self, id: &str) -> Option<&Subscription> {
        self.0.iter().find(|subscription| subscription.id == id)
    }

    /// What is not there is ended already.
    pub(super) fn end(&mut self, id: &str) {
        self.0.retain(|subscription| subscription.id != id);
    }

    /// In the order in which they were made.
    pub(super) fn of<'s>(&'s self, topic: &'s Topic) -> impl Iterator<Item = &'s Subscription> {
        self.0.iter().filter(move |known| known.topic == *topic)
    }
}

impl Subscription {
    /// A message for it. Of a client's messages each has its own number.
    pub(super) fn message<'b>(&self, number: u64, body: &'b str) -> Frame<'b> {
        let number = number.to_string();
        let frame = Frame::new(Command::Message)
            .with("subscription", &self.id)
            .with("message-id", &number)
            .with("destination", &self.destination)
            .with("content-type", "application/json");
        let frame = match self.acknowledged {
            true => frame.with("ack", &number),
            false => frame,
        };
        frame.with_body(body.as_bytes())
    }
}
