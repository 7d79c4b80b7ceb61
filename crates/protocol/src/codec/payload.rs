//! What the codecs know about a payload: whether it is one, and how it reads in the other encoding.

use std::borrow::Cow;

use super::{InvalidPayload, json, mended, scan_json, scan_msgpack, transcode};
use crate::{Encoding, Payload};

impl<'a> Payload<Cow<'a, [u8]>> {
    /// A payload from JSON that another dialect's client wrote: with what JavaScript writes and a payload cannot hold
    /// [`mended`].
    pub fn from_javascript(json: &'a str) -> Result<Self, InvalidPayload> {
        let text = json::parse(json.as_bytes())?;
        let text = match scan_json::check(text) {
            Ok(()) => Cow::Borrowed(text),
            Err(InvalidPayload::LoneSurrogate | InvalidPayload::NumberRange) => {
                let text = mended(text);
                scan_json::check(&text)?;
                text
            }
            Err(error) => return Err(error),
        };
        let bytes = match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
        Ok(Self {
            encoding: Encoding::Json,
            bytes,
        })
    }
}

impl<B: AsRef<[u8]>> Payload<B> {
    /// Takes bytes from outside for a payload after having checked them.
    pub fn new(encoding: Encoding, bytes: B) -> Result<Self, InvalidPayload> {
        let payload = Self { encoding, bytes };
        payload.check()?;
        Ok(payload)
    }

    /// Whether the bytes are one value that both encodings have. The codecs do this for what they read.
    pub fn check(&self) -> Result<(), InvalidPayload> {
        let bytes = self.bytes.as_ref();
        match self.encoding {
            Encoding::Json => scan_json::check(json::parse(bytes)?),
            Encoding::MessagePack => scan_msgpack::check(bytes),
        }
    }

    /// The payload's bytes in the encoding `to`; borrowed, and as they came, where it is written so already.
    pub fn transcode_to(&self, to: Encoding) -> Result<Cow<'_, [u8]>, InvalidPayload> {
        let payload = self.as_slice();
        if payload.encoding == to {
            return Ok(Cow::Borrowed(payload.bytes));
        }
        let mut out = Vec::with_capacity(payload.bytes.len());
        transcode::append(payload, to, &mut out)?;
        Ok(Cow::Owned(out))
    }
}
