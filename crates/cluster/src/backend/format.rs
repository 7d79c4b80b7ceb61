//! Which builds can work side by side.
//!
//! Frames, records and scripts make one format. Each node tells in its entry in Redis which format it speaks and which is the
//! oldest beside which it can work; one that tells none speaks the first. A node that finds others it cannot work beside
//! stays out of the cluster until they are gone: half of what it says would be dropped, and what it writes misread.

/// The format of a build. A change after which a node of the release before could not work beside this build raises `number`;
/// `oldest` follows once this build no longer reads and writes what that one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// What it speaks.
    pub number: u32,
    /// The oldest that it can work beside.
    pub oldest: u32,
}

impl Format {
    /// Of all that tell none.
    pub const FIRST: Self = Self {
        number: 1,
        oldest: 1,
    };

    /// Of this build.
    pub const OWN: Self = Self::FIRST;

    /// Whether nodes of both can be in one cluster: each has to be recent enough for the other.
    pub(crate) fn mixes_with(self, other: Self) -> bool {
        self.number >= other.oldest && other.number >= self.oldest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_formats_mix_only_where_each_is_recent_enough_for_the_other() {
        let format = |number, oldest| Format { number, oldest };
        for (one, other, mixes) in [
            (Format::FIRST, Format::FIRST, true),
            (format(2, 1), Format::FIRST, true),
            (format(2, 2), Format::FIRST, false),
            (format(3, 2), format(2, 1), true),
            (format(4, 3), format(2, 1), false),
        ] {
            assert_eq!(one.mixes_with(other), mixes, "{one:?} {other:?}");
            assert_eq!(other.mixes_with(one), mixes, "{other:?} {one:?}");
        }
    }
}
