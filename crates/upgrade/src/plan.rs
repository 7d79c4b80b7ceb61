//! What is upgraded, and how.

use std::path::PathBuf;
use std::time::Duration;

use switchboard_local::Balance;

use crate::browsers::BrowserPrograms;

/// A gateway's program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// What people call it: a revision.
    pub name: String,
    /// The program.
    pub binary: PathBuf,
}

/// One cluster, and what happens to it.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The builds in their order: the cluster begins with the first and is upgraded to each of the others in turn.
    pub builds: Vec<Build>,
    /// How many gateways serve.
    pub gateways: usize,
    /// How haproxy chooses one.
    pub balance: Balance,
    /// Pairs of clients.
    pub pairs: usize,
    /// Between two signals of a client.
    pub pace: Duration,
    /// Undisturbed traffic before an upgrade, and once more after it.
    pub calm: Duration,
    /// Of the gateways.
    pub drain: DrainTimes,
    /// What two people in a call need, if there are to be any.
    pub browsers: Option<BrowserPrograms>,
    /// Where logs go.
    pub folder: PathBuf,
}

/// How long a gateway takes to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrainTimes {
    /// Before the first client is sent on: the balancer has to notice first, which takes it two checks.
    pub grace: Duration,
    /// Over how long clients are sent on.
    pub window: Duration,
}

impl DrainTimes {
    /// Beyond the window, for those that do not follow.
    const PATIENCE: Duration = Duration::from_secs(10);
    /// As deployed: 5 s and 30 s, over which haproxy's slowstart is 20 s.
    const DEPLOYED_MS: u32 = 35_000;
    const DEPLOYED_SLOWSTART_MS: u32 = 20_000;

    /// When the last are closed.
    pub(crate) fn deadline(self) -> Duration {
        self.grace + self.window + Self::PATIENCE
    }

    /// As for `--set`.
    pub(crate) fn settings(self) -> [String; 3] {
        [
            format!("drain.grace_ms={}", self.grace.as_millis()),
            format!("drain.window_ms={}", self.window.as_millis()),
            format!("drain.deadline_ms={}", self.deadline().as_millis()),
        ]
    }

    /// haproxy's, in the proportion that it has to a drain where they are deployed. One that is longer than a drain would
    /// keep the new gateway from taking as much as the old one gives away.
    pub(crate) fn slowstart(self) -> Duration {
        (self.grace + self.window) * Self::DEPLOYED_SLOWSTART_MS / Self::DEPLOYED_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slowstart_is_to_a_drain_as_it_is_where_it_is_deployed() {
        let times = |grace, window| DrainTimes {
            grace: Duration::from_secs(grace),
            window: Duration::from_secs(window),
        };
        assert_eq!(times(5, 30).slowstart(), Duration::from_secs(20));
        assert_eq!(times(2, 5).slowstart(), Duration::from_secs(4));
    }
}
