//! The limits that refuse something, one name each.

/// A limit that a client, a user, an address or a whole node has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Signals of a session.
    SignalsPerSecond,
    /// Other requests of a session.
    RequestsPerSecond,
    /// Requests of a session that wait for the ones before them.
    WaitingRequests,
    /// What a session sends, in bytes.
    BytesPerSecond,
    /// What a session sends to whole rooms, in bytes.
    FanOutBytesPerSecond,
    /// What the joins of a session list to it.
    ListedMembers,
    /// What a node reads for joins.
    RosterReads,
    /// Rooms of a session.
    RoomsPerSession,
    /// Sessions of a user.
    SessionsPerUser,
    /// Sessions of a node.
    Sessions,
    /// Sessions of an address on a node.
    SessionsPerAddress,
    /// New sessions of a node.
    ConnectsPerSecond,
    /// New sessions of an address on a node.
    ConnectsPerSecondPerAddress,
    /// Requests over HTTP with a token, of an address.
    HttpPerSecondPerAddress,
    /// The same, of a user.
    HttpPerSecondPerUser,
    /// A token that was refused before, again and too soon.
    RepeatedToken,
    /// Tokens of an address that had to be checked and were refused.
    WrongTokensPerSecondPerAddress,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::SignalsPerSecond,
        Self::RequestsPerSecond,
        Self::WaitingRequests,
        Self::BytesPerSecond,
        Self::FanOutBytesPerSecond,
        Self::ListedMembers,
        Self::RosterReads,
        Self::RoomsPerSession,
        Self::SessionsPerUser,
        Self::Sessions,
        Self::SessionsPerAddress,
        Self::ConnectsPerSecond,
        Self::ConnectsPerSecondPerAddress,
        Self::HttpPerSecondPerAddress,
        Self::HttpPerSecondPerUser,
        Self::RepeatedToken,
        Self::WrongTokensPerSecondPerAddress,
    ];

    /// Whether it counts what comes from one address. Where that is the address of a proxy, all clients behind it suffer.
    pub const fn is_of_address(self) -> bool {
        match self {
            Self::SessionsPerAddress
            | Self::ConnectsPerSecondPerAddress
            | Self::HttpPerSecondPerAddress
            | Self::WrongTokensPerSecondPerAddress => true,
            Self::SignalsPerSecond
            | Self::RequestsPerSecond
            | Self::WaitingRequests
            | Self::BytesPerSecond
            | Self::FanOutBytesPerSecond
            | Self::ListedMembers
            | Self::RosterReads
            | Self::RoomsPerSession
            | Self::SessionsPerUser
            | Self::Sessions
            | Self::ConnectsPerSecond
            | Self::HttpPerSecondPerUser
            | Self::RepeatedToken => false,
        }
    }

    /// The label of the metric that counts it: where a key of the configuration sets the limit, the last word of that key.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignalsPerSecond => "signals_per_second",
            Self::RequestsPerSecond => "requests_per_second",
            Self::WaitingRequests => "waiting_requests",
            Self::BytesPerSecond => "bytes_per_second",
            Self::FanOutBytesPerSecond => "fan_out_bytes_per_second",
            Self::ListedMembers => "listed_members",
            Self::RosterReads => "roster_reads",
            Self::RoomsPerSession => "max_per_session",
            Self::SessionsPerUser => "sessions_per_user",
            Self::Sessions => "sessions",
            Self::SessionsPerAddress => "sessions_per_address",
            Self::ConnectsPerSecond => "connects_per_second",
            Self::ConnectsPerSecondPerAddress => "connects_per_second_per_address",
            Self::HttpPerSecondPerAddress => "http_per_second_per_address",
            Self::HttpPerSecondPerUser => "http_per_second_per_user",
            Self::RepeatedToken => "repeated_token",
            Self::WrongTokensPerSecondPerAddress => "wrong_tokens_per_second_per_address",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_an_address_are_named_so() {
        for rule in Rule::ALL {
            let name = rule.as_str();
            assert_eq!(
                rule.is_of_address(),
                name.ends_with("_per_address"),
                "{name}"
            );
        }
    }
}
