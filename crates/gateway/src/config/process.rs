//! How the process stops and what it says.

use std::fmt;
use std::time::Duration;

/// Keys `drain.*`: on SIGTERM the node turns not ready, waits, and then lets its clients go one after another.
#[derive(Debug, Clone)]
pub struct DrainConfig {
    /// How long a load balancer gets to notice before the first client is sent away. Default 5 s; 0 does not wait.
    pub grace: Duration,
    /// Over how long the clients are sent away, each at its own moment. Default 30 s; 0 sends all at once.
    pub window: Duration,
    /// When the last are closed with 1001, counted from the signal. Default 60 s; not below `grace` + `window`, and
    /// 0 is refused: it is always finite.
    pub deadline: Duration,
}

impl Default for DrainConfig {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(5),
            window: Duration::from_secs(30),
            deadline: Duration::from_secs(60),
        }
    }
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pretty => "pretty",
            Self::Json => "json",
        })
    }
}

/// Keys `log.*`. Logs go to standard error.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// Default `pretty`.
    pub format: LogFormat,
    /// What is logged, as `tracing` filter directives: `info`, `warn,switchboard_cluster=debug`. Default `info`.
    pub filter: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            format: LogFormat::Pretty,
            filter: "info".into(),
        }
    }
}
