//! JSON (RFC 8259): serde_json finds the fields and knows what is valid.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::field::Field;
use super::fields::Fields;
use super::raw::Raw;
use super::scalar::Scalar;
use super::scan_json::check_depth;
use super::{Fault, InvalidPayload, Malformed};
use crate::Encoding;

/// Finds the fields of the message in `frame`. On an error, those before it are found.
pub(super) fn collect<'a>(frame: &'a [u8], fields: &mut Fields<'a>) -> Result<(), Fault> {
    let text = utf8(frame)?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let unknown = FieldsSeed(fields)
        .deserialize(&mut deserializer)
        .map_err(|error| not_fields(text, &error))?;
    deserializer
        .end()
        .map_err(|error| malformed(text, &error))?;
    unknown.map_err(Fault::Unknown)
}

/// Whether `bytes` are one JSON value, whatever it holds.
pub(super) fn parse(bytes: &[u8]) -> Result<&str, Malformed> {
    let text = utf8(bytes)?;
    match serde_json::from_str::<&RawValue>(text) {
        Ok(value) => Ok(value.get()),
        Err(error) => Err(malformed(text, &error)),
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|error| Malformed {
        encoding: Encoding::Json,
        what: "bytes that are not UTF-8".to_owned(),
        at: error.valid_up_to(),
    })
}

fn not_fields(text: &str, error: &serde_json::Error) -> Fault {
    if error.is_data() {
        Fault::NotAMap {
            found: Scalar::of_json(text.trim_ascii_start()).describe(),
        }
    } else {
        malformed(text, error).into()
    }
}

/// serde_json counts lines and columns from 1; a frame has bytes.
fn malformed(text: &str, error: &serde_json::Error) -> Malformed {
    let lines_before = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1));
    let at = lines_before.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
    let message = error.to_string();
    let what = message
        .rsplit_once(" at line ")
        .map_or(message.as_str(), |(what, _)| what);
    Malformed {
        encoding: Encoding::Json,
        what: what.to_owned(),
        at,
    }
}

/// Reads a map into the fields; the value says whether the unknown ones are nested as deep as may be.
struct FieldsSeed<'f, 'a>(&'f mut Fields<'a>);

impl<'a> DeserializeSeed<'a> for FieldsSeed<'_, 'a> {
    type Value = Result<(), InvalidPayload>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for FieldsSeed<'_, 'a> {
    type Value = Result<(), InvalidPayload>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut unknown = Ok(());
        while let Some(Name(field)) = map.next_key()? {
            let value: &'a RawValue = map.next_value()?;
            match field {
                Some(field) => self.0.set(field, Raw::Json(value.get())),
                None => unknown = unknown.and_then(|()| check_depth(value.get())),
            }
        }
        Ok(unknown)
    }
}

/// The name of a field, if it is a known one.
struct Name(Option<Field>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As bytes, because a name that is not known here may be any text, also one with half of a surrogate pair.
        deserializer.deserialize_bytes(NameVisitor)
    }
}

struct NameVisitor;

impl Visitor<'_> for NameVisitor {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E>(self, name: &[u8]) -> Result<Name, E> {
        Ok(Name(str::from_utf8(name).ok().and_then(Field::from_name)))
    }
}
