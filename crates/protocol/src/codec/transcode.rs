//! One value from one encoding into the other, streamed: no tree of it is ever built.
//!
//! Maps and lists recurse, at most [`PAYLOAD_DEPTH_MAX`](crate::limits::PAYLOAD_DEPTH_MAX) deep: the check comes first.

use std::fmt::Display;
use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::Deserializer;
use serde_json::ser::Formatter;

use super::{InvalidPayload, Malformed};
use crate::limits::PAYLOAD_DEPTH_MAX;
use crate::{Encoding, Payload};

/// Appends `payload` in the encoding `to`: the same bytes where it is written so already.
pub(super) fn append(
    payload: Payload<&[u8]>,
    to: Encoding,
    out: &mut Vec<u8>,
) -> Result<(), InvalidPayload> {
    if payload.encoding == to {
        out.extend_from_slice(payload.bytes);
        return Ok(());
    }
    rewrite(payload, to, out)
}

/// Appends `payload` in the encoding `to`, without white space, after having checked it.
pub(super) fn rewrite(
    payload: Payload<&[u8]>,
    to: Encoding,
    out: &mut Vec<u8>,
) -> Result<(), InvalidPayload> {
    payload.check()?;
    let streamed = match payload.encoding {
        Encoding::Json => {
            let mut deserializer = serde_json::Deserializer::from_slice(payload.bytes);
            // Its own limit is one short of ours, and the depth is known by now.
            deserializer.disable_recursion_limit();
            stream(&mut deserializer, to, out)
        }
        Encoding::MessagePack => stream(
            &mut rmp_serde::Deserializer::from_read_ref(payload.bytes),
            to,
            out,
        ),
    };
    streamed.map_err(|what| {
        Malformed {
            encoding: payload.encoding,
            what,
            at: 0,
        }
        .into()
    })
}

fn stream<'de, D>(from: D, to: Encoding, out: &mut Vec<u8>) -> Result<(), String>
where
    D: Deserializer<'de, Error: Display>,
{
    match to {
        Encoding::Json => serde_transcode::transcode(from, &mut json_serializer(out))
            .map_err(|error| error.to_string()),
        Encoding::MessagePack => {
            serde_transcode::transcode(from, &mut rmp_serde::Serializer::new(out))
                .map_err(|error| error.to_string())
        }
    }
}

/// Writes compact JSON from whatever another format holds, no deeper than a payload may be.
pub(super) fn json_serializer(
    out: &mut Vec<u8>,
) -> serde_json::Serializer<&mut Vec<u8>, FromOtherFormat> {
    serde_json::Serializer::with_formatter(out, FromOtherFormat { depth: 0 })
}

/// How JSON writes what only MessagePack has. It also ends the recursion of a deserializer that has a higher limit of
/// its own, or none.
pub(super) struct FromOtherFormat {
    depth: usize,
}

impl FromOtherFormat {
    fn open<W: ?Sized + io::Write>(&mut self, writer: &mut W, bracket: u8) -> io::Result<()> {
        self.depth += 1;
        if self.depth > PAYLOAD_DEPTH_MAX {
            return Err(io::Error::other(InvalidPayload::TooDeep));
        }
        writer.write_all(&[bracket])
    }

    fn close<W: ?Sized + io::Write>(&mut self, writer: &mut W, bracket: u8) -> io::Result<()> {
        self.depth -= 1;
        writer.write_all(&[bracket])
    }
}

impl Formatter for FromOtherFormat {
    /// RFC 4648 section 4: the standard alphabet, padded.
    fn write_byte_array<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        bytes: &[u8],
    ) -> io::Result<()> {
        write!(writer, "\"{}\"", STANDARD.encode(bytes))
    }

    /// The shortest text for the 32-bit float would be another number in 64 bits, in which JSON readers read it.
    fn write_f32<W: ?Sized + io::Write>(&mut self, writer: &mut W, float: f32) -> io::Result<()> {
        self.write_f64(writer, float.into())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open(writer, b'[')
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close(writer, b']')
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open(writer, b'{')
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close(writer, b'}')
    }
}
