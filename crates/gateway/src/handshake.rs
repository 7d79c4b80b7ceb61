//! The opening handshake of a WebSocket, the same at every entrance (RFC 6455 section 4.2, RFC 9110 section 7.8).

use axum::extract::FromRequestParts;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

use crate::headers::listed;

/// Allocated for every idle socket: kept small. What is larger is read in several steps.
const READ_BUFFER_BYTES: usize = 2048;
/// What gathers before it is handed to the kernel; a buffer grows to this only under load.
pub(crate) const WRITE_BUFFER_BYTES: usize = 8192;
/// RFC 6455 section 4.1: a key is so many bytes in base64.
const KEY_BYTES: usize = 16;
/// Some clients encode their random bytes carelessly: the bits that no byte needs are not looked at.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// A request that may become a WebSocket.
pub(crate) struct Handshake(WebSocketUpgrade);

/// Why a request does not become a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HandshakeError {
    #[error("a WebSocket is opened with GET")]
    Method,
    #[error(
        "this address speaks WebSocket: send `Connection: Upgrade` and `Upgrade: websocket` over HTTP/1.1"
    )]
    NoUpgrade,
    #[error("this address speaks version 13 of the WebSocket protocol")]
    Version,
    #[error("a WebSocket handshake has one `Host`")]
    Host,
    #[error("a WebSocket handshake has one `Sec-WebSocket-Key`, 16 bytes in base64")]
    Key,
}

/// Whether a request wants to speak WebSocket from now on, well or badly. Other protocols that it offers are ignored.
pub(crate) fn asks(headers: &HeaderMap) -> bool {
    lists(headers, &header::UPGRADE, "websocket")
}

impl Handshake {
    /// Reads the handshake out of a request.
    pub(crate) async fn read(parts: &mut Parts) -> Result<Self, HandshakeError> {
        check(parts)?;
        make_plain(&mut parts.headers);
        // Not there: the connection cannot be taken over from HTTP.
        let upgrade = WebSocketUpgrade::from_request_parts(parts, &()).await;
        upgrade.map(Self).map_err(|_| HandshakeError::NoUpgrade)
    }

    /// Answers 101 and hands the socket to `serve`, with the first of `subprotocols` that the client offers.
    pub(crate) fn accept<F>(
        self,
        subprotocols: impl IntoIterator<Item = &'static str>,
        message_bytes_max: usize,
        serve: impl FnOnce(WebSocket) -> F + Send + 'static,
    ) -> Response
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let upgrade = self.0.protocols(subprotocols);
        upgrade
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(WRITE_BUFFER_BYTES)
            .max_write_buffer_size(usize::MAX)
            .max_message_size(message_bytes_max)
            .max_frame_size(message_bytes_max)
            .on_upgrade(serve)
    }
}

fn check(parts: &Parts) -> Result<(), HandshakeError> {
    let headers = &parts.headers;
    if parts.method != Method::GET {
        return Err(HandshakeError::Method);
    }
    // RFC 9110 section 7.8: what HTTP/1.0 says of upgrades is ignored.
    let is_upgrade = parts.version >= Version::HTTP_11
        && asks(headers)
        && lists(headers, &header::CONNECTION, "upgrade");
    if !is_upgrade {
        return Err(HandshakeError::NoUpgrade);
    }
    if only(headers, &header::HOST).is_none() {
        return Err(HandshakeError::Host);
    }
    match only(headers, &header::SEC_WEBSOCKET_VERSION) {
        Some(version) if version.as_bytes().trim_ascii() == b"13" => {}
        _ => return Err(HandshakeError::Version),
    }
    let key = only(headers, &header::SEC_WEBSOCKET_KEY)
        .and_then(|key| BASE64.decode(key.as_bytes().trim_ascii()).ok());
    match key {
        Some(key) if key.len() == KEY_BYTES => Ok(()),
        _ => Err(HandshakeError::Key),
    }
}

/// A list may come on several lines, with several words on each: axum reads the first line, and one word where it expects
/// one.
fn make_plain(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(
        header::SEC_WEBSOCKET_VERSION,
        HeaderValue::from_static("13"),
    );
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let offered: Vec<_> = offered.map(HeaderValue::as_bytes).collect();
    if let Ok(offered) = HeaderValue::from_bytes(&offered.join(&b", "[..]))
        && !offered.is_empty()
    {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, offered);
    }
}

