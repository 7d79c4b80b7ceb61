//! Versions, as programs print them.

use std::fmt;

/// `7.0.15`; what follows the second dot does not matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    pub(crate) major: u64,
    pub(crate) minor: u64,
}

impl Version {
    /// The first thing in the text that looks like one: digits, a dot, digits.
    pub(crate) fn find_in(text: &str) -> Option<Self> {
        text.split(|c: char| !c.is_ascii_digit() && c != '.')
            .find_map(Self::parse)
    }

    fn parse(dotted: &str) -> Option<Self> {
        let mut numbers = dotted.split('.').map(str::parse);
        Some(Self {
            major: numbers.next()?.ok()?,
            minor: numbers.next()?.ok()?,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&format!("{}.{}", self.major, self.minor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<(u64, u64)> {
        Version::find_in(text).map(|version| (version.major, version.minor))
    }

    #[test]
    fn versions_are_found_in_what_programs_print() {
        let redis = "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=ae";
        assert_eq!(found(redis), Some((7, 0)));
        assert_eq!(found("v20.20.2\n"), Some((20, 20)));
        assert_eq!(found("11.19.1"), Some((11, 19)));
        assert_eq!(
            found("Chromium 156.0.8078.79 built on Debian GNU/Linux 12 (bookworm)"),
            Some((156, 0))
        );
        assert_eq!(
            found("rustfmt 1.9.0-stable (59807616e1 2026-04-14)"),
            Some((1, 9))
        );
    }

    #[test]
    fn text_without_a_version_has_none() {
        assert_eq!(found(""), None);
        assert_eq!(found("requires the chromium snap, 3 steps. Sorry."), None);
    }

    #[test]
    fn versions_compare_by_number() {
        assert!(
            Version { major: 6, minor: 2 }
                < Version {
                    major: 6,
                    minor: 10
                }
        );
        assert!(
            Version {
                major: 6,
                minor: 10
            } < Version {
                major: 20,
                minor: 0
            }
        );
    }
}
