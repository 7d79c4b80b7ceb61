//! A pass over MessagePack that looks only at heads and lengths. Without recursion, so that nesting costs nothing.

use smallvec::SmallVec;

use super::InvalidPayload;
use super::msgpack_reader::{Head, Reader};
use crate::limits::PAYLOAD_DEPTH_MAX;

/// Whether `bytes` are one MessagePack value and a payload.
pub(super) fn check(bytes: &[u8]) -> Result<(), InvalidPayload> {
    let mut reader = Reader::new(bytes);
    walk(&mut reader, |head, is_key| match head {
        Head::Text(text) if std::str::from_utf8(text).is_err() => Err(InvalidPayload::NotUtf8),
        Head::Text(_) => Ok(()),
        _ if is_key => Err(InvalidPayload::KeyNotText),
        Head::Float(float) if !float.is_finite() => Err(InvalidPayload::NotFinite),
        Head::Extension => Err(InvalidPayload::Extension),
        _ => Ok(()),
    })?;
    Ok(reader.end()?)
}

/// Passes over one value, whatever it holds, and returns its bytes.
pub(super) fn skip<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], InvalidPayload> {
    let start = reader.position();
    walk(reader, |_, _| Ok(()))?;
    Ok(reader.since(start))
}

/// Passes over one value, with everything in it; `visit` is told of each head and whether it is a map's key.
fn walk<'a>(
    reader: &mut Reader<'a>,
    mut visit: impl FnMut(&Head<'a>, bool) -> Result<(), InvalidPayload>,
) -> Result<(), InvalidPayload> {
    let mut open: SmallVec<[Container; 8]> = SmallVec::new();
    let mut is_key = false;
    loop {
        let head = reader.head()?;
        visit(&head, is_key)?;
        if let Some(container) = Container::opened_by(&head) {
            if open.len() == PAYLOAD_DEPTH_MAX {
                return Err(InvalidPayload::TooDeep);
            }
            open.push(container);
        }
        while open.last().is_some_and(|container| container.left == 0) {
            open.pop();
        }
        let Some(container) = open.last_mut() else {
            return Ok(());
        };
        is_key = container.is_map && container.left % 2 == 0;
        container.left -= 1;
    }
}

/// A list or map whose values are being passed over.
struct Container {
    is_map: bool,
    /// Keys count, too.
    left: u64,
}

impl Container {
    fn opened_by(head: &Head<'_>) -> Option<Self> {
        match *head {
            Head::List(length) => Some(Self {
                is_map: false,
                left: length.into(),
            }),
            Head::Map(length) => Some(Self {
                is_map: true,
                left: u64::from(length) * 2,
            }),
            _ => None,
        }
    }
}
