//! A moment in a configuration.

use std::time::SystemTime;

use humantime::{format_rfc3339_seconds, parse_rfc3339};

use super::setting::Word;

/// When something ends, as in RFC 3339 and in UTC: `2026-12-31T00:00:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndTime(SystemTime);

impl EndTime {
    /// As the system counts.
    pub fn time(self) -> SystemTime {
        self.0
    }
}

impl Word for EndTime {
    fn read(text: &str) -> Result<Self, String> {
        let time = parse_rfc3339(text);
        time.map(Self)
            .map_err(|_| format!("`{text}` is not a time in UTC, as in 2026-12-31T00:00:00Z"))
    }

    fn write(&self) -> String {
        format_rfc3339_seconds(self.0).to_string()
    }
}
