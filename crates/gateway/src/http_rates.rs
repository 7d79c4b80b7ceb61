//! How often an address, and a user, may ask something over HTTP with a token.

use std::time::Instant;

use switchboard_protocol::UserId;

use crate::config::LimitsConfig;
use crate::rate_by::RateBy;
use crate::source::Source;

/// The rates of requests that take the token that `hello` takes.
pub(crate) struct HttpRates {
    /// Counted before the token is looked at.
    pub(crate) addresses: RateBy<Source>,
    /// Counted once it is known whose token it is.
    pub(crate) users: RateBy<UserId>,
}

impl HttpRates {
    pub(crate) fn from_config(limits: &LimitsConfig, now: Instant) -> Self {
        Self {
            addresses: RateBy::new(limits.http_per_second_per_address, now),
            users: RateBy::new(limits.http_per_second_per_user, now),
        }
    }
}
