//! Writes a message field by field, for those whose payload is bytes already.

use rmp::Marker;
use serde::Serialize;

use super::{Codec, EncodeError, transcode};
use crate::Payload;

/// A map that is being written. [`finish`](Self::finish) makes it whole.
pub(super) struct MapWriter<'o> {
    codec: Codec,
    out: &'o mut Vec<u8>,
    /// Where MessagePack's head is, which says how many fields there are.
    head: usize,
    fields: u8,
}

impl<'o> MapWriter<'o> {
    /// Begins a message of this type.
    pub(super) fn new(
        codec: Codec,
        message: &str,
        out: &'o mut Vec<u8>,
    ) -> Result<Self, EncodeError> {
        let head = out.len();
        out.push(match codec {
            Codec::Json => b'{',
            Codec::MessagePack => Marker::FixMap(0).to_u8(),
        });
        let mut map = Self {
            codec,
            out,
            head,
            fields: 0,
        };
        map.field("type", message)?;
        Ok(map)
    }

    pub(super) fn field<T: Serialize + ?Sized>(
        &mut self,
        name: &str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.name(name)?;
        append(self.codec, value, self.out)
    }

    pub(super) fn optional<T: Serialize>(
        &mut self,
        name: &str,
        value: &Option<T>,
    ) -> Result<(), EncodeError> {
        value
            .as_ref()
            .map_or(Ok(()), |value| self.field(name, value))
    }

    pub(super) fn payload(
        &mut self,
        name: &str,
        payload: Payload<&[u8]>,
    ) -> Result<(), EncodeError> {
        self.name(name)?;
        Ok(transcode::append(payload, self.codec.encoding(), self.out)?)
    }

    pub(super) fn finish(self) {
        match self.codec {
            Codec::Json => self.out.push(b'}'),
            Codec::MessagePack => self.out[self.head] = Marker::FixMap(self.fields).to_u8(),
        }
    }

    fn name(&mut self, name: &str) -> Result<(), EncodeError> {
        if self.codec == Codec::Json && self.fields > 0 {
            self.out.push(b',');
        }
        self.fields += 1;
        debug_assert!(self.fields < 16, "a fixmap has at most 15 fields");
        append(self.codec, name, self.out)?;
        if self.codec == Codec::Json {
            self.out.push(b':');
        }
        Ok(())
    }
}

/// Appends one value; a struct becomes a map in both encodings.
pub(super) fn append<T: Serialize + ?Sized>(
    codec: Codec,
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let written = match codec {
        Codec::Json => serde_json::to_writer(out, value).map_err(|error| error.to_string()),
        Codec::MessagePack => value
            .serialize(&mut rmp_serde::Serializer::new(out).with_struct_map())
            .map_err(|error| error.to_string()),
    };
    written.map_err(EncodeError::Value)
}
