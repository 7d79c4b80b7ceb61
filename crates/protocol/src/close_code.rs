//! Every way in which a gateway ends a connection.

/// What a client that was not asked does after its connection was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// It does not come back by itself.
    StayAway,
    /// It comes back once it has a new token.
    NewToken,
    /// It comes back, with full-jitter exponential back-off.
    Resume,
    /// It comes back after `retry_after_ms`, which the close reason carries as `{"retry_after_ms": n}`.
    RetryAfter,
}

/// One row of the table: number, words and advice. RFC 6455 section 7.4 leaves 4000–4999 to applications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseCode {
    /// The client said goodbye.
    Bye,
    /// The node goes away: a drain's deadline.
    GoingAway,
    /// A message over `max_message_bytes`.
    TooLarge,
    /// Too many messages that could not be read, or none that could.
    Protocol,
    /// The token is missing, expired or false.
    Unauthorized,
    /// The token or the origin does not allow this.
    Forbidden,
    /// No hello in time, or silence for longer than the heartbeat allows.
    Timeout,
    /// A newer connection took over this session.
    Superseded,
    /// The client does not read as fast as others write to it.
    SlowConsumer,
    /// A limit on sessions or connections.
    Limit,
    /// The cluster cannot take the session at the moment.
    Unavailable,
}

impl CloseCode {
    /// Every row.
    pub const ALL: [Self; 11] = [
        Self::Bye,
        Self::GoingAway,
        Self::TooLarge,
        Self::Protocol,
        Self::Unauthorized,
        Self::Forbidden,
        Self::Timeout,
        Self::Superseded,
        Self::SlowConsumer,
        Self::Limit,
        Self::Unavailable,
    ];

    /// The status code of the close frame.
    pub const fn number(self) -> u16 {
        self.row().0
    }

    /// Words for the close frame where nothing more precise is known.
    pub const fn reason(self) -> &'static str {
        self.row().1
    }

    /// What a client does next.
    pub const fn advice(self) -> Advice {
        self.row().2
    }

    /// The row with this number, if it is one of ours.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.number() == number)
    }

    const fn row(self) -> (u16, &'static str, Advice) {
        use Advice::*;
        match self {
            Self::Bye => (1000, "bye", StayAway),
            Self::GoingAway => (1001, "this node is going away", Resume),
            Self::TooLarge => (1009, "message too large", StayAway),
            Self::Protocol => (4400, "protocol violated", StayAway),
            Self::Unauthorized => (4401, "unauthorized", NewToken),
            Self::Forbidden => (4403, "forbidden", NewToken),
            Self::Timeout => (4408, "nothing heard in time", Resume),
            Self::Superseded => (4409, "superseded by a newer connection", StayAway),
            Self::SlowConsumer => (4413, "slow consumer", Resume),
            Self::Limit => (4429, "limit reached", RetryAfter),
            Self::Unavailable => (4503, "unavailable", RetryAfter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_by_its_number() {
        for code in CloseCode::ALL {
            assert_eq!(CloseCode::from_number(code.number()), Some(code));
        }
        assert_eq!(CloseCode::from_number(1006), None);
    }

    #[test]
    fn the_page_for_operators_has_every_code_once_with_its_advice() {
        const PAGE: &str = include_str!("../../../docs/errors.md");
        let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| "));
        let documented: Vec<_> = rows
            .filter_map(|row| Some((row.split(' ').next()?.parse::<u16>().ok()?, row)))
            .filter(|(number, _)| *number >= 1000 && *number != 1006)
            .collect();
        let numbers: Vec<_> = documented.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, CloseCode::ALL.map(CloseCode::number));
        for ((_, row), code) in documented.iter().zip(CloseCode::ALL) {
            let advice = match code.advice() {
                Advice::StayAway => "| stays away",
                Advice::NewToken => "| comes back with a new token |",
                Advice::Resume => "| resumes, with back-off |",
                Advice::RetryAfter => "| comes back after `retry_after_ms`",
            };
            assert!(row.contains(advice), "{code:?}: {row}");
        }
    }
}
