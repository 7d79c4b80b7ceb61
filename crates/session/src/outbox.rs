//! What waits to be written to one client. Bounded in bytes: a client that does not read is closed, and what did not fit
//! is told to its sender.

use std::collections::VecDeque;

use switchboard_protocol::{Member, ServerMessage};

/// A queue of messages for one client, oldest first.
#[derive(Debug)]
pub struct Outbox {
    messages: VecDeque<Waiting>,
    bytes: usize,
    bytes_max: usize,
    overflowed: bool,
}

#[derive(Debug)]
struct Waiting {
    message: ServerMessage,
    weight: usize,
}

/// The outbox is full, now or before; it takes no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overflow;

/// A queue that had room for more than this gives it back once it is empty.
const KEPT: usize = 16;

impl Outbox {
    /// An empty one.
    pub fn new(bytes_max: usize) -> Self {
        Self {
            messages: VecDeque::new(),
            bytes: 0,
            bytes_max,
            overflowed: false,
        }
    }

    /// Adds a message that becomes `more` bytes than it has itself once it is written for its client, while `beside` bytes
    /// wait elsewhere for the same client. The first that does not fit ends the outbox.
    pub fn push(
        &mut self,
        message: ServerMessage,
        more: usize,
        beside: usize,
    ) -> Result<(), Overflow> {
        let weight = weight(&message) + more;
        // A message alone may be larger than the bound: `joined` or `welcome` of large rooms.
        let is_alone = self.messages.is_empty() && beside == 0;
        let full = !is_alone && self.bytes + beside + weight > self.bytes_max;
        if self.overflowed || full {
            self.overflowed = true;
            return Err(Overflow);
        }
        self.bytes += weight;
        self.messages.push_back(Waiting { message, weight });
        Ok(())
    }

    /// Takes the oldest message.
    pub fn pop(&mut self) -> Option<ServerMessage> {
        let Some(Waiting { message, weight }) = self.messages.pop_front() else {
            if self.messages.capacity() > KEPT {
                self.messages = VecDeque::new();
            }
            return None;
        };
        self.bytes -= weight;
        Some(message)
    }

    /// Bytes that wait, by estimate: payloads exactly, the rest roughly.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether a message did not fit.
    pub fn overflowed(&self) -> bool {
        self.overflowed
    }
}

fn weight(message: &ServerMessage) -> usize {
    const MESSAGE: usize = 128;
    let rest = match message {
        ServerMessage::Signal(signal) => signal.payload.bytes.len(),
        ServerMessage::Joined(joined) => joined.members.iter().map(member_weight).sum(),
        ServerMessage::Welcome(welcome) => {
            let rooms = welcome.rooms.iter().flatten();
            rooms
                .flat_map(|room| &room.members)
                .map(member_weight)
                .sum()
        }
        ServerMessage::MemberJoined(joined) => member_weight(&joined.member),
        ServerMessage::MemberUpdated(update) => {
            let state = update.state.as_ref();
            state.map_or(0, |state| state.as_json().len())
        }
        ServerMessage::Done(done) => done.to.as_ref().map_or(0, |to| 24 * to.len()),
        _ => 0,
    };
    MESSAGE + rest
}

fn member_weight(member: &Member) -> usize {
    const MEMBER: usize = 256;
    let texts = [&member.name, &member.avatar];
    let texts: usize = texts.into_iter().flatten().map(|text| text.len()).sum();
    MEMBER + texts + member.state.as_json().len()
}

#[cfg(test)]
mod tests {
    use switchboard_protocol::server_message::Pong;

    use super::*;

    #[test]
    fn a_full_outbox_takes_no_more_even_after_it_was_read() {
        let mut outbox = Outbox::new(300);
        assert_eq!([push(&mut outbox, 0), push(&mut outbox, 0)], [Ok(()); 2]);
        assert_eq!(push(&mut outbox, 0), Err(Overflow));
        outbox.pop();
        assert_eq!(push(&mut outbox, 0), Err(Overflow));
        assert!(outbox.overflowed());
        outbox.pop();
        assert_eq!((outbox.pop(), outbox.bytes()), (None, 0));
    }

    #[test]
    fn what_a_message_becomes_and_what_waits_elsewhere_count_too() {
        let mut outbox = Outbox::new(1000);
        assert_eq!(push(&mut outbox, 700), Ok(()));
        assert_eq!(outbox.bytes(), 828);
        assert_eq!(push(&mut outbox, 100), Err(Overflow));
        let mut outbox = Outbox::new(1000);
        assert_eq!(outbox.push(pong(), 0, 900), Err(Overflow));
        let mut outbox = Outbox::new(1000);
        assert_eq!(push(&mut outbox, 5000), Ok(()), "it is alone");
    }

    fn push(outbox: &mut Outbox, more: usize) -> Result<(), Overflow> {
        outbox.push(pong(), more, 0)
    }

    fn pong() -> ServerMessage {
        Pong { re: None }.into()
    }
}
