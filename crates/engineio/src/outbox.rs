//! What waits for a client.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::packet::{CLOSE, PING};
use crate::payload;
use crate::settings::Settings;

/// What a WebSocket carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A packet as text.
    Text(String),
    /// A message of bytes.
    Binary(Bytes),
}

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    frames: VecDeque<Frame>,
    bytes: usize,
}

impl Outbox {
    pub(crate) fn push(&mut self, frame: Frame) {
        self.bytes += weight(&frame);
        self.frames.push_back(frame);
    }

    pub(crate) fn pop(&mut self) -> Option<Frame> {
        let frame = self.frames.pop_front();
        match &frame {
            Some(frame) => self.bytes -= weight(frame),
            None => self.frames.shrink_to(Settings::KEPT),
        }
        frame
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub(crate) fn has_ping(&self) -> bool {
        let is_ping = |frame: &Frame| matches!(frame, Frame::Text(text) if text == PING);
        self.frames.iter().any(is_ping)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes as many frames as an answer may have, at least one, if there is one. The close packet goes alone: a client
    /// heeds it before it has looked at what came with it.
    pub(crate) fn take_payload(&mut self, bytes_max: usize) -> String {
        let mut taken = String::new();
        while let Some(next) = self.frames.front() {
            let more = 1 + payload::encoded_len(next);
            let is_close = matches!(next, Frame::Text(text) if text == CLOSE);
            if !taken.is_empty() && (is_close || taken.len() + more > bytes_max) {
                break;
            }
            payload::encode(next, &mut taken);
            self.pop();
        }
        taken
    }
}

fn weight(frame: &Frame) -> usize {
    let content = match frame {
        Frame::Text(text) => text.len(),
        Frame::Binary(bytes) => bytes.len(),
    };
    content + Settings::MESSAGE_COST
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Frame {
        Frame::Text(text.into())
    }

    #[test]
    fn an_answer_has_what_fits_and_at_least_one_packet() {
        let mut outbox = Outbox::default();
        for packet in ["4aaaa", "4bbbb", "4cccccccccccccccc", "4d"] {
            outbox.push(text(packet));
        }
        outbox.push(Frame::Binary(Bytes::from_static(&[1, 2, 3])));
        let payloads: Vec<_> =
            std::iter::from_fn(|| (!outbox.is_empty()).then(|| outbox.take_payload(11))).collect();
        assert_eq!(
            payloads,
            ["4aaaa\u{1e}4bbbb", "4cccccccccccccccc", "4d\u{1e}bAQID"]
        );
        assert_eq!(outbox.bytes(), 0);
    }
}
