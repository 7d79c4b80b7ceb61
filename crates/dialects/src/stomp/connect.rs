//! How a STOMP connection begins: CONNECT, and the answer to it.

use std::borrow::Cow;
use std::time::Duration;

use switchboard_protocol::client_message::Hello;
use switchboard_protocol::server_message::Welcome;
use switchboard_stomp::{Agreed, Command, Frame, HeartBeat, Version};

use crate::Introduction;

/// A client is given up after so many times the pause that it promised. Browsers run the timers of hidden pages once a
/// minute, whatever the page promised, and with the default heartbeat of 15 s that is covered. A connection that is lost,
/// and not only quiet, is noticed sooner: by WebSocket pings, which browsers answer by themselves.
const PAUSES_MISSED_MAX: u32 = 5;

/// What a CONNECT frame settles.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) version: Version,
    heart_beat: HeartBeat,
}

/// Who shows when that it is alive, for the time of the connection.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Beats {
    /// Whether the client wants any.
    pub(super) are_sent: bool,
    /// Silence after which the client counts as gone.
    pub(super) silence_max: Option<Duration>,
}

/// What a CONNECT frame says; an error says what it should.
pub(super) fn read(frame: &Frame<'_>) -> Result<(Terms, Introduction<'static>), String> {
    let version = Version::negotiate(frame.header("accept-version"));
    let heart_beat = HeartBeat::parse(frame.header("heart-beat"));
    let terms = Terms {
        version: version.map_err(|error| error.to_string())?,
        heart_beat: heart_beat.map_err(|error| error.to_string())?,
    };
    let token = frame.header("Authorization").and_then(bearer);
    let token = token.or_else(|| frame.header("passcode"));
    let owned = |text: &str| Cow::Owned(text.to_owned());
    let hello = Hello {
        token: token.filter(|token| !token.is_empty()).map(owned),
        ..Hello::default()
    };
    let user = frame.header("login").filter(|user| !user.is_empty());
    let user = user.map(owned);
    Ok((terms, Introduction { hello, user }))
}

/// RFC 6750 section 2.1, in a header of STOMP.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl Terms {
    /// The answer, and what it promises. This side beats as often as its session pings, and wants the same.
    pub(super) fn connected(self, welcome: &Welcome) -> (Frame<'static>, Beats) {
        let pause = u32::try_from(welcome.heartbeat_ms).unwrap_or(u32::MAX);
        let ours = HeartBeat {
            can_send_ms: pause,
            wants_ms: pause,
        };
        let Agreed {
            send_every,
            expect_every,
        } = ours.agree(self.heart_beat);
        let frame = Frame::new(Command::Connected)
            .with("version", self.version.as_str())
            .with("heart-beat", &ours.to_string())
            .with("session", welcome.peer.as_str())
            .with("server", "switchboard")
            .with("user-name", welcome.user.as_str());
        let beats = Beats {
            are_sent: send_every.is_some(),
            silence_max: expect_every.map(|pause| pause * PAUSES_MISSED_MAX),
        };
        (frame, beats)
    }
}
