//! What is between the empty line and the NUL.

use std::borrow::Cow;

use super::head::Head;
use super::join;
use crate::{Fault, Version};

/// Reads the body that `kept` begins, and the NUL behind it, from the front of `input`; `None`: it goes on in the next
/// piece. Memory is taken only for what has come, whatever `content-length` announces.
///
/// STOMP 1.0 leaves open which frames have a body, and says of some that it is ignored.
pub(super) fn read<'a>(
    head: &Head,
    kept: &mut Vec<u8>,
    input: &mut &'a [u8],
    version: Version,
) -> Result<Option<Cow<'a, [u8]>>, Fault> {
    let room = head.room()?;
    let (bytes_max, over) = match version == Version::V1_0 || head.command().may_have_a_body() {
        true => (room, head.too_large()),
        false => (0, Fault::BodyNotAllowed(head.command())),
    };
    let end = match head.content_length() {
        Some(length) if length > bytes_max => return Err(over),
        Some(length) => length - kept.len(),
        None => memchr::memchr(0, input).unwrap_or(input.len()),
    };
    let (piece, rest) = input.split_at(end.min(input.len()));
    if kept.len() + piece.len() > bytes_max {
        return Err(over);
    }
    match rest.split_first() {
        None => {
            kept.extend_from_slice(piece);
            *input = rest;
            Ok(None)
        }
        Some((0, rest)) => {
            *input = rest;
            Ok(Some(join(kept, piece)))
        }
        Some(_) => Err(Fault::NoNul(kept.len() + piece.len())),
    }
}
