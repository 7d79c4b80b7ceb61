//! What was read and is not handed out yet, taken apart into frames.

use std::cell::RefCell;
use std::io::{self, Cursor};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::Disconnected;

/// A room of 1000 members whose states are full takes 5 MB; nothing else comes near.
const MESSAGE_BYTES_MAX: usize = 16 << 20;
/// Kept allocated while a connection has nothing to hand out; more is given back.
const KEPT_BYTES: usize = 1024;

thread_local! {
    /// Read into by every connection of this thread, so that an idle one costs no buffer.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; 64 * 1024].into());
}

#[derive(Default)]
pub(super) struct Inbox {
    bytes: Vec<u8>,
    handed_out: usize,
    /// The first fragments of a message whose last has not come (RFC 6455 section 5.4).
    fragments: Option<Vec<u8>>,
}

/// One thing that came.
pub(super) enum Incoming<'a> {
    Message(&'a [u8]),
    Whole(Vec<u8>),
    Ping(&'a [u8]),
    Close(&'a [u8]),
}

impl Inbox {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.handed_out);
        self.handed_out = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Reads once, at most 64 KiB; the number of bytes, 0 at the end.
    pub(super) fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        mut from: impl AsyncRead + Unpin,
    ) -> Poll<io::Result<usize>> {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut scratch = ReadBuf::new(scratch);
            ready!(Pin::new(&mut from).poll_read(cx, &mut scratch))?;
            self.push(scratch.filled());
            Poll::Ready(Ok(scratch.filled().len()))
        })
    }

    /// The next complete message or control frame, if there is one. Pongs are passed over.
    pub(super) fn next(&mut self) -> Result<Option<Incoming<'_>>, Disconnected> {
        loop {
            let Some((header, start, end)) = self.next_frame()? else {
                return Ok(None);
            };
            self.handed_out = end;
            match header.opcode {
                OpCode::Control(Control::Pong) => {}
                OpCode::Control(Control::Ping) => {
                    return Ok(Some(Incoming::Ping(&self.bytes[start..end])));
                }
                OpCode::Control(_) => return Ok(Some(Incoming::Close(&self.bytes[start..end]))),
                OpCode::Data(Data::Continue) => {
                    if let Some(whole) = self.continue_message(header.is_final, start, end)? {
                        return Ok(Some(Incoming::Whole(whole)));
                    }
                }
                OpCode::Data(_) if self.fragments.is_some() => {
                    return Err(Disconnected::Frame("a message inside another"));
                }
                OpCode::Data(_) if header.is_final => {
                    return Ok(Some(Incoming::Message(&self.bytes[start..end])));
                }
                OpCode::Data(_) => self.fragments = Some(self.bytes[start..end].to_vec()),
            }
        }
    }

    /// Its header, and where its body begins and ends.
    fn next_frame(&mut self) -> Result<Option<(FrameHeader, usize, usize)>, Disconnected> {
        let rest = &self.bytes[self.handed_out..];
        if rest.is_empty() {
            self.bytes.clear();
            self.bytes.shrink_to(KEPT_BYTES);
            self.handed_out = 0;
            return Ok(None);
        }
        let mut cursor = Cursor::new(rest);
        let Some((header, length)) = FrameHeader::parse(&mut cursor)
            .map_err(|_| Disconnected::Frame("an unknown kind of frame"))?
        else {
            return Ok(None);
        };
        let length = usize::try_from(length)
            .ok()
            .filter(|length| *length <= MESSAGE_BYTES_MAX)
            .ok_or(Disconnected::Frame("a frame beyond any bound"))?;
        if header.mask.is_some() || header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(Disconnected::Frame("a frame that a server may not send"));
        }
        let start =
            self.handed_out + usize::try_from(cursor.position()).expect("a header is short");
        let complete = start + length <= self.bytes.len();
        Ok(complete.then_some((header, start, start + length)))
    }

    fn continue_message(
        &mut self,
        last: bool,
        start: usize,
        end: usize,
    ) -> Result<Option<Vec<u8>>, Disconnected> {
        let fragments = self
            .fragments
            .as_mut()
            .ok_or(Disconnected::Frame("the end of a message that never began"))?;
        if fragments.len() + (end - start) > MESSAGE_BYTES_MAX {
            return Err(Disconnected::Frame("a message beyond any bound"));
        }
        fragments.extend_from_slice(&self.bytes[start..end]);
        Ok(if last { self.fragments.take() } else { None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(inbox: &mut Inbox) -> Vec<String> {
        let mut out = Vec::new();
        while let Some(incoming) = inbox.next().expect("frames") {
            let (what, body) = match incoming {
                Incoming::Message(body) => ("message", body.to_vec()),
                Incoming::Whole(body) => ("whole", body),
                Incoming::Ping(body) => ("ping", body.to_vec()),
                Incoming::Close(body) => ("close", body.to_vec()),
            };
            out.push(format!("{what} {}", String::from_utf8_lossy(&body)));
        }
        out
    }

    #[test]
    fn frames_come_out_whole_however_they_were_cut() {
        let wire = b"\x81\x02hi\x01\x03one\x89\x01p\x8a\x00\x80\x03two\x82\x01!";
        let mut inbox = Inbox::default();
        let out: Vec<_> = wire
            .chunks(1)
            .flat_map(|byte| {
                inbox.push(byte);
                drain(&mut inbox)
            })
            .collect();
        assert_eq!(out, ["message hi", "ping p", "whole onetwo", "message !"]);
    }

    #[test]
    fn what_no_server_may_send_ends_the_connection() {
        for wire in [
            &b"\x81\x82maskhi"[..],
            b"\x80\x01x",
            b"\x01\x01x\x81\x01y",
            b"\x83\x00",
            b"\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff",
        ] {
            let mut inbox = Inbox::default();
            inbox.push(wire);
            assert!(
                matches!(inbox.next(), Err(Disconnected::Frame(_))),
                "{wire:?}"
            );
        }
    }

    #[test]
    fn a_drained_inbox_gives_its_memory_back() {
        let mut inbox = Inbox::default();
        let mut wire = b"\x82\x7e\xff\xff".to_vec();
        wire.extend(vec![0; 0xffff]);
        inbox.push(&wire);
        assert_eq!(drain(&mut inbox).len(), 1);
        assert!(inbox.bytes.capacity() <= KEPT_BYTES);
    }
}
