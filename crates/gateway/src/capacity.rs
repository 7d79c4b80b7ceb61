//! How many connections a node takes: what its sessions may have, and what is left for those that have not said hello.
//!
//! ```text
//! open files ─┬─ kept: Redis, listeners, logs, ops routes
//!             └─ connections ─┬─ sessions: said hello, `limits.sessions` at most
//!                             └─ the rest: handshakes, pages, health checks, clients that have yet to say hello
//! ```

use std::num::NonZeroU32;

use crate::config::LimitsConfig;

/// What is kept free for everything that is no connection of a client.
const FILES_KEPT: u64 = 64;
/// Of those, connections on `ops_listen`.
pub(crate) const OPS_CONNECTIONS: usize = 16;
/// What sessions leave to others by default, so that a full node still answers.
const BESIDE_SESSIONS: u64 = 32;
/// Without hello there may be as many as there may be sessions, and at least these.
const UNGREETED_AT_LEAST: usize = 1024;

/// Bounds on connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Capacity {
    /// Those that said hello.
    pub(crate) sessions: usize,
    /// Those of one address. `None`: as many as of all.
    pub(crate) sessions_per_address: Option<NonZeroU32>,
    /// All of them.
    pub(crate) connections: usize,
}

impl Capacity {
    /// What fits into `open_files`; `None`: there is no such limit.
    pub(crate) fn new(limits: &LimitsConfig, open_files: Option<u64>) -> Self {
        let sessions = limits
            .sessions
            .min(open_files.map_or(usize::MAX, sessions_within));
        let connections = sessions.saturating_add(sessions.max(UNGREETED_AT_LEAST));
        let fitting = open_files.map_or(usize::MAX, |files| whole(files - kept(files)));
        Self {
            sessions,
            sessions_per_address: limits.sessions_per_address,
            connections: connections.min(fitting),
        }
    }

    /// Those that have not said hello, beside so many sessions. A little less than there is room for: they hear why they
    /// are closed, before files run out and connections are cut.
    pub(crate) fn ungreeted(&self, sessions: usize) -> usize {
        let left = self.connections.saturating_sub(sessions);
        let most = self.sessions.max(UNGREETED_AT_LEAST);
        (left - left / 8).min(most).max(1)
    }
}

/// Sessions for which so many open files are enough.
pub(crate) fn sessions_within(open_files: u64) -> usize {
    let connections = open_files - kept(open_files);
    whole(connections - BESIDE_SESSIONS.min(connections / 2)).max(1)
}

/// Where there are few files, half of them.
fn kept(open_files: u64) -> u64 {
    FILES_KEPT.min(open_files / 2)
}

fn whole(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capacity(sessions: usize, open_files: Option<u64>) -> Capacity {
        let limits = LimitsConfig {
            sessions,
            ..LimitsConfig::default()
        };
        Capacity::new(&limits, open_files)
    }

    #[test]
    fn some_files_are_kept_and_some_connections_are_left_to_others_than_sessions() {
        for (open_files, sessions, connections) in [
            (20_000, 19_904, 19_936),
            (1024, 928, 960),
            (128, 32, 64),
            (64, 16, 32),
            (2, 1, 1),
        ] {
            assert_eq!(sessions_within(open_files), sessions, "{open_files}");
            let capacity = capacity(sessions, Some(open_files));
            assert_eq!(capacity.connections, connections, "{open_files}");
            assert!(capacity.ungreeted(sessions) >= 1);
        }
    }

    #[test]
    fn what_sessions_do_not_use_is_for_those_without_hello() {
        let capacity = capacity(928, Some(1024));
        assert_eq!(capacity.ungreeted(0), 840);
        assert_eq!(capacity.ungreeted(928), 28);
        assert_eq!(capacity.ungreeted(2000), 1);
    }

    #[test]
    fn few_sessions_allow_few_others() {
        assert_eq!(capacity(10, None).connections, 1034);
        assert_eq!(capacity(100_000, None).connections, 200_000);
        assert_eq!(capacity(2, Some(20_000)).ungreeted(2), 896);
        assert_eq!(
            capacity(5000, Some(1024)).sessions,
            928,
            "no more than files are for"
        );
    }
}
