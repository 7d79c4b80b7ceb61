//! What was said and is not written yet: whole frames, masked, one behind another.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::OpCode;

/// Kept allocated while a connection has nothing to write; more is given back.
const KEPT_BYTES: usize = 1024;

thread_local! {
    static MASKS: RefCell<Masks> = const { RefCell::new(Masks { random: [0; 256], used: 256 }) };
}

#[derive(Default)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    written: usize,
}

impl Outbox {
    /// Bytes that wait.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.written
    }

    /// Adds one frame, masked as a client's must be (RFC 6455 section 5.3).
    pub(super) fn push(&mut self, opcode: OpCode, body: &[u8]) {
        if self.written > self.bytes.len() / 2 {
            self.bytes.drain(..self.written);
            self.written = 0;
        }
        let mask = MASKS.with_borrow_mut(Masks::next);
        let header = FrameHeader {
            opcode,
            mask: Some(mask),
            ..FrameHeader::default()
        };
        header
            .format(body.len() as u64, &mut self.bytes)
            .expect("writing into a Vec does not fail");
        let start = self.bytes.len();
        self.bytes.extend_from_slice(body);
        apply_mask(&mut self.bytes[start..], mask);
    }

    /// Writes until nothing is left or the kernel takes no more.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        mut to: impl AsyncWrite + Unpin,
    ) -> Poll<io::Result<()>> {
        while self.len() > 0 {
            let taken = ready!(Pin::new(&mut to).poll_write(cx, &self.bytes[self.written..]))?;
            if taken == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += taken;
        }
        self.clear();
        Poll::Ready(Ok(()))
    }

    /// Forgets everything: nobody reads it any more.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES);
        self.written = 0;
    }
}

/// Masks must be unpredictable; drawn 64 at a time, they cost a fraction of a system call each.
struct Masks {
    random: [u8; 256],
    used: usize,
}

impl Masks {
    fn next(&mut self) -> [u8; 4] {
        if self.used == self.random.len() {
            getrandom::fill(&mut self.random).expect("the operating system gives random bytes");
            self.used = 0;
        }
        let (mask, _) = self.random[self.used..]
            .split_first_chunk()
            .expect("the length is a multiple of 4");
        self.used += 4;
        *mask
    }
}

fn apply_mask(bytes: &mut [u8], mask: [u8; 4]) {
    let wide = u64::from_ne_bytes([mask, mask].concat().try_into().expect("4 + 4 bytes"));
    let mut words = bytes.chunks_exact_mut(8);
    for word in &mut words {
        let word: &mut [u8; 8] = word.try_into().expect("chunks are of 8 bytes");
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use tokio_tungstenite::tungstenite::protocol::frame::coding::Data;

    use super::*;

    /// Takes at most so many bytes of each write.
    struct Trickle(usize);

    impl AsyncWrite for Trickle {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            match std::mem::take(&mut self.0).min(bytes.len()) {
                0 => Poll::Pending,
                taken => Poll::Ready(Ok(taken)),
            }
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn an_outbox_that_never_empties_does_not_grow() {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut outbox = Outbox::default();
        let frame = |outbox: &mut Outbox| outbox.push(OpCode::Data(Data::Binary), &[0; 94]);
        frame(&mut outbox);
        for _ in 0..1000 {
            frame(&mut outbox);
            assert!(outbox.poll_write(&mut cx, Trickle(100)).is_pending());
            assert_eq!(outbox.len(), 100);
        }
        assert!(outbox.bytes.len() <= 300);
    }

    #[test]
    fn a_masked_body_reads_again_under_the_same_mask() {
        let text: Vec<u8> = (0..=255).collect();
        for length in 0..text.len() {
            let mut outbox = Outbox::default();
            outbox.push(OpCode::Data(Data::Binary), &text[..length]);
            let start = outbox.bytes.len() - length;
            let mask: [u8; 4] = outbox.bytes[start - 4..start].try_into().expect("4 bytes");
            for (i, byte) in outbox.bytes[start..].iter().enumerate() {
                assert_eq!(byte ^ mask[i % 4], text[i], "byte {i} of {length}");
            }
        }
    }
}
