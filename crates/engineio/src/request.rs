//! Which request is for what.

use crate::refused::Refused;
use crate::session::Transport;
use crate::sid::Sid;

/// The version in `EIO`.
const VERSION: &str = "4";

/// A request, by its method and its query. The server reads its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// Opens a session; with [`Transport::WebSocket`] the request is a WebSocket handshake, which is checked elsewhere.
    Open(Transport),
    /// Asks for what waits.
    Poll(Sid),
    /// Brings packets.
    Post(Sid),
    /// A WebSocket handshake that is to take over from polling.
    Upgrade(Sid),
}

impl Request {
    /// Reads method and query (without the question mark).
    ///
    /// # Errors
    /// When it is for nothing.
    pub fn read(method: &str, query: &str) -> Result<Self, Refused> {
        let transport = match value(query, "transport") {
            Some("polling") => Transport::Polling,
            Some("websocket") => Transport::WebSocket,
            _ => return Err(Refused::UnknownTransport),
        };
        let sid = match value(query, "sid") {
            Some(sid) => Some(Sid::parse(sid).ok_or(Refused::UnknownSid)?),
            None if method != "GET" => return Err(Refused::BadHandshakeMethod),
            None => None,
        };
        match (value(query, "EIO"), sid) {
            (Some(VERSION), _) | (None, Some(_)) => {}
            _ => return Err(Refused::UnsupportedVersion),
        }
        // Scripts as answers, for browsers of the past.
        if value(query, "j").is_some() {
            return Err(Refused::BadRequest);
        }
        match (transport, sid, method) {
            (transport, None, _) => Ok(Self::Open(transport)),
            (Transport::Polling, Some(sid), "GET") => Ok(Self::Poll(sid)),
            (Transport::Polling, Some(sid), "POST") => Ok(Self::Post(sid)),
            (Transport::WebSocket, Some(sid), "GET") => Ok(Self::Upgrade(sid)),
            _ => Err(Refused::BadRequest),
        }
    }
}

fn value<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "abcdefghij_-ABCDE012";

    #[track_caller]
    fn is_read(method: &str, query: &str, request: Result<Request, Refused>) {
        let query = query.replace("SID", ID);
        assert_eq!(Request::read(method, &query), request, "{method} {query}");
    }

    #[test]
    fn requests_are_told_apart() {
        let sid = Sid::parse(ID).expect("an id");
        for (method, query, request) in [
            (
                "GET",
                "EIO=4&transport=polling",
                Ok(Request::Open(Transport::Polling)),
            ),
            (
                "GET",
                "transport=websocket&EIO=4",
                Ok(Request::Open(Transport::WebSocket)),
            ),
            (
                "GET",
                "EIO=4&transport=polling&sid=SID",
                Ok(Request::Poll(sid)),
            ),
            (
                "GET",
                "transport=polling&sid=SID&t=x",
                Ok(Request::Poll(sid)),
            ),
            (
                "POST",
                "EIO=4&transport=polling&t=x&sid=SID",
                Ok(Request::Post(sid)),
            ),
            (
                "GET",
                "EIO=4&transport=websocket&sid=SID",
                Ok(Request::Upgrade(sid)),
            ),
        ] {
            is_read(method, query, request);
        }
    }

    #[test]
    fn what_is_no_request_is_refused() {
        use Refused::*;
        for (method, query, refused) in [
            ("GET", "", UnknownTransport),
            ("GET", "EIO=4", UnknownTransport),
            ("GET", "EIO=4&transport=abc", UnknownTransport),
            ("GET", "EIO=4&transport=", UnknownTransport),
            ("GET", "transport=polling", UnsupportedVersion),
            ("GET", "EIO=3&transport=polling", UnsupportedVersion),
            ("GET", "EIO=3&transport=polling&sid=SID", UnsupportedVersion),
            ("POST", "EIO=4&transport=polling", BadHandshakeMethod),
            ("PUT", "EIO=4&transport=websocket", BadHandshakeMethod),
            ("HEAD", "EIO=4&transport=polling", BadHandshakeMethod),
            ("PUT", "EIO=4&transport=polling&sid=SID", BadRequest),
            ("POST", "EIO=4&transport=websocket&sid=SID", BadRequest),
            ("GET", "EIO=4&transport=polling&j=0", BadRequest),
            ("GET", "EIO=4&transport=polling&sid=", UnknownSid),
            ("GET", "EIO=4&transport=polling&sid=short", UnknownSid),
            (
                "GET",
                "EIO=4&transport=polling&sid=abcdefghij_-ABCDE01%",
                UnknownSid,
            ),
        ] {
            is_read(method, query, Err(refused));
        }
    }

    #[test]
    fn errors_are_the_protocols() {
        let said = |refused: Refused| (refused.status(), refused.body());
        for (refused, status, body) in [
            (
                Refused::UnknownTransport,
                400,
                r#"{"code":0,"message":"Transport unknown"}"#,
            ),
            (
                Refused::UnknownSid,
                400,
                r#"{"code":1,"message":"Session ID unknown"}"#,
            ),
            (
                Refused::BadHandshakeMethod,
                400,
                r#"{"code":2,"message":"Bad handshake method"}"#,
            ),
            (
                Refused::BadRequest,
                400,
                r#"{"code":3,"message":"Bad request"}"#,
            ),
            (
                Refused::Forbidden,
                403,
                r#"{"code":4,"message":"Forbidden"}"#,
            ),
            (
                Refused::UnsupportedVersion,
                400,
                r#"{"code":5,"message":"Unsupported protocol version"}"#,
            ),
            (
                Refused::TooLarge,
                413,
                r#"{"code":3,"message":"Payload too large"}"#,
            ),
            (
                Refused::TooSlow,
                408,
                r#"{"code":3,"message":"Request timeout"}"#,
            ),
        ] {
            assert_eq!(said(refused), (status, body.to_owned()));
        }
    }
}
