//! Which of the 64 buckets a room falls into, and the hash tag that puts a bucket's keys in one slot of a Redis Cluster.
//!
//! Bucket `i` holds the rooms with `CRC16(id) mod 64 = i`. Its tag is the first `b<i>-<n>` whose slot lies in
//! `[256·i, 256·i + 256)`: the buckets spread evenly over any number of masters.

use std::sync::LazyLock;

use switchboard_protocol::RoomId;

/// How many buckets there are.
pub const BUCKETS: usize = 64;
const SLOTS_PER_BUCKET: u16 = 16384 / BUCKETS as u16;

/// One of the 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bucket(u8);

impl Bucket {
    /// The bucket of a room.
    pub fn of(room: &RoomId) -> Self {
        Self((crc16(room.as_str().as_bytes()) % BUCKETS as u16) as u8)
    }

    /// Every bucket.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..BUCKETS as u8).map(Self)
    }

    /// The hash tag, without braces.
    pub fn tag(self) -> &'static str {
        static TAGS: LazyLock<Vec<String>> =
            LazyLock::new(|| Bucket::all().map(Bucket::find_tag).collect());
        &TAGS[usize::from(self.0)]
    }

    fn find_tag(self) -> String {
        let first = u16::from(self.0) * SLOTS_PER_BUCKET;
        let slots = first..first + SLOTS_PER_BUCKET;
        (0..)
            .map(|n| format!("b{}-{n}", self.0))
            .find(|tag| slots.contains(&(crc16(tag.as_bytes()) % 16384)))
            .expect("one tag in 64 falls into a bucket's slots")
    }
}

/// CRC-16/XMODEM, as in the Redis Cluster specification («Keys hash tags»).
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x1021
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
    }

    #[test]
    fn every_tag_lies_in_its_own_slots() {
        for bucket in Bucket::all() {
            assert_eq!(
                crc16(bucket.tag().as_bytes()) % 16384 / SLOTS_PER_BUCKET,
                u16::from(bucket.0)
            );
        }
    }
}
