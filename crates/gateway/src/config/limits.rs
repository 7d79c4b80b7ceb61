//! What one client, and all clients together, may ask of the node.

use std::num::NonZeroU32;
use std::time::Duration;

/// Keys `limits.*`. A 0 is refused except where it is said to mean off.
///
/// An address is that of a client, as `proxy.*` finds it; the first 64 bits of one of IPv6. Each node counts for itself.
#[derive(Debug, Clone)]
pub struct LimitsConfig {
    /// One message from a client, bytes. Default 262144; over it: close 1009.
    pub max_message_bytes: usize,
    /// What may wait for one slow client, bytes. Default 1048576; over it: close 4413. Not below `max_message_bytes`.
    pub outbox_bytes: usize,
    /// Signals per second that a session may send on end. Default 100; over it: `rate-limited`.
    pub signals_per_second: u32,
    /// Other requests per second that a session may make on end: joins, leaves, states, pings. Default 100; over it:
    /// `rate-limited`.
    pub requests_per_second: u32,
    /// Signals, and beside them requests, that may come at once after a pause. Default 400.
    pub burst: u32,
    /// What a session may send on end, bytes per second; each frame counts for 64 more. Four seconds of it may come at once.
    /// Default 1048576; over it: `rate-limited`, and close 4429 for a client that sends as much again all the same. Not below
    /// a quarter of `max_message_bytes`.
    pub bytes_per_second: usize,
    /// What one session may make the cluster write to the members of its rooms, bytes per second: each signal without a
    /// receiver, each join, name and state counts for every member. Four seconds of it may come at once. Default 16777216;
    /// over it: `rate-limited`.
    pub fan_out_bytes_per_second: usize,
    /// Sessions on this node: connections that said `hello`. Default 100000, or less where the open-file limit says so; over
    /// it: close 4503.
    pub sessions: usize,
    /// Sessions of one user. Default 5; over it: close 4429.
    pub sessions_per_user: u32,
    /// Sessions of one address on this node. Default 10000; over it, a new one is closed with 4429. 0: off.
    pub sessions_per_address: Option<NonZeroU32>,
    /// What the sessions without a connection that this node keeps may take in Redis, bytes, as estimated. Default
    /// 268435456; over it, the youngest expire.
    pub away_bytes: usize,
    /// The same where nobody is asked for a token. Default 18874368.
    pub away_bytes_anonymous: usize,
    /// Signals of one session that wait for their answer. Default 1024; over it: `overloaded`.
    pub in_flight: u32,
    /// Their payload, bytes. Default 1048576; not below `max_message_bytes`.
    pub in_flight_bytes: usize,
    /// The payload of all unanswered signals of the node, bytes. Default 268435456; not below `in_flight_bytes`.
    pub node_in_flight_bytes: usize,
    /// New sessions per second on this node; one second of it may come at once. Over it: close 4503. Default 0: off.
    pub connects_per_second: Option<NonZeroU32>,
    /// New sessions per second of one address; ten seconds of it may come at once. Over it: close 4429. Default 0: off.
    pub connects_per_second_per_address: Option<NonZeroU32>,
    /// HTTP requests per second with a token, of one address; ten seconds of it may come at once. Default 100; over it: 429.
    /// 0: off.
    pub http_per_second_per_address: Option<NonZeroU32>,
    /// The same of one user. Default 5.
    pub http_per_second_per_user: Option<NonZeroU32>,
    /// Tokens per second of one address that turn out to be forged; ten seconds of it may come at once. Over it, its tokens are
    /// not looked at: close 4429. Default 20. 0: off.
    pub wrong_tokens_per_second_per_address: Option<NonZeroU32>,
    /// How long a client may take to send the head of an HTTP request, and again its body; also how long a connection may be
    /// idle between two requests, and how long a client may read nothing of an answer. Default 10 s.
    pub header_read_timeout: Duration,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            max_message_bytes: 262_144,
            outbox_bytes: 1_048_576,
            signals_per_second: 100,
            requests_per_second: 100,
            burst: 400,
            bytes_per_second: 1_048_576,
            fan_out_bytes_per_second: 16_777_216,
            sessions: 100_000,
            sessions_per_user: 5,
            sessions_per_address: NonZeroU32::new(10_000),
            away_bytes: 268_435_456,
            away_bytes_anonymous: 18_874_368,
            in_flight: 1024,
            in_flight_bytes: 1_048_576,
            node_in_flight_bytes: 268_435_456,
            connects_per_second: None,
            connects_per_second_per_address: None,
            http_per_second_per_address: NonZeroU32::new(100),
            http_per_second_per_user: NonZeroU32::new(5),
            wrong_tokens_per_second_per_address: NonZeroU32::new(20),
            header_read_timeout: Duration::from_secs(10),
        }
    }
}
