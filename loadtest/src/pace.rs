//! How fast signals come.

use std::fmt;
use std::time::Duration;

/// How fast signals come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Open loop: so many from all pairs together, whether or not the earlier ones have arrived.
    PerSecond(u32),
    /// Closed loop: each pair keeps so many on their way.
    Window(u32),
}

impl Pace {
    /// When a pair sends its signal of this index, counted from the start; for an open loop. The pairs take turns.
    pub(crate) fn due(rate: u32, pair: usize, pairs: usize, index: u64) -> Duration {
        let turn = index * pairs as u64 + pair as u64;
        Duration::from_secs_f64(turn as f64 / f64::from(rate))
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PerSecond(rate) => write!(f, "{rate}/s"),
            Self::Window(_) => f.write_str("saturated"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_take_turns_at_the_common_rate() {
        let due = |pair, index| Pace::due(1000, pair, 2, index).as_millis();
        assert_eq!([due(0, 0), due(1, 0), due(0, 1), due(1, 1)], [0, 1, 2, 3]);
        assert_eq!(due(0, 500), 1000);
    }
}
