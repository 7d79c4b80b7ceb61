//! The form in which offer, answer and candidate go from one dialect to another: that of the native protocol. `offer` and
//! `answer` are an `RTCSessionDescriptionInit`, `{type, sdp}`; `candidate` is an `RTCIceCandidateInit` (W3C WebRTC).
//!
//! What a client put around that goes along as `with`, so that another client of the same dialect gets it as it was said:
//!
//! ```text
//! {target, sdp: {type, sdp}, camera: "front"}  ──►  {with: {key: "sdp", rest: {camera: "front"}}, type, sdp}
//! {target, type, sdp: "v=0…"}                  ──►  {with: {key: ""}, type, sdp}
//! ```

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use smallvec::SmallVec;
use switchboard_protocol::codec::EncodeError;
use switchboard_protocol::{Encoding, Payload};

pub(super) const OFFER: &str = "offer";
pub(super) const ANSWER: &str = "answer";
pub(super) const CANDIDATE: &str = "candidate";

/// Where clients put a description.
const DESCRIPTION_KEYS: [&str; 4] = ["sdp", "description", OFFER, ANSWER];
const WITH: &str = "with";

/// A JSON object's fields, values unread.
#[derive(Debug, Default, Clone)]
pub(super) struct Fields<'a>(pub(super) SmallVec<[(Cow<'a, str>, &'a RawValue); 4]>);

impl<'a> Fields<'a> {
    /// `None`: it is no object.
    pub(super) fn read(json: &'a str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a RawValue> {
        let found = self.0.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| *value)
    }

    pub(super) fn take(&mut self, key: &str) -> Option<&'a RawValue> {
        let at = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.remove(at).1)
    }

    /// A field's text.
    pub(super) fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        self.get(key).and_then(text)
    }

    fn to_json(&self) -> String {
        serde_json::to_string(self).expect("raw JSON can be written")
    }
}

/// What a JSON string says.
pub(super) fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(serde::Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    let text: Option<Text<'_>> = serde_json::from_str(value.get()).ok();
    text.map(|text| text.0)
}

/// An id as clients write it: text, or a number as some databases have them.
pub(super) fn text_or_number(value: &RawValue) -> Option<Cow<'_, str>> {
    let number = || serde_json::from_str::<i64>(value.get()).ok();
    text(value).or_else(|| Some(number()?.to_string().into()))
}

/// Shows a signal's payload as JSON, in whichever encoding it came.
pub(super) fn show<T>(
    payload: &Payload,
    show: impl FnOnce(&RawValue) -> T,
) -> Result<T, EncodeError> {
    let json = payload.transcode_to(Encoding::Json)?;
    let raw = serde_json::from_slice(&json);
    raw.map(show)
        .map_err(|error| EncodeError::Value(error.to_string()))
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor<'a>(PhantomData<Fields<'a>>);
        impl<'de: 'a, 'a> Visitor<'de> for FieldsVisitor<'a> {
            type Value = Fields<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = SmallVec::new();
                while let Some(entry) = map.next_entry()? {
                    fields.push(entry);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(FieldsVisitor(PhantomData))
    }
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// How a client wrapped what it said.
#[derive(serde::Serialize, serde::Deserialize)]
struct With<'a> {
    /// Empty: everything stood side by side.
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    rest: Option<Fields<'a>>,
}

