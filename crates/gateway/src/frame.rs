//! Frames as axum has them, and as everybody else here does: the one place where the one becomes the other. Nothing is
//! copied on the way, and a text is not looked at again.

use axum::Error;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes};
use bytes::Bytes;
use switchboard_connection::Ended;
use switchboard_dialects::{Frame, Text};
use switchboard_protocol::CloseCode;
use switchboard_session::{Closing, millis_up};
use tokio_tungstenite::tungstenite;

/// A control frame's payload: RFC 6455 section 5.5, less the two bytes of the code.
const REASON_BYTES_MAX: usize = 123;

/// What came over a WebSocket.
pub(crate) fn read(message: Message) -> Frame {
    match message {
        Message::Text(text) => Frame::Text(Text::lent(Lent(text))),
        Message::Binary(bytes) => Frame::Binary(bytes),
        Message::Ping(_) => Frame::Ping,
        Message::Pong(_) => Frame::Pong,
        Message::Close(_) => Frame::Close(None),
    }
}

/// What goes over a WebSocket.
pub(crate) fn written(frame: Frame) -> Message {
    match frame {
        Frame::Text(text) => Message::Text(text.into_string().into()),
        Frame::Binary(bytes) => Message::Binary(bytes),
        Frame::Ping => Message::Ping(Bytes::new()),
        Frame::Pong => Message::Pong(Bytes::new()),
        Frame::Close(closing) => Message::Close(closing.as_ref().map(|closing| CloseFrame {
            code: closing.code.number(),
            reason: reason(closing),
        })),
    }
}

/// A text that axum has read.
struct Lent(Utf8Bytes);

impl AsRef<str> for Lent {
    fn as_ref(&self) -> &str {
        self.0.as_str()
    }
}

/// What an error of a WebSocket means for its client.
pub(crate) fn ended(error: Error) -> Ended {
    use tungstenite::Error::{Capacity, Protocol, Utf8};
    use tungstenite::error::{CapacityError, ProtocolError};
    let closing = match error.into_inner().downcast_ref() {
        Some(Capacity(CapacityError::MessageTooLong { max_size, .. })) => Closing::because(
            CloseCode::TooLarge,
            format!("a message may have {max_size} bytes at most"),
        ),
        None | Some(Protocol(ProtocolError::ResetWithoutClosingHandshake)) => return Ended::Gone,
        Some(error @ (Protocol(_) | Utf8(_))) => {
            Closing::because(CloseCode::Protocol, error.to_string())
        }
        Some(_) => return Ended::Gone,
    };
    Ended::Unreadable(closing)
}

/// What a close frame says: words, and where coming back helps after a while, JSON with that time.
fn reason(closing: &Closing) -> Utf8Bytes {
    let Some(pause) = closing.retry_after else {
        return cut(&closing.reason, REASON_BYTES_MAX).into();
    };
    let retry_after_ms = millis_up(pause);
    let with = |reason: &str| {
        serde_json::json!({ "retry_after_ms": retry_after_ms, "reason": reason }).to_string()
    };
    let room = REASON_BYTES_MAX.saturating_sub(with("").len());
    let full = with(cut(&closing.reason, room));
    if full.len() <= REASON_BYTES_MAX {
        full.into()
    } else {
        with("").into()
    }
}

fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_reason_fits_a_control_frame_and_tells_when_to_come_back() {
        let long = Closing::because(CloseCode::Unavailable, "한".repeat(100))
            .retry_after(Duration::from_micros(1_499_001));
        let told = reason(&long);
        assert!(told.len() <= REASON_BYTES_MAX, "{told}");
        let json: serde_json::Value = serde_json::from_str(&told).expect("JSON");
        assert_eq!(json["retry_after_ms"], 1500);
        assert!(
            reason(&Closing::because(CloseCode::Protocol, "x".repeat(500))).len()
                <= REASON_BYTES_MAX
        );
    }

    #[test]
    fn a_text_goes_through_without_being_copied() {
        let came = Utf8Bytes::from("v=0".to_owned());
        let at = came.as_ptr();
        let Frame::Text(text) = read(Message::Text(came)) else {
            panic!("it is a text");
        };
        assert_eq!((&*text, text.as_ptr()), ("v=0", at));
        let goes = "v=0".to_owned();
        let at = goes.as_ptr();
        let Message::Text(text) = written(Frame::Text(goes.into())) else {
            panic!("it is a text");
        };
        assert_eq!((text.as_str(), text.as_ptr()), ("v=0", at));
    }
}
