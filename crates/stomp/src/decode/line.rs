//! One line out of pieces.

use std::borrow::Cow;

use super::join;

/// What the front of a piece is to the line that has begun.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// All of it is there.
    Whole {
        /// Without its end.
        text: Cow<'a, [u8]>,
        /// With its end.
        bytes: usize,
    },
    /// It goes on in the next piece.
    Partial,
    /// It has more bytes than it may have, its end not counted.
    TooLong,
    /// A NUL stands in it.
    Nul,
}

/// Takes the line that `kept` begins from the front of `input`. It ends with LF or CRLF: STOMP 1.2 allows both, and a
/// client of an earlier version that sends CRLF means no carriage return either.
///
/// Whether a line is too long never depends on where it was cut: a carriage return that may belong to its end is not
/// counted until more is known.
pub(super) fn take<'a>(kept: &mut Vec<u8>, input: &mut &'a [u8], bytes_max: usize) -> Line<'a> {
    let found = memchr::memchr2(b'\n', 0, input);
    let (piece, rest) = input.split_at(found.unwrap_or(input.len()));
    let last = piece.last().or(kept.last());
    let bytes = kept.len() + piece.len();
    if bytes - usize::from(last == Some(&b'\r')) > bytes_max {
        return Line::TooLong;
    }
    match rest.split_first() {
        None => {
            kept.extend_from_slice(piece);
            *input = rest;
            Line::Partial
        }
        Some((0, _)) => Line::Nul,
        Some((_, rest)) => {
            *input = rest;
            Line::Whole {
                text: without_carriage_return(join(kept, piece)),
                bytes: bytes + 1,
            }
        }
    }
}

fn without_carriage_return(line: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    match line {
        Cow::Borrowed(text) => Cow::Borrowed(text.strip_suffix(b"\r").unwrap_or(text)),
        Cow::Owned(mut text) => {
            text.pop_if(|last| *last == b'\r');
            Cow::Owned(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &[u8], bytes: usize) -> Line<'_> {
        Line::Whole {
            text: Cow::Borrowed(text),
            bytes,
        }
    }

    #[test]
    fn a_line_ends_with_lf_or_crlf_also_when_cut_between_them() {
        let mut kept = Vec::new();
        let mut input = &b"one\ntwo\r\nthree\r"[..];
        assert_eq!(take(&mut kept, &mut input, 5), whole(b"one", 4));
        assert_eq!(take(&mut kept, &mut input, 5), whole(b"two", 5));
        assert_eq!(take(&mut kept, &mut input, 5), Line::Partial);
        input = b"\nrest";
        assert_eq!(take(&mut kept, &mut input, 5), whole(b"three", 7));
        assert_eq!((input, kept.len()), (&b"rest"[..], 0));
    }

    #[test]
    fn a_line_that_never_ends_is_not_kept() {
        let mut kept = Vec::new();
        for _ in 0..5 {
            assert_eq!(take(&mut kept, &mut &b"x"[..], 5), Line::Partial);
        }
        assert_eq!(take(&mut kept, &mut &b"x"[..], 5), Line::TooLong);
        assert_eq!(kept.len(), 5);
    }

    #[test]
    fn a_carriage_return_counts_only_where_it_does_not_end_the_line() {
        let mut kept = Vec::new();
        assert_eq!(
            take(&mut kept, &mut &b"12345\r\n"[..], 5),
            whole(b"12345", 7)
        );
        assert_eq!(take(&mut kept, &mut &b"12345\r"[..], 5), Line::Partial);
        assert_eq!(take(&mut kept, &mut &b"6"[..], 5), Line::TooLong);
    }

    #[test]
    fn a_nul_in_a_line_is_noticed() {
        assert_eq!(take(&mut Vec::new(), &mut &b"ab\0\n"[..], 5), Line::Nul);
    }
}
