//! Bytes as text, and values that have to say what others say.

use serde_json::{Value, json};

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn unhex(text: &str) -> Vec<u8> {
    let digits = |at| {
        text.get(at..at + 2)
            .and_then(|two| u8::from_str_radix(two, 16).ok())
    };
    let bytes = (0..text.len()).step_by(2).map(digits);
    bytes.collect::<Option<_>>().expect("hexadecimal digits")
}

/// Text as it is, all else as `{"hex": …}`.
pub(super) fn shown(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains(|letter: char| letter.is_control() && letter != '\n') => {
            json!(text)
        }
        _ => json!({ "hex": hex(bytes) }),
    }
}

/// The way back.
pub(super) fn meant(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.clone().into_bytes(),
        value => unhex(value["hex"].as_str().expect("text or hexadecimal digits")),
    }
}

/// The text of a field.
pub(super) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    let text = value[field].as_str();
    text.unwrap_or_else(|| panic!("`{field}` is missing in {value}"))
}

/// Everything that a release said is there still; later ones may say more.
pub(super) fn assert_says(present: &Value, committed: &Value, what: &str) {
    match (present, committed) {
        (Value::Object(present), Value::Object(committed)) => {
            for (field, value) in committed {
                let is = present.get(field).unwrap_or(&Value::Null);
                assert_says(is, value, &format!("{what}.{field}"));
            }
        }
        (Value::Array(present), Value::Array(committed)) if present.len() == committed.len() => {
            for (at, (is, value)) in present.iter().zip(committed).enumerate() {
                assert_says(is, value, &format!("{what}[{at}]"));
            }
        }
        _ => assert_eq!(present, committed, "{what}"),
    }
}