/// Whether a list of words has this one, in any case.
fn lists(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    listed(headers, name).any(|listed| listed.eq_ignore_ascii_case(word))
}

/// The value of a header that comes exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

impl IntoResponse for HandshakeError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoUpgrade | Self::Version => StatusCode::UPGRADE_REQUIRED,
            Self::Host | Self::Key => StatusCode::BAD_REQUEST,
        };
        let mut response = (status, format!("{self}\n")).into_response();
        let headers = response.headers_mut();
        let mut say = |name, value| headers.insert(name, HeaderValue::from_static(value));
        match status {
            StatusCode::METHOD_NOT_ALLOWED => {
                say(header::ALLOW, "GET");
            }
            StatusCode::UPGRADE_REQUIRED => {
                say(header::UPGRADE, "websocket");
                say(header::CONNECTION, "upgrade");
                say(header::SEC_WEBSOCKET_VERSION, "13");
            }
            _ => {}
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    const GOOD: &[(&str, &str)] = &[
        ("Host", "call.example"),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    /// A good handshake, but with these lines for the headers that they name.
    fn with(lines: &[(&'static str, &'static str)]) -> Parts {
        let named = |name: &str| lines.iter().any(|(other, _)| *other == name);
        let rest = GOOD.iter().filter(|(name, _)| !named(name));
        let lines = rest.chain(lines).filter(|(_, value)| !value.is_empty());
        let request = lines.fold(Request::builder(), |request, (name, value)| {
            request.header(*name, *value)
        });
        request.body(()).expect("a request").into_parts().0
    }

    #[test]
    fn lists_may_come_on_several_lines_in_any_case() {
        for lines in [
            &[][..],
            &[("Connection", "keep-alive"), ("Connection", "Upgrade")],
            &[("Connection", "Upgrade"), ("Connection", "keep-alive")],
            &[("Connection", "keep-alive, UPGRADE ,x")],
            &[("Upgrade", "h2c, WebSocket")],
            &[("Upgrade", "h2c"), ("Upgrade", "websocket")],
            &[("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAB==")],
        ] {
            assert_eq!(check(&with(lines)), Ok(()), "{lines:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (lines, wrong) in [
            (&[("Connection", "")][..], HandshakeError::NoUpgrade),
            (&[("Connection", "close")], HandshakeError::NoUpgrade),
            (&[("Connection", "upgrades")], HandshakeError::NoUpgrade),
            (&[("Upgrade", "")], HandshakeError::NoUpgrade),
            (&[("Upgrade", "h2c")], HandshakeError::NoUpgrade),
            (&[("Sec-WebSocket-Version", "8")], HandshakeError::Version),
            (&[("Sec-WebSocket-Version", "")], HandshakeError::Version),
            (&[("Sec-WebSocket-Key", "")], HandshakeError::Key),
            (&[("Sec-WebSocket-Key", "AAAA")], HandshakeError::Key),
            (&[("Sec-WebSocket-Key", "not base64!")], HandshakeError::Key),
            (
                &[
                    ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
                    ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
                ],
                HandshakeError::Key,
            ),
            (&[("Host", "")], HandshakeError::Host),
        ] {
            assert_eq!(check(&with(lines)), Err(wrong), "{lines:?}");
        }
        let mut old = with(&[]);
        old.version = Version::HTTP_10;
        assert_eq!(check(&old), Err(HandshakeError::NoUpgrade));
        let mut post = with(&[]);
        post.method = Method::POST;
        assert_eq!(check(&post), Err(HandshakeError::Method));
    }

    #[test]
    fn subprotocols_of_all_lines_are_offered() {
        let mut parts = with(&[
            ("Sec-WebSocket-Protocol", "a, b"),
            ("Sec-WebSocket-Protocol", "c"),
        ]);
        make_plain(&mut parts.headers);
        let offered = only(&parts.headers, &header::SEC_WEBSOCKET_PROTOCOL);
        assert_eq!(offered.expect("one line"), "a, b, c");
    }
}
