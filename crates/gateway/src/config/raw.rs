//! A value as it was written, before anybody asked what it should be.

use std::borrow::Cow;

use switchboard_protocol::codec::whole;
use toml::de::DeValue;

/// A value from a file, which has a type, or from the environment or a flag, which is text.
#[derive(Debug, Clone, Copy)]
pub(super) enum Raw<'a> {
    Text(&'a str),
    Toml(&'a DeValue<'a>),
}

impl<'a> Raw<'a> {
    /// As text. What was written is left out of the error: it may be a secret.
    pub(super) fn text(self) -> Result<&'a str, String> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Toml(DeValue::String(text)) => Ok(text),
            Self::Toml(other) => Err(wrong_type(other, "text in quotes")),
        }
    }

    /// As a whole number that is not negative; in a file also `5.0`, as programs write it that know only floats, such as Helm.
    pub(super) fn number(self) -> Result<u64, String> {
        let (digits, radix) = match self {
            Self::Toml(DeValue::Float(float)) => {
                let float = float.as_str().replace('_', "").parse().ok();
                let whole = float.and_then(whole);
                return whole.ok_or_else(|| "expected a whole number, found a fraction".into());
            }
            Self::Text(text) => (Cow::from(text.replace('_', "")), 10),
            Self::Toml(DeValue::Integer(integer)) => (Cow::from(integer.as_str()), integer.radix()),
            Self::Toml(other) => return Err(wrong_type(other, "a whole number")),
        };
        u64::from_str_radix(&digits, radix).map_err(|_| {
            format!(
                "`{}` is not a whole number of 0 or more",
                shortened(&digits)
            )
        })
    }

    /// As a number that may have a fraction.
    pub(super) fn fraction(self) -> Result<f64, String> {
        let text = match self {
            Self::Text(text) => text.replace('_', ""),
            Self::Toml(DeValue::Float(float)) => float.as_str().replace('_', ""),
            Self::Toml(DeValue::Integer(_)) => self.number()?.to_string(),
            Self::Toml(other) => return Err(wrong_type(other, "a number such as 0.01")),
        };
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| format!("`{}` is not a number such as 0.01", shortened(&text)))
    }

    /// As yes or no.
    pub(super) fn flag(self) -> Result<bool, String> {
        match self {
            Self::Text("true") | Self::Toml(DeValue::Boolean(true)) => Ok(true),
            Self::Text("false") | Self::Toml(DeValue::Boolean(false)) => Ok(false),
            Self::Text(other) => Err(format!("`{}` is neither true nor false", shortened(other))),
            Self::Toml(other) => Err(wrong_type(other, "true or false")),
        }
    }

    /// As a list: an array in a file, entries between commas elsewhere. Empty entries do not count.
    pub(super) fn list(self) -> Result<Vec<&'a str>, String> {
        match self {
            Self::Text(text) => {
                let entries = text.split(',').map(str::trim);
                Ok(entries.filter(|entry| !entry.is_empty()).collect())
            }
            Self::Toml(DeValue::Array(entries)) => entries
                .iter()
                .map(|entry| Raw::Toml(entry.get_ref()).text())
                .collect(),
            Self::Toml(other) => Err(wrong_type(other, "a list such as [\"a\", \"b\"]")),
        }
    }
}

fn wrong_type(found: &DeValue<'_>, expected: &str) -> String {
    format!(
        "expected {expected}, found {}",
        match found {
            DeValue::String(_) => "text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        }
    )
}

/// What was written, for showing it back: short, and in one line.
pub(super) fn shortened(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    let mut shown: String = text
        .chars()
        .take(CHARS_MAX)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}
