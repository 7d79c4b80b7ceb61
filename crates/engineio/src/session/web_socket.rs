//! The frames of the WebSocket that carries a session.

use std::time::Instant;

use super::{Answering, Session, Transport};
use crate::ending::Ending;
use crate::outbox::Frame;
use crate::packet::{Message, Packet};

impl Session {
    /// A text frame came. `None`: it was no message, or ended the session.
    pub fn on_text<'a>(&mut self, text: &'a str, now: Instant) -> Option<Message<'a>> {
        match Packet::decode(text) {
            _ if self.ending.is_some() => None,
            Ok(packet) => self.on_packet(packet, now),
            Err(_) => {
                self.end(Ending::BadPacket);
                None
            }
        }
    }

    /// The next frame for the WebSocket. It waits while the answer to a poll is on its way: that was said before.
    pub fn next_frame(&mut self) -> Option<Frame> {
        let is_next = self.transport == Transport::WebSocket
            && self.ending.is_none()
            && self.answering != Answering::Packets;
        is_next.then(|| self.outbox.pop()).flatten()
    }

    /// The WebSocket is closed, or lost.
    pub fn on_socket_gone(&mut self) {
        self.end(Ending::SocketGone);
    }
}
