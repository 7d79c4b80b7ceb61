//! MessagePack's heads (<https://github.com/msgpack/msgpack/blob/master/spec.md>), one after another. Nothing is ever
//! allocated by a declared length: what is declared and not there is an error.

use rmp::Marker;

use super::Malformed;
use crate::Encoding;

/// The beginning of a value, and all of it where it is no list and no map.
#[derive(Debug)]
pub(super) enum Head<'a> {
    Nil,
    Bool(bool),
    Whole(u64),
    Negative,
    Float(f64),
    /// Not necessarily UTF-8.
    Text(&'a [u8]),
    Binary,
    /// So many values follow.
    List(u32),
    /// So many pairs of key and value follow.
    Map(u32),
    Extension,
}

/// Reads heads from the front of a frame.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes were read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The bytes that were read since `start`.
    pub(super) fn since(&self, start: usize) -> &'a [u8] {
        &self.bytes[start..self.at]
    }

    /// Nothing may follow.
    pub(super) fn end(&self) -> Result<(), Malformed> {
        if self.at == self.bytes.len() {
            Ok(())
        } else {
            Err(self.malformed("more bytes after the value"))
        }
    }

    pub(super) fn head(&mut self) -> Result<Head<'a>, Malformed> {
        let marker = Marker::from_u8(self.array::<1>()?[0]);
        Ok(match marker {
            Marker::Null => Head::Nil,
            Marker::False => Head::Bool(false),
            Marker::True => Head::Bool(true),
            Marker::FixPos(value) => Head::Whole(value.into()),
            Marker::U8 => Head::Whole(self.unsigned(1)?),
            Marker::U16 => Head::Whole(self.unsigned(2)?),
            Marker::U32 => Head::Whole(self.unsigned(4)?),
            Marker::U64 => Head::Whole(self.unsigned(8)?),
            Marker::FixNeg(_) => Head::Negative,
            Marker::I8 => self.signed(1)?,
            Marker::I16 => self.signed(2)?,
            Marker::I32 => self.signed(4)?,
            Marker::I64 => self.signed(8)?,
            Marker::F32 => Head::Float(f32::from_be_bytes(self.array()?).into()),
            Marker::F64 => Head::Float(f64::from_be_bytes(self.array()?)),
            Marker::FixStr(length) => Head::Text(self.take(length.into())?),
            Marker::Str8 => Head::Text(self.sized(1)?),
            Marker::Str16 => Head::Text(self.sized(2)?),
            Marker::Str32 => Head::Text(self.sized(4)?),
            Marker::FixArray(length) => Head::List(length.into()),
            Marker::Array16 => Head::List(self.length(2)?),
            Marker::Array32 => Head::List(self.length(4)?),
            Marker::FixMap(length) => Head::Map(length.into()),
            Marker::Map16 => Head::Map(self.length(2)?),
            Marker::Map32 => Head::Map(self.length(4)?),
            Marker::Reserved => return Err(self.malformed("the reserved byte 0xc1")),
            marker => self.opaque(marker)?,
        })
    }

    /// Those whose bytes are passed over: `bin`, and `ext` with its type byte before the data.
    fn opaque(&mut self, marker: Marker) -> Result<Head<'a>, Malformed> {
        let (width, fixed) = match marker {
            Marker::Bin8 => return self.sized(1).map(|_| Head::Binary),
            Marker::Bin16 => return self.sized(2).map(|_| Head::Binary),
            Marker::Bin32 => return self.sized(4).map(|_| Head::Binary),
            Marker::Ext8 => (1, 0),
            Marker::Ext16 => (2, 0),
            Marker::Ext32 => (4, 0),
            Marker::FixExt1 => (0, 1),
            Marker::FixExt2 => (0, 2),
            Marker::FixExt4 => (0, 4),
            Marker::FixExt8 => (0, 8),
            _ => (0, 16),
        };
        let length = fixed + self.length(width)? as usize;
        self.take(1)?;
        self.take(length).map(|_| Head::Extension)
    }

    fn sized(&mut self, width: usize) -> Result<&'a [u8], Malformed> {
        let length = self.length(width)?;
        self.take(length as usize)
    }

    /// A length of at most 4 bytes.
    fn length(&mut self, width: usize) -> Result<u32, Malformed> {
        Ok(self.unsigned(width)? as u32)
    }

    fn unsigned(&mut self, width: usize) -> Result<u64, Malformed> {
        Ok(self
            .take(width)?
            .iter()
            .fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    fn signed(&mut self, width: usize) -> Result<Head<'a>, Malformed> {
        let number = self.unsigned(width)?;
        let negative = number >> (8 * width - 1) == 1;
        Ok(if negative {
            Head::Negative
        } else {
            Head::Whole(number)
        })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        Ok(self.take(N)?.try_into().expect("N bytes were taken"))
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let taken = self.bytes[self.at..]
            .get(..count)
            .ok_or_else(|| self.malformed("it ends within a value"))?;
        self.at += count;
        Ok(taken)
    }

    fn malformed(&self, what: &str) -> Malformed {
        Malformed {
            encoding: Encoding::MessagePack,
            what: what.to_owned(),
            at: self.at,
        }
    }
}
