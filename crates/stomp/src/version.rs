//! Which STOMP a connection speaks.

use std::fmt;

/// A version of STOMP. What differs in its frames:
///
/// | | escapes in headers | spaces around them | bodies |
/// | --- | --- | --- | --- |
/// | 1.0 | none | dropped, for its own examples have them | in any frame |
/// | 1.1 | `\n` `\c` `\\` | part of the header | SEND, MESSAGE, ERROR |
/// | 1.2 | `\r` as well | part of the header | SEND, MESSAGE, ERROR |
///
/// CONNECT and CONNECTED are never escaped (STOMP 1.2, «Value Encoding»).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// 1.0
    V1_0,
    /// 1.1
    V1_1,
    /// 1.2
    V1_2,
}

impl Version {
    /// All of them, as the `version` header of an ERROR frame names them to a client that speaks none.
    pub const SUPPORTED: &'static str = "1.0,1.1,1.2";

    const ALL: [Self; 3] = [Self::V1_0, Self::V1_1, Self::V1_2];

    /// As headers name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1_0 => "1.0",
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
        }
    }

    /// The highest version that a client offers in `accept-version` and that is spoken here. A client without that
    /// header is one of 1.0 (STOMP 1.2, «Protocol Negotiation»).
    pub fn negotiate(accept_version: Option<&str>) -> Result<Self, NoCommonVersion> {
        let Some(offered) = accept_version else {
            return Ok(Self::V1_0);
        };
        let offers = |version: &Self| {
            let mut names = offered.split(',').map(str::trim);
            names.any(|name| name == version.as_str())
        };
        let mut highest_first = Self::ALL.into_iter().rev();
        highest_first.find(offers).ok_or(NoCommonVersion)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A client offers only versions that are not spoken here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "no STOMP version in common; name at least one of {} in accept-version",
    Version::SUPPORTED
)]
pub struct NoCommonVersion;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_common_version_is_spoken() {
        for (offered, spoken) in [
            ("1.0,1.1,1.2", Version::V1_2),
            ("1.2, 1.1", Version::V1_2),
            ("1.0,1.1,2.0", Version::V1_1),
            ("1.0", Version::V1_0),
        ] {
            assert_eq!(Version::negotiate(Some(offered)), Ok(spoken), "{offered}");
        }
    }

    #[test]
    fn a_client_that_names_no_version_speaks_the_first() {
        assert_eq!(Version::negotiate(None), Ok(Version::V1_0));
    }

    #[test]
    fn without_a_common_version_ours_are_named() {
        for offered in ["2.0", "", "1", "1.20"] {
            let refused = Version::negotiate(Some(offered)).expect_err("none of ours");
            assert!(refused.to_string().contains("1.0,1.1,1.2"), "{refused}");
        }
    }

    #[test]
    fn all_versions_are_said_to_be_supported() {
        assert_eq!(
            Version::ALL.map(Version::as_str).join(","),
            Version::SUPPORTED
        );
    }
}
