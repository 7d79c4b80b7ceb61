//! What a script answers: a word and what belongs to it, or a bare number or text.

use std::vec::IntoIter;

use bytes::Bytes;
use fred::bytes_utils::Str;
use fred::types::Value;

use super::failure::Failure;

/// A script's answer, read from front to back.
pub(super) struct Reply {
    script: &'static str,
    values: IntoIter<Value>,
}

impl Reply {
    /// Takes the two answers aside that any script of a room may give: `forgotten`, and `corrupt` with what is.
    pub(super) fn read(script: &'static str, value: Value) -> Result<Self, Failure> {
        let values = match value {
            Value::Array(values) => values,
            value => vec![value],
        };
        match values.first().and_then(Value::as_bytes) {
            Some(b"forgotten") => Err(Failure::Forgotten),
            Some(b"corrupt") => {
                let what = values.get(1).and_then(Value::as_string).unwrap_or_default();
                Err(Failure::Unreadable(format!("the entry of {what}")))
            }
            _ => Ok(Self {
                script,
                values: values.into_iter(),
            }),
        }
    }

    /// The next value as text.
    pub(super) fn text(&mut self) -> Result<Str, Failure> {
        let bytes = self.values.next().and_then(into_bytes);
        bytes
            .and_then(|bytes| Str::from_inner(bytes).ok())
            .ok_or_else(|| self.odd())
    }

    /// The next value as a number.
    pub(super) fn number(&mut self) -> Result<u64, Failure> {
        self.values
            .next()
            .and_then(|value| value.as_u64())
            .ok_or_else(|| self.odd())
    }

    /// The next value as 1 or 0.
    pub(super) fn flag(&mut self) -> Result<bool, Failure> {
        Ok(self.number()? == 1)
    }

    /// The next value as a list of texts or bytes.
    pub(super) fn list(&mut self) -> Result<Vec<Bytes>, Failure> {
        match self.values.next() {
            Some(Value::Array(values)) => values
                .into_iter()
                .map(into_bytes)
                .collect::<Option<_>>()
                .ok_or_else(|| self.odd()),
            _ => Err(self.odd()),
        }
    }

    /// The next value as a list of anything.
    pub(super) fn values(&mut self) -> Result<Vec<Value>, Failure> {
        match self.values.next() {
            Some(Value::Array(values)) => Ok(values),
            _ => Err(self.odd()),
        }
    }

    /// The error for an answer that this release does not know.
    pub(super) fn odd(&self) -> Failure {
        Failure::Unreadable(format!("the answer of the script {}", self.script))
    }
}

/// The fields of a hash, in no order; those that are no texts are left out.
pub(super) fn fields(value: Value) -> Vec<(Bytes, Bytes)> {
    match value {
        Value::Map(map) => map
            .inner()
            .into_iter()
            .filter_map(|(field, value)| Some((field.into_bytes(), into_bytes(value)?)))
            .collect(),
        Value::Array(values) => {
            let mut values = values.into_iter().map(into_bytes);
            let mut pairs = Vec::new();
            while let (Some(field), Some(value)) = (values.next(), values.next()) {
                pairs.extend(field.zip(value));
            }
            pairs
        }
        _ => Vec::new(),
    }
}

/// The bytes of a text, without copying.
pub(super) fn into_bytes(value: Value) -> Option<Bytes> {
    match value {
        Value::Bytes(bytes) => Some(bytes),
        Value::String(text) => Some(text.into_inner()),
        _ => None,
    }
}
