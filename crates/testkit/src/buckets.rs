//! The marks by which a cluster of gateways recognises a Redis that it has used before. A gateway takes a Redis without
//! them for one that has lost its data, and waits until other nodes have restored it.
//!
//! The same as `switchboard_cluster::bucket`, written again because that crate's tests need this one.

use crate::resp::Resp;

const BUCKETS: u16 = 64;
const SLOTS: u16 = 16384;

/// Marks every bucket, each through the connection that `client` finds for its slot.
pub(crate) fn mark_all(mut client: impl FnMut(u16) -> Resp) {
    for bucket in 0..BUCKETS {
        let (tag, slot) = tag(bucket);
        client(slot).must(&["SET", &format!("sb:{{{tag}}}:alive"), "1"]);
    }
}

/// The first `b<i>-<n>` whose slot lies in the bucket's, and that slot.
fn tag(bucket: u16) -> (String, u16) {
    let width = SLOTS / BUCKETS;
    (0..)
        .map(|n| format!("b{bucket}-{n}"))
        .map(|tag| (crc16(tag.as_bytes()) % SLOTS, tag))
        .find(|(slot, _)| slot / width == bucket)
        .map(|(slot, tag)| (tag, slot))
        .expect("one tag in 64 falls into a bucket's slots")
}

/// CRC-16/XMODEM, as in the Redis Cluster specification («Keys hash tags»).
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            (crc << 1) ^ if crc & 0x8000 == 0 { 0 } else { 0x1021 }
        })
    })
}
