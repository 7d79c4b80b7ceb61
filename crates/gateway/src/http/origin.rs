//! From which pages a browser may come (RFC 6454): cross-site pages can open WebSockets, so a gateway has to look.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::config::{Config, Origin};

/// The rule for origins.
pub(crate) enum Origins {
    /// Any: `*` was said, or nothing and the node listens on loopback only.
    Any,
    /// The page must come from the address it connects to.
    Same,
    /// One of these.
    Listed(Vec<Origin>),
}

impl Origins {
    pub(crate) fn from_config(config: &Config) -> Self {
        match &config.origins[..] {
            [] if config.listen.ip().is_loopback() => Self::Any,
            [] => Self::Same,
            listed if listed.iter().any(Origin::is_any) => Self::Any,
            listed => Self::Listed(listed.to_vec()),
        }
    }

    /// Whether a page of `origin` may send a request with these headers.
    pub(crate) fn allow(&self, origin: &HeaderValue, headers: &HeaderMap) -> bool {
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        match self {
            Self::Any => true,
            Self::Listed(listed) => listed
                .iter()
                .any(|allowed| allowed.as_str().eq_ignore_ascii_case(origin)),
            Self::Same => {
                let host = headers
                    .get(header::HOST)
                    .and_then(|host| host.to_str().ok());
                let authority = origin.split_once("://").map(|(_, authority)| authority);
                host.is_some() && host == authority
            }
        }
    }

    /// Whether a WebSocket handshake with these headers may go on. Clients that are no browsers send no origin.
    pub(crate) fn allow_handshake(&self, headers: &HeaderMap) -> bool {
        headers
            .get(header::ORIGIN)
            .is_none_or(|origin| self.allow(origin, headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(origins: &Origins, origin: &str) -> bool {
        let headers = HeaderMap::from_iter([
            (header::HOST, HeaderValue::from_static("call.example:8080")),
            (
                header::ORIGIN,
                HeaderValue::from_str(origin).expect("a header"),
            ),
        ]);
        origins.allow_handshake(&headers)
    }

    #[test]
    fn without_a_list_a_page_comes_from_the_host_it_connects_to() {
        assert!(allows(&Origins::Same, "http://call.example:8080"));
        assert!(!allows(&Origins::Same, "http://evil.example"));
        assert!(!allows(&Origins::Same, "null"));
        assert!(
            Origins::Same.allow_handshake(&HeaderMap::new()),
            "no browser"
        );
    }
}
