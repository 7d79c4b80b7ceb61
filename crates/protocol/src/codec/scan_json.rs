//! A pass over JSON text that is known to be valid, for what its grammar does not say: how deep, how large, which
//! characters. Without recursion, so that nesting costs nothing.

use super::InvalidPayload;
use crate::limits::PAYLOAD_DEPTH_MAX;

/// Whether `text`, one valid JSON value, is a payload.
pub(super) fn check(text: &str) -> Result<(), InvalidPayload> {
    let mut depth = 0;
    for token in Tokens::new(text) {
        match token {
            Token::Open => open(&mut depth)?,
            Token::Close => depth -= 1,
            Token::Text(text) => check_text(text)?,
            Token::Number(number) => check_number(number)?,
        }
    }
    Ok(())
}

/// Whether `text`, one valid JSON value, is nested as a payload may be, whatever else it holds.
pub(super) fn check_depth(text: &str) -> Result<(), InvalidPayload> {
    let mut depth = 0;
    for token in Tokens::new(text) {
        match token {
            Token::Open => open(&mut depth)?,
            Token::Close => depth -= 1,
            Token::Text(_) | Token::Number(_) => {}
        }
    }
    Ok(())
}

fn open(depth: &mut usize) -> Result<(), InvalidPayload> {
    *depth += 1;
    if *depth > PAYLOAD_DEPTH_MAX {
        Err(InvalidPayload::TooDeep)
    } else {
        Ok(())
    }
}

fn check_text(text: &str) -> Result<(), InvalidPayload> {
    if is_whole_text(text) {
        Ok(())
    } else {
        Err(InvalidPayload::LoneSurrogate)
    }
}

fn check_number(number: &str) -> Result<(), InvalidPayload> {
    if is_in_range(number) {
        Ok(())
    } else {
        Err(InvalidPayload::NumberRange)
    }
}

/// Only `\u` can write what is no character; the parser knows which pairs are whole.
pub(super) fn is_whole_text(text: &str) -> bool {
    !text.contains("\\u") || serde_json::from_str::<String>(text).is_ok()
}

/// 308 digits without an exponent are always within an f64's range.
pub(super) fn is_in_range(number: &str) -> bool {
    let may_be_large = number.len() > 308 || number.contains(['e', 'E']);
    !may_be_large || serde_json::from_str::<f64>(number).is_ok()
}

/// What a payload is judged by; names, commas, `true`, `false` and `null` are of no interest.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A map or list begins.
    Open,
    /// A map or list ends.
    Close,
    /// A string or a map's key, with its quotes.
    Text(&'a str),
    /// A number.
    Number(&'a str),
}

/// The tokens of one valid JSON text, in order.
pub(super) struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The index behind the last token.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The index behind the string that begins at `from`. SDP escapes every line break and hardly ever a quote, so
    /// quotes are looked for and the backslashes before them counted.
    fn end_of_text(&self, from: usize) -> usize {
        let mut at = from + 1;
        while let Some(length) = self.text[at..].find('"') {
            let quote = at + length;
            let before = &self.text.as_bytes()[at..quote];
            let backslashes = before
                .iter()
                .rev()
                .take_while(|&&byte| byte == b'\\')
                .count();
            at = quote + 1;
            if backslashes % 2 == 0 {
                return at;
            }
        }
        self.text.len()
    }

    fn end_of_number(&self, from: usize) -> usize {
        let digits = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        from + self.text.as_bytes()[from..]
            .iter()
            .take_while(|byte| digits(byte))
            .count()
    }

    fn take(&mut self, end: usize) -> &'a str {
        let taken = &self.text[self.at..end];
        self.at = end;
        taken
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let token = match self.text.as_bytes().get(self.at)? {
                b'{' | b'[' => Token::Open,
                b'}' | b']' => Token::Close,
                b'"' => return Some(Token::Text(self.take(self.end_of_text(self.at)))),
                b'-' | b'0'..=b'9' => {
                    return Some(Token::Number(self.take(self.end_of_number(self.at))));
                }
                _ => {
                    self.at += 1;
                    continue;
                }
            };
            self.at += 1;
            return Some(token);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_and_quotes_inside_strings_are_no_tokens() {
        let tokens: Vec<_> = Tokens::new(r#" {"a[\"]" : [ -1.5e+3 , true, "\\"]} "#).collect();
        let expected = [
            Token::Open,
            Token::Text(r#""a[\"]""#),
            Token::Open,
            Token::Number("-1.5e+3"),
            Token::Text(r#""\\""#),
            Token::Close,
            Token::Close,
        ];
        assert_eq!(tokens, expected);
    }
}
