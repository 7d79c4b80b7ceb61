//! MessagePack: the same maps as in JSON, their keys strings.

use super::field::Field;
use super::fields::Fields;
use super::msgpack_reader::{Head, Reader};
use super::raw::Raw;
use super::scalar::Scalar;
use super::scan_msgpack::skip;
use super::{Fault, InvalidPayload};

/// Finds the fields of the message in `frame`. On an error, those before it are found.
pub(super) fn collect<'a>(frame: &'a [u8], fields: &mut Fields<'a>) -> Result<(), Fault> {
    let mut reader = Reader::new(frame);
    let length = match reader.head()? {
        Head::Map(length) => length,
        head => {
            return Err(Fault::NotAMap {
                found: Scalar::of_head(head).describe(),
            });
        }
    };
    for _ in 0..length {
        let Head::Text(name) = reader.head()? else {
            return Err(Fault::Unknown(InvalidPayload::KeyNotText));
        };
        let field = std::str::from_utf8(name).ok().and_then(Field::from_name);
        let value = skip(&mut reader).map_err(|why| not_a_value(field, why))?;
        if let Some(field) = field {
            fields.set(field, Raw::MessagePack(value));
        }
    }
    Ok(reader.end()?)
}

fn not_a_value(field: Option<Field>, why: InvalidPayload) -> Fault {
    match (why, field) {
        (InvalidPayload::Malformed(malformed), _) => malformed.into(),
        (why, Some(field)) => Fault::Payload {
            field: field.name(),
            why,
        },
        (why, None) => Fault::Unknown(why),
    }
}
