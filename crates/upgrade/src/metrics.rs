//! What a gateway's metrics say of a drain.

use switchboard_local::sum_of;

/// At one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Reading {
    /// Sessions with a connection.
    pub(crate) sessions: f64,
    /// Connections that its drain still waits for.
    pub(crate) remaining: f64,
    /// The part of its sessions that is being moved.
    pub(crate) share: f64,
    /// Sessions that came here from elsewhere. Where they left is no place to count: that gateway ends with the last of them.
    pub(crate) came: f64,
}

impl Reading {
    /// Reads Prometheus' text format.
    pub(crate) fn of(text: &str) -> Self {
        let sum = |name, label| sum_of(text, name, label);
        Self {
            sessions: sum("switchboard_sessions", "state=\"live\""),
            remaining: sum("switchboard_drain_remaining", ""),
            share: sum("switchboard_drain_share", ""),
            came: sum("switchboard_resumes_total", "outcome=\"resumed\""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_sessions_of_all_dialects_are_summed_up() {
        let text = "# HELP switchboard_sessions state=\"live\" 9\n\
            switchboard_sessions{dialect=\"native\",state=\"live\"} 5\n\
            switchboard_sessions{dialect=\"stomp\",state=\"live\"} 2\n\
            switchboard_sessions{dialect=\"native\",state=\"awaiting-hello\"} 100\n\
            switchboard_sessions_away{state=\"live\"} 50\n\
            switchboard_drain_remaining 7\n\
            switchboard_drain_share 0.25\n\
            switchboard_resumes_total{outcome=\"refused\"} 1\n\
            switchboard_resumes_total{outcome=\"resumed\"} 3\n";
        let reading = Reading::of(text);
        let wanted = Reading {
            sessions: 7.0,
            remaining: 7.0,
            share: 0.25,
            came: 3.0,
        };
        assert_eq!(reading, wanted);
    }
}