/// Takes the neutral form out of what a client said, less to whom. `usual` is the key under which this dialect's clients
/// put it.
pub(super) fn unwrap<'a>(kind: &str, usual: &'a str, mut said: Fields<'a>) -> Cow<'a, str> {
    let Some(key) = key_of(kind, usual, &said) else {
        return match &said.0[..] {
            // The end of candidates (RFC 8838): nothing stands in the place of one.
            [(name, _)] if name == usual => Cow::Borrowed("null"),
            _ => Cow::Owned(flat(None, &said)),
        };
    };
    let value = said.get(key).map_or("", RawValue::get);
    if !value.starts_with('{') {
        // A description without its type is that of the event.
        let is_untyped = kind != CANDIDATE && said.get("type").is_none();
        return Cow::Owned(flat(is_untyped.then_some(kind), &said));
    }
    said.take(key);
    // A `with` of the client's own comes second, and so is not taken for ours.
    let has_own_with = value.contains(r#""with""#);
    if key == usual && said.0.is_empty() && !has_own_with {
        return Cow::Borrowed(value);
    }
    let with = With {
        key: key.into(),
        rest: Some(said).filter(|rest| !rest.0.is_empty()),
    };
    let with = serde_json::to_string(&with).expect("texts and raw JSON can be written");
    let comma = if value[1..].trim_start().starts_with('}') {
        ""
    } else {
        ","
    };
    Cow::Owned(format!("{{\"with\":{with}{comma}{}", &value[1..]))
}

/// What was said side by side, and a type that it lacks.
fn flat(missing_type: Option<&str>, said: &Fields<'_>) -> String {
    let fields = said.to_json();
    let missing = missing_type.map(|kind| format!("\"type\":\"{kind}\""));
    let parts = [
        Some(r#""with":{"key":""}"#),
        missing.as_deref(),
        Some(&fields[1..fields.len() - 1]).filter(|fields| !fields.is_empty()),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    format!("{{{}}}", parts.join(","))
}

fn key_of<'k>(kind: &str, usual: &'k str, said: &Fields<'_>) -> Option<&'k str> {
    let is_there = |key: &&str| {
        said.get(key)
            .is_some_and(|value| !matches!(value.get(), "null"))
    };
    let others: &[&str] = if kind == CANDIDATE {
        &[CANDIDATE]
    } else {
        &DESCRIPTION_KEYS
    };
    [usual]
        .iter()
        .chain(others)
        .copied()
        .find(|key| is_there(key))
}

/// The fields in which a client of a dialect with this usual key wants to have the neutral form.
pub(super) fn wrap<'a>(
    usual: &'a str,
    neutral: &'a RawValue,
) -> Vec<(Cow<'a, str>, Box<RawValue>)> {
    let plain = || vec![(Cow::Borrowed(usual), neutral.to_owned())];
    let Some(mut fields) = Fields::read(neutral.get()) else {
        return plain();
    };
    let Some(with) = fields.take(WITH) else {
        return plain();
    };
    let Ok(With { key, rest }) = serde_json::from_str::<With<'_>>(with.get()) else {
        return plain();
    };
    let rest = rest.unwrap_or_default();
    let owned = |fields: Fields<'a>| {
        let fields = fields.0.into_iter();
        fields.map(|(key, value)| (key, value.to_owned()))
    };
    if key.is_empty() {
        return owned(fields).collect();
    }
    let value = RawValue::from_string(fields.to_json()).expect("fields are an object");
    std::iter::once((key, value)).chain(owned(rest)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(kind: &str, usual: &str, said: &str) -> (String, String) {
        let neutral = unwrap(kind, usual, Fields::read(said).expect("an object")).into_owned();
        let raw = RawValue::from_string(neutral.clone()).expect("JSON");
        let wrapped: serde_json::Map<_, _> = wrap(usual, &raw)
            .into_iter()
            .map(|(key, value)| {
                let value: serde_json::Value = serde_json::from_str(value.get()).expect("JSON");
                (key.into_owned(), value)
            })
            .collect();
        (neutral, serde_json::to_string(&wrapped).expect("JSON"))
    }

    #[test]
    fn the_usual_form_is_the_neutral_one_in_a_wrapper() {
        let said = r#"{"offer":{"sdp":"v=0","type":"offer"}}"#;
        let (neutral, back) = there_and_back(OFFER, OFFER, said);
        assert_eq!(neutral, r#"{"sdp":"v=0","type":"offer"}"#);
        assert_eq!(back, said);
    }

    #[test]
    fn another_key_and_what_stands_beside_it_come_back_as_they_were() {
        let said = r#"{"camera":"front","sdp":{"sdp":"v=0","type":"offer"}}"#;
        let (neutral, back) = there_and_back(OFFER, OFFER, said);
        assert_eq!(
            neutral,
            r#"{"with":{"key":"sdp","rest":{"camera":"front"}},"sdp":"v=0","type":"offer"}"#
        );
        assert_eq!(back, said);
    }

    #[test]
    fn a_flat_form_is_neutral_already() {
        let (neutral, back) = there_and_back(ANSWER, ANSWER, r#"{"sdp":"v=0"}"#);
        assert_eq!(
            neutral,
            r#"{"with":{"key":""},"type":"answer","sdp":"v=0"}"#
        );
        assert_eq!(back, r#"{"sdp":"v=0","type":"answer"}"#);
        let candidate = r#"{"candidate":"candidate:1","sdpMLineIndex":0,"sdpMid":"0"}"#;
        let (_, back) = there_and_back(CANDIDATE, CANDIDATE, candidate);
        assert_eq!(back, candidate);
    }

    #[test]
    fn what_has_no_description_in_it_comes_back_as_it_was() {
        for said in [
            "{}",
            r#"{"note":"later"}"#,
            r#"{"candidate":null,"name":"Ada"}"#,
        ] {
            for kind in [OFFER, CANDIDATE] {
                let (_, back) = there_and_back(kind, kind, said);
                assert_eq!(back, said, "{kind}");
            }
        }
    }

    #[test]
    fn a_with_of_the_clients_own_comes_back_too() {
        for said in [
            r#"{"offer":{"sdp":"v=0","with":{"key":"sdp"}}}"#,
            r#"{"sdp":"v=0","type":"offer","with":{"key":"sdp"}}"#,
        ] {
            assert_eq!(there_and_back(OFFER, OFFER, said).1, said);
        }
    }

    #[test]
    fn an_empty_object_and_the_end_of_candidates_survive() {
        let (neutral, back) = there_and_back(OFFER, OFFER, r#"{"offer":{},"x":1}"#);
        assert_eq!(neutral, r#"{"with":{"key":"offer","rest":{"x":1}}}"#);
        assert_eq!(back, r#"{"offer":{},"x":1}"#);
        let (neutral, back) = there_and_back(CANDIDATE, CANDIDATE, r#"{"candidate":null}"#);
        assert_eq!(neutral, "null");
        assert_eq!(back, r#"{"candidate":null}"#);
    }
}
