//! A value as far as a message looks into it, from either encoding.

use std::borrow::Cow;

use super::msgpack_reader::{Head, Reader};
use super::whole::whole;

/// A value as far as a message looks into it.
#[derive(Debug)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    Whole(u64),
    /// Negative, with a fraction, or too large.
    OtherNumber,
    Text(Cow<'a, str>),
    /// Anything else, by its description.
    Other(&'static str),
}

impl<'a> Scalar<'a> {
    /// The value that `text`, one valid JSON value without white space around it, stands for.
    pub(super) fn of_json(text: &'a str) -> Self {
        match text.as_bytes().first() {
            Some(b'"') => Self::of_json_string(text),
            Some(b'{') => Self::Other("a map"),
            Some(b'[') => Self::Other("a list"),
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'n') => Self::Null,
            _ => Self::of_json_number(text),
        }
    }

    fn of_json_number(text: &str) -> Self {
        if let Ok(whole) = text.parse() {
            return Self::Whole(whole);
        }
        text.parse().map_or(Self::OtherNumber, Self::of_float)
    }

    fn of_json_string(text: &'a str) -> Self {
        if !text.contains('\\') {
            return Self::Text(Cow::Borrowed(&text[1..text.len() - 1]));
        }
        match serde_json::from_str(text) {
            Ok(text) => Self::Text(Cow::Owned(text)),
            Err(_) => Self::Other("a string with half of a surrogate pair"),
        }
    }

    /// The value that `bytes`, one complete MessagePack value, stands for.
    pub(super) fn of_msgpack(bytes: &'a [u8]) -> Self {
        match Reader::new(bytes).head() {
            Ok(head) => Self::of_head(head),
            Err(_) => Self::Other("nothing"),
        }
    }

    /// The MessagePack value that begins with `head`.
    pub(super) fn of_head(head: Head<'a>) -> Self {
        match head {
            Head::Nil => Self::Null,
            Head::Bool(value) => Self::Bool(value),
            Head::Whole(number) => Self::Whole(number),
            Head::Negative => Self::OtherNumber,
            Head::Float(float) => Self::of_float(float),
            Head::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => Self::Text(Cow::Borrowed(text)),
                Err(_) => Self::Other("a string that is not UTF-8"),
            },
            Head::Binary => Self::Other("binary data"),
            Head::List(_) => Self::Other("a list"),
            Head::Map(_) => Self::Other("a map"),
            Head::Extension => Self::Other("a MessagePack ext"),
        }
    }

    /// What a float stands for. Languages that have no whole numbers write `5.0` for five, in either encoding.
    fn of_float(float: f64) -> Self {
        whole(float).map_or(Self::OtherNumber, Self::Whole)
    }

    pub(super) fn describe(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Whole(_) | Self::OtherNumber => "a number",
            Self::Text(_) => "a string",
            Self::Other(description) => description,
        }
    }
}
