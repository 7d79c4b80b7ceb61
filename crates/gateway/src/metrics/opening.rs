//! Connections that never came to their first request.

use super::by_label::CountersBy;

/// What was wrong with the beginning of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpeningFailure {
    /// It does not come from a trusted proxy.
    UntrustedProxy,
    /// It does not begin with a header of PROXY protocol.
    ProxyHeader,
    /// HTTP without TLS.
    PlainHttp,
    /// The TLS handshake failed.
    Tls,
    /// The header, or the handshake, was not there in time.
    TooSlow,
}

impl OpeningFailure {
    pub(crate) const ALL: [Self; 5] = [
        Self::UntrustedProxy,
        Self::ProxyHeader,
        Self::PlainHttp,
        Self::Tls,
        Self::TooSlow,
    ];

    /// The label.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::UntrustedProxy => "untrusted-proxy",
            Self::ProxyHeader => "proxy-header",
            Self::PlainHttp => "plain-http",
            Self::Tls => "tls",
            Self::TooSlow => "too-slow",
        }
    }
}

pub(crate) type OpeningFailures = CountersBy<OpeningFailure, { OpeningFailure::ALL.len() }>;
