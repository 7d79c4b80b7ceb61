//! A part of a node's sessions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Above 0, at most 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub(crate) struct Share(f64);

/// The text is not a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a share is above 0 and at most 1, such as 0.2, or 20% on the command line")]
pub(crate) struct NoShare;

impl Share {
    /// This part of `sessions`; at least one if there are any.
    pub(crate) fn of(self, sessions: usize) -> usize {
        let exact = sessions as f64 * self.0;
        (exact.round() as usize).clamp(1.min(sessions), sessions)
    }
}

impl TryFrom<f64> for Share {
    type Error = NoShare;

    fn try_from(part: f64) -> Result<Self, NoShare> {
        // NaN compares as false.
        (part > 0.0 && part <= 1.0)
            .then_some(Self(part))
            .ok_or(NoShare)
    }
}

impl From<Share> for f64 {
    fn from(share: Share) -> Self {
        share.0
    }
}

impl FromStr for Share {
    type Err = NoShare;

    fn from_str(text: &str) -> Result<Self, NoShare> {
        let (number, whole) = match text.strip_suffix('%') {
            Some(percent) => (percent, 100.0),
            None => (text, 1.0),
        };
        let part: f64 = number.trim().parse().map_err(|_| NoShare)?;
        Self::try_from(part / whole)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = (self.0 * 10_000.0).round() / 100.0;
        write!(f, "{percent}%")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_percentage_or_a_fraction() {
        for (text, part, shown) in [
            ("20%", 0.2, "20%"),
            ("0.2", 0.2, "20%"),
            ("12.5 %", 0.125, "12.5%"),
            ("100%", 1.0, "100%"),
            ("1", 1.0, "100%"),
        ] {
            let share: Share = text.parse().expect(text);
            assert_eq!(f64::from(share), part, "{text}");
            assert_eq!(share.to_string(), shown);
        }
        for wrong in [
            "", "%", "0", "0%", "-1%", "20", "101%", "NaN", "inf", "a fifth",
        ] {
            assert_eq!(wrong.parse::<Share>(), Err(NoShare), "{wrong}");
        }
    }

    #[test]
    fn a_share_of_sessions_is_at_least_one_of_them() {
        let fifth: Share = "20%".parse().expect("a share");
        for (sessions, picked) in [(0, 0), (1, 1), (4, 1), (10, 2), (13, 3), (1000, 200)] {
            assert_eq!(fifth.of(sessions), picked, "of {sessions}");
        }
        let all: Share = "100%".parse().expect("a share");
        assert_eq!(all.of(7), 7);
    }

    #[test]
    fn json_has_a_fraction() {
        assert_eq!(serde_json::from_str("0.25").ok(), Some(Share(0.25)));
        for wrong in ["0", "20", "-0.5", "\"20%\"", "true"] {
            assert!(serde_json::from_str::<Share>(wrong).is_err(), "{wrong}");
        }
    }
}
