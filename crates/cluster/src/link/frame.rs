//! The unit that a bus carries: numbered, authenticated, holding any number of [envelopes](crate::link::envelope).
//!
//! ```text
//! frame = version (1 byte) · header (MessagePack array) · envelopes · MAC (32 bytes)
//! MAC   = BLAKE3 keyed with the cluster key, over the receiving node's id, a zero byte and all before the MAC
//! ```
//!
//! The MAC covers the receiver, so a frame recorded on one channel is worth nothing on another.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use switchboard_protocol::NodeId;

use crate::link::envelope::{BadEnvelope, Envelope};
use crate::link::keyring::{ClusterKey, Keyring};

const VERSION: u8 = 2;
const MAC_BYTES: usize = blake3::OUT_LEN;

/// What is in a frame before its envelopes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The sending node.
    pub from: NodeId,
    /// Of the sender's link: raised at each reset.
    pub generation: u64,
    /// Place in that generation, from 1; 0: this frame only confirms.
    pub number: u64,
    /// The generation of the other direction that `seen` is about; 0: nothing was seen yet.
    pub seen_generation: u64,
    /// The highest number of that generation up to which everything arrived.
    pub seen: u64,
}

/// Writes a frame for `to`.
pub(crate) fn seal(key: &ClusterKey, to: &NodeId, header: &Header, envelopes: &[u8]) -> Bytes {
    let mut frame =
        Vec::with_capacity(envelopes.len() + header.from.as_str().len() + 64 + MAC_BYTES);
    frame.push(VERSION);
    rmp_serde::encode::write(&mut frame, header)
        .expect("a header holds only text and numbers, and a Vec takes them");
    frame.extend_from_slice(envelopes);
    let mac = mac_of(key, to, &frame);
    frame.extend_from_slice(mac.as_bytes());
    frame.into()
}

/// A frame as it is published again: where the cluster has agreed on another key since, with that one. Nodes that never
/// had the key before would not take it, nor any that follows.
pub(crate) fn seal_again(key: &ClusterKey, to: &NodeId, frame: Bytes) -> Bytes {
    let Some((signed, mac)) = frame.split_last_chunk::<MAC_BYTES>() else {
        return frame;
    };
    let fresh = mac_of(key, to, signed);
    if fresh == *mac {
        return frame;
    }
    [signed, fresh.as_bytes()].concat().into()
}

/// Checks a frame that came on the channel of `to`; gives its header and its envelopes.
pub(crate) fn open<'a>(
    keyring: &Keyring,
    to: &NodeId,
    frame: &'a [u8],
) -> Result<(Header, &'a [u8]), BadFrame> {
    let (signed, mac) = frame
        .split_last_chunk::<MAC_BYTES>()
        .ok_or(BadFrame::Malformed)?;
    let (version, body) = signed.split_first().ok_or(BadFrame::Malformed)?;
    if *version != VERSION {
        return Err(BadFrame::Version(*version));
    }
    // blake3::Hash compares in constant time.
    if !keyring.any(|key| mac_of(key, to, signed) == *mac) {
        return Err(BadFrame::Mac);
    }
    let mut reader = std::io::Cursor::new(body);
    let header = rmp_serde::from_read(&mut reader).map_err(|_| BadFrame::Malformed)?;
    let read = usize::try_from(reader.position()).map_err(|_| BadFrame::Malformed)?;
    Ok((header, body.get(read..).ok_or(BadFrame::Malformed)?))
}

fn mac_of(key: &ClusterKey, to: &NodeId, bytes: &[u8]) -> blake3::Hash {
    blake3::Hasher::new_keyed(key.bytes())
        .update(to.as_str().as_bytes())
        .update(&[0])
        .update(bytes)
        .finalize()
}

/// The envelopes of a frame, one after another.
pub fn envelopes(mut bytes: &[u8]) -> impl Iterator<Item = Result<Envelope<'_>, BadEnvelope>> {
    std::iter::from_fn(move || {
        while !bytes.is_empty() {
            let (envelope, rest) = Envelope::read(bytes);
            bytes = rest;
            if let Some(envelope) = envelope.transpose() {
                return Some(envelope);
            }
        }
        None
    })
}

/// Why a frame was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    /// Made by a release that this one does not understand.
    #[error("frame version {0} is not understood")]
    Version(u8),
    /// Not made by a node of this cluster, or for another one.
    #[error("the frame is not authentic: does every node have the same cluster key?")]
    Mac,
    /// Cut short or garbled by a node of this cluster.
    #[error("the frame cannot be read")]
    Malformed,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            from: NodeId::start("a"),
            generation: 3,
            number: 9,
            seen_generation: 1,
            seen: 4,
        }
    }

    fn ring(key: &ClusterKey) -> Keyring {
        let keyring = Keyring::default();
        keyring.set(key.clone());
        keyring
    }

    #[test]
    fn a_frame_opens_only_with_its_key_at_its_receiver_and_untouched() {
        let (key, to) = (ClusterKey::random(), NodeId::start("b"));
        let (own, other) = (ring(&key), ring(&ClusterKey::random()));
        let frame = seal(&key, &to, &header(), b"rest");
        let (read, rest) = open(&own, &to, &frame).expect("authentic");
        assert_eq!((read.number, rest), (9, &b"rest"[..]));
        assert_eq!(open(&other, &to, &frame), Err(BadFrame::Mac));
        assert_eq!(open(&own, &NodeId::start("c"), &frame), Err(BadFrame::Mac));
        let mut touched = frame.to_vec();
        touched[10] ^= 1;
        assert_eq!(open(&own, &to, &touched), Err(BadFrame::Mac));
        assert_eq!(open(&own, &to, b""), Err(BadFrame::Malformed));
        touched[0] = 9;
        assert_eq!(open(&own, &to, &touched), Err(BadFrame::Version(9)));
    }

    #[test]
    fn a_frame_that_is_published_again_has_the_key_of_now() {
        let (old, new, to) = (
            ClusterKey::random(),
            ClusterKey::random(),
            NodeId::start("b"),
        );
        let header = header();
        let frame = seal(&old, &to, &header, b"rest");
        assert_eq!(seal_again(&old, &to, frame.clone()), frame);
        let frame = seal_again(&new, &to, frame);
        assert_eq!(frame, seal(&new, &to, &header, b"rest"));
    }

    #[test]
    fn the_key_before_the_present_one_still_opens() {
        let (old, new, to) = (
            ClusterKey::random(),
            ClusterKey::random(),
            NodeId::start("b"),
        );
        let keyring = ring(&old);
        keyring.set(new.clone());
        for key in [old, new] {
            assert!(open(&keyring, &to, &seal(&key, &to, &header(), b"")).is_ok());
        }
    }
}
