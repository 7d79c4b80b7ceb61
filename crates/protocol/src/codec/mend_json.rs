//! JSON as JavaScript writes it and a payload cannot hold it, made whole:
//!
//! - half of a surrogate pair, which `JSON.stringify` writes for a text that was cut in the middle of an emoji, becomes
//!   U+FFFD, as it does wherever a browser turns such a text into UTF-8;
//! - a number beyond the range of a 64-bit float, which `JSON.parse` takes for infinite, becomes `null`, as
//!   `JSON.stringify` writes that.
//!
//! Both are written in place: `\ud83d` is as long as `\ufffd`, and no number beyond the range is shorter than `null`.

use std::borrow::Cow;

use super::scan_json::{Token, Tokens, is_in_range, is_whole_text};

/// `text`, one valid JSON value, without half characters and numbers that are none.
pub fn mended(text: &str) -> Cow<'_, str> {
    let mut mended: Option<Vec<u8>> = None;
    let mut tokens = Tokens::new(text);
    while let Some(token) = tokens.next() {
        let (token, mend): (&str, fn(&mut [u8])) = match token {
            Token::Text(token) if !is_whole_text(token) => (token, mend_text),
            Token::Number(token) if !is_in_range(token) => (token, mend_number),
            _ => continue,
        };
        let end = tokens.position();
        let bytes = mended.get_or_insert_with(|| text.into());
        mend(&mut bytes[end - token.len()..end]);
    }
    match mended {
        None => Cow::Borrowed(text),
        Some(bytes) => Cow::Owned(
            String::from_utf8(bytes).expect("ASCII was written over ASCII, so it is UTF-8 still"),
        ),
    }
}

/// Goes through the escapes of a string: of `\uD8xx`-`\uDBxx` the next has to be `\uDCxx`-`\uDFxx`, and the other way round.
fn mend_text(text: &mut [u8]) {
    let mut at = 0;
    while let Some(length) = text[at..].iter().position(|&byte| byte == b'\\') {
        at += length;
        let Some(unit) = code_unit(&text[at..]) else {
            at += 2; // an escape of one character
            continue;
        };
        let next = text.get(at + 6..).and_then(code_unit);
        at += match (unit, next) {
            (0xd800..=0xdbff, Some(0xdc00..=0xdfff)) => 12,
            (0xd800..=0xdfff, _) => {
                text[at + 2..at + 6].copy_from_slice(b"fffd");
                6
            }
            _ => 6,
        };
    }
}

/// The UTF-16 code unit of a `\uXXXX` that `text` begins with.
fn code_unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    u32::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

fn mend_number(number: &mut [u8]) {
    let (null, rest) = number.split_at_mut(4);
    null.copy_from_slice(b"null");
    rest.fill(b' ');
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn half_characters_are_replaced_and_whole_ones_are_not() {
        for (text, expected) in [
            (r#""\ud83d""#, r#""\ufffd""#),
            (r#""a\ud83db\uDE00""#, r#""a\ufffdb\ufffd""#),
            (
                r#""\ud83d\ud83d\ude00\\ud83d""#,
                r#""\ufffd\ud83d\ude00\\ud83d""#,
            ),
            (r#""\ude00\ud83d""#, r#""\ufffd\ufffd""#),
            (r#""\ud83d\n\"\ud83d\u0041""#, r#""\ufffd\n\"\ufffd\u0041""#),
            (r#"{"\udfff":["방\ud800"]}"#, r#"{"\ufffd":["방\ufffd"]}"#),
        ] {
            assert_eq!(mended(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_without_a_value_are_null() {
        for number in ["1e999", "-1e999", "9e308", "-1.5E+400", &"9".repeat(400)] {
            let list = format!("[{number},1]");
            let read: Value = serde_json::from_str(&mended(&list)).expect("JSON");
            assert_eq!(read, serde_json::json!([null, 1]), "{number}");
        }
    }

    #[test]
    fn what_a_payload_can_hold_is_left_as_it_is() {
        for text in [
            r#"{"a":"\ud83d\ude00\u0041","b":[1e308,-0,5.0,1e-999,123456789012345678901234567890]}"#,
            r#""\\ud83d""#,
            "null",
        ] {
            assert!(matches!(mended(text), Cow::Borrowed(_)), "{text}");
        }
    }
}
