//! The native protocol: the messages of `switchboard_protocol`, JSON in text frames or MessagePack in binary ones.

use axum::extract::ws::{Message, Utf8Bytes};
use switchboard_protocol::codec::EncodeError;
use switchboard_protocol::{Codec, DecodeError, ServerMessage};
use switchboard_session::Input;

use super::{Dialect, Frame, Heard};
use crate::config::DialectName;

/// A connection that speaks the native protocol.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Native {
    codec: Codec,
}

impl Native {
    /// With the codec that the subprotocol chose; JSON where none was offered.
    pub(crate) fn new(codec: Codec) -> Self {
        Self { codec }
    }
}

impl Dialect for Native {
    fn name(&self) -> &'static str {
        DialectName::Native.as_str()
    }

    fn resumes(&self) -> bool {
        true
    }

    fn hear(&mut self, frame: Frame<'_>, heard: &mut dyn FnMut(Heard<'_>)) {
        let decoded = match (self.codec, frame) {
            (Codec::Json, Frame::Text(text)) => self.codec.decode(text.as_bytes()),
            (Codec::MessagePack, Frame::Binary(bytes)) => self.codec.decode(bytes),
            (codec, _) => Err(DecodeError::frame_type(codec.encoding())),
        };
        heard(Heard::Input(match decoded {
            Ok(message) => Input::Message(message),
            Err(error) => Input::Broken(error),
        }));
    }

    fn say(
        &mut self,
        message: &ServerMessage,
        say: &mut dyn FnMut(Message),
    ) -> Result<(), EncodeError> {
        let mut bytes = Vec::with_capacity(256);
        self.codec.encode(message, &mut bytes)?;
        say(match self.codec {
            Codec::Json => Message::Text(
                Utf8Bytes::try_from(bytes).map_err(|_| EncodeError::Value("not UTF-8".into()))?,
            ),
            Codec::MessagePack => Message::Binary(bytes.into()),
        });
        Ok(())
    }
}
