//! The native protocol: the messages of `switchboard_protocol`, JSON in text frames or MessagePack in binary ones.

use switchboard_protocol::codec::EncodeError;
use switchboard_protocol::{Codec, DecodeError, ServerMessage};
use switchboard_session::Input;

use crate::{Content, Dialect, DialectName, Frame, Heard};

/// A connection that speaks the native protocol.
#[derive(Debug, Clone, Copy)]
pub struct Native {
    codec: Codec,
}

impl Native {
    /// With the codec that the subprotocol chose; JSON where none was offered.
    pub fn new(codec: Codec) -> Self {
        Self { codec }
    }
}

impl Dialect for Native {
    fn name(&self) -> &'static str {
        DialectName::Native.as_str()
    }

    fn refreshes(&self) -> bool {
        true
    }

    fn resumes(&self) -> bool {
        true
    }

    fn hear(&mut self, content: Content<'_>, heard: &mut dyn FnMut(Heard<'_>)) {
        let decoded = match (self.codec, content) {
            (Codec::Json, Content::Text(text)) => self.codec.decode(text.as_bytes()),
            (Codec::MessagePack, Content::Binary(bytes)) => self.codec.decode(bytes),
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
        say: &mut dyn FnMut(Frame),
    ) -> Result<(), EncodeError> {
        let mut bytes = Vec::with_capacity(256);
        self.codec.encode(message, &mut bytes)?;
        say(match self.codec {
            Codec::Json => Frame::Text(
                String::from_utf8(bytes)
                    .map_err(|_| EncodeError::Value("not UTF-8".into()))?
                    .into(),
            ),
            Codec::MessagePack => Frame::Binary(bytes.into()),
        });
        Ok(())
    }
}
