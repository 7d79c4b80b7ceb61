//! JSON Merge Patch (RFC 7396), on the text itself: what no patch touches keeps its bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::{RawValue, to_raw_value};

/// `target` after `patch`, both compact JSON of a checked depth, as section 2 of the RFC has it.
pub(super) fn merge(target: &str, patch: &str) -> String {
    const VALID: &str = "states and patches are valid JSON since they were read";
    let target: &RawValue = serde_json::from_str(target).expect(VALID);
    let patch: &RawValue = serde_json::from_str(patch).expect(VALID);
    merge_value(Some(target), patch).get().to_owned()
}

fn merge_value<'a>(target: Option<&'a RawValue>, patch: &'a RawValue) -> Cow<'a, RawValue> {
    let Some(patch) = map(patch) else {
        return Cow::Borrowed(patch);
    };
    let mut target = target.and_then(map).unwrap_or_default();
    let mut merged = BTreeMap::new();
    for (name, value) in patch {
        let before = target.remove(&name);
        if value.get() != "null" {
            merged.insert(name, merge_value(before, value));
        }
    }
    merged.extend(
        target
            .into_iter()
            .map(|(name, value)| (name, Cow::Borrowed(value))),
    );
    Cow::Owned(to_raw_value(&merged).expect("a map with text keys can be written"))
}

fn map(value: &RawValue) -> Option<BTreeMap<String, &RawValue>> {
    serde_json::from_str(value.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7396 appendix A, whole.
    #[test]
    fn the_examples_of_the_rfc_hold() {
        let table = [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, r#"{}"#),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (
                r#"{"a":{"b":"c"}}"#,
                r#"{"a":{"b":"d","c":null}}"#,
                r#"{"a":{"b":"d"}}"#,
            ),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
            (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
            (r#"{"a":"foo"}"#, r#"null"#, r#"null"#),
            (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"a":1,"e":null}"#),
            (r#"[1,2]"#, r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            (
                r#"{}"#,
                r#"{"a":{"bb":{"ccc":null}}}"#,
                r#"{"a":{"bb":{}}}"#,
            ),
        ];
        for (target, patch, result) in table {
            assert_eq!(merge(target, patch), result, "{target} {patch}");
        }
    }
}
