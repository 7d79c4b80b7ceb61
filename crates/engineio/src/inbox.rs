//! What a client said in requests and nobody has read yet.

use std::collections::VecDeque;

use crate::packet::Message;
use crate::settings::Settings;

#[derive(Debug, Default)]
pub(crate) struct Inbox {
    messages: VecDeque<Message<'static>>,
    bytes: usize,
}

impl Inbox {
    /// False: it holds more than it may.
    pub(crate) fn push(&mut self, message: Message<'_>, bytes_max: usize) -> bool {
        self.bytes += weight(&message);
        self.messages.push_back(message.into_owned());
        self.bytes <= bytes_max
    }

    pub(crate) fn pop(&mut self) -> Option<Message<'static>> {
        let message = self.messages.pop_front();
        match &message {
            Some(message) => self.bytes -= weight(message),
            None => self.messages.shrink_to(Settings::KEPT),
        }
        message
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

fn weight(message: &Message<'_>) -> usize {
    message.len() + Settings::MESSAGE_COST
}
