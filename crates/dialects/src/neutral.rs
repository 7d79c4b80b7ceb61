//! The form in which offer, answer and candidate go from one dialect to another: that of the native protocol. `offer` and
//! `answer` are an `RTCSessionDescriptionInit`, `{type, sdp}`; `candidate` is an `RTCIceCandidateInit` (W3C WebRTC), or `null`
//! after the last one (RFC 8838), whatever stands beside it.
//!
//! What a client put around that goes along as `with`, so that another client of the same dialect gets it as it was said:
//!
//! ```text
//! {target, sdp: {type, sdp}, camera: "front"}  ──►  {with: {key: "sdp", rest: {camera: "front"}}, type, sdp}
//! {target, type, sdp: "v=0…"}                  ──►  {with: {key: ""}, type, sdp}
//! {target, offer: {type, sdp, with: 1}}        ──►  {with: {key: "offer", own: 1}, type, sdp}
//! {target, candidate: null, name: "Ada"}       ──►  null
//! ```

mod with;

use std::borrow::Cow;

use serde_json::value::{RawValue, to_raw_value};
use switchboard_protocol::codec::EncodeError;
use switchboard_protocol::{Encoding, Payload};

use super::foreign::{Fields, is_null};
use super::kinds::{ANSWER, CANDIDATE, OFFER};
pub(super) use with::{Family, WITH, With, Wrapped, borrowed};

/// Where clients put a description.
const DESCRIPTION_KEYS: [&str; 4] = ["sdp", "description", OFFER, ANSWER];

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

/// Whether this, in the place of a candidate, says that there are no more.
pub(super) fn is_end_of_candidates(candidate: &RawValue) -> bool {
    let says_null = || Fields::read(candidate.get())?.get(CANDIDATE);
    is_null(candidate) || candidate.get().contains("null") && says_null().is_some_and(is_null)
}

/// A candidate as every client can take it.
pub(super) fn candidate(neutral: &RawValue) -> &RawValue {
    if is_end_of_candidates(neutral) {
        RawValue::NULL
    } else {
        neutral
    }
}

/// Takes the neutral form out of what a client said, less to whom. `usual` is the key under which this dialect's clients
/// put it.
pub(super) fn unwrap<'a>(kind: &str, usual: &'a str, mut said: Fields<'a>) -> Cow<'a, str> {
    if kind == CANDIDATE && said.get(CANDIDATE).is_some_and(is_end_of_candidates) {
        return Cow::Borrowed("null");
    }
    let Some(key) = key_of(kind, usual, &said) else {
        return Cow::Owned(side_by_side(said));
    };
    let value = said.get(key).map_or("", RawValue::get);
    if !value.starts_with('{') {
        let kind_text = to_raw_value(kind).expect("a text can be written");
        let mut typed: Fields<'_> = said;
        // A description without its type is that of the event.
        if kind != CANDIDATE && typed.get("type").is_none() {
            typed.0.insert(0, (Cow::Borrowed("type"), &*kind_text));
        }
        return Cow::Owned(side_by_side(typed));
    }
    said.take(key);
    if key == usual && said.0.is_empty() && !has_own_with(value) {
        return Cow::Borrowed(value);
    }
    let with = With {
        family: Family::Objects,
        key: key.into(),
        rest: said,
    };
    Cow::Owned(with.enclose(Fields::read(value).unwrap_or_default()))
}

fn side_by_side(said: Fields<'_>) -> String {
    Family::Objects.side_by_side(said)
}

fn has_own_with(value: &str) -> bool {
    let may_have = value.contains(r#""with""#) || value.contains(r"\u");
    may_have && Fields::read(value).is_some_and(|fields| fields.get(WITH).is_some())
}

fn key_of<'k>(kind: &str, usual: &'k str, said: &Fields<'_>) -> Option<&'k str> {
    let is_there = |key: &&str| said.get(key).is_some_and(|value| !is_null(value));
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
pub(super) fn wrap<'a>(usual: &'a str, neutral: &'a RawValue) -> Wrapped<'a> {
    let plain = |value: &'a RawValue| vec![(Cow::Borrowed(usual), Cow::Borrowed(value))];
    if usual == CANDIDATE {
        let neutral = candidate(neutral);
        if is_null(neutral) {
            return plain(neutral);
        }
    }
    let Some(mut fields) = Fields::read(neutral.get()) else {
        return plain(neutral);
    };
    match With::disclose(&mut fields) {
        Some(with) if with.family == Family::Objects => with.unwrapped(fields),
        _ => plain(neutral),
    }
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
        for said in ["{}", r#"{"note":"later"}"#, r#"{"offer":null}"#] {
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
            r#"{"offer":{"sdp":"v=0","with":null}}"#,
            r#"{"sdp":"v=0","type":"offer","with":{"key":"sdp"}}"#,
            r#"{"camera":1,"sdp":{"sdp":"v=0","with":{"under":""}},"with":2}"#,
        ] {
            let (neutral, back) = there_and_back(OFFER, OFFER, said);
            assert_eq!(back, said, "{neutral}");
            assert_eq!(neutral.matches(r#"{"with":"#).count(), 1, "{neutral}");
        }
        let escaped = r#"{"offer":{"sdp":"v=0","\u0077ith":{"key":"sdp"}}}"#;
        let (_, back) = there_and_back(OFFER, OFFER, escaped);
        assert_eq!(back, r#"{"offer":{"sdp":"v=0","with":{"key":"sdp"}}}"#);
    }

    #[test]
    fn a_with_that_no_dialect_wrote_is_told_as_it_came() {
        for neutral in [
            r#"{"sdp":"v=0","with":{}}"#,
            r#"{"sdp":"v=0","with":{"key":5}}"#,
            r#"{"sdp":"v=0","with":"x"}"#,
            r#"{"sdp":"v=0","with":{"under":"sdp"}}"#,
        ] {
            let raw = RawValue::from_string(neutral.into()).expect("JSON");
            let told = wrap(OFFER, &raw);
            assert_eq!(told.len(), 1, "{neutral}");
            assert_eq!((&*told[0].0, told[0].1.get()), (OFFER, neutral));
        }
    }

    #[test]
    fn after_the_last_candidate_comes_null_whatever_stands_beside_it() {
        for said in [
            r#"{"candidate":null}"#,
            r#"{"candidate":null,"name":"Ada"}"#,
            r#"{"type":"candidate","candidate": null }"#,
            r#"{"candidate":null,"sdpMid":"0","sdpMLineIndex":0}"#,
            r#"{"candidate":{"candidate":null,"sdpMid":"0"}}"#,
            r#"{"candidate":1,"candidate":null}"#,
        ] {
            let (neutral, back) = there_and_back(CANDIDATE, CANDIDATE, said);
            assert_eq!(neutral, "null", "{said}");
            assert_eq!(back, r#"{"candidate":null}"#, "{said}");
        }
        // A native client, or a node of the build before, may write it so.
        for neutral in [
            r#"{"candidate":null}"#,
            r#"{"with":{"key":"","rest":{"a":1}},"candidate":null}"#,
        ] {
            let raw = RawValue::from_string(neutral.into()).expect("JSON");
            let told = wrap(CANDIDATE, &raw);
            assert_eq!(
                (told.len(), &*told[0].0, told[0].1.get()),
                (1, CANDIDATE, "null")
            );
            assert_eq!(candidate(&raw).get(), "null");
        }
    }

    #[test]
    fn browsers_last_candidate_of_a_section_is_a_candidate() {
        for said in [
            r#"{"candidate":{"candidate":"","sdpMLineIndex":0,"sdpMid":"0","usernameFragment":null}}"#,
            r#"{"candidate":"","sdpMLineIndex":0,"sdpMid":"0"}"#,
            r#"{"candidate":""}"#,
        ] {
            let (neutral, back) = there_and_back(CANDIDATE, CANDIDATE, said);
            assert!(neutral.contains(r#""candidate":"""#), "{neutral}");
            assert_eq!(back, said);
        }
    }

    #[test]
    fn an_empty_object_survives() {
        let (neutral, back) = there_and_back(OFFER, OFFER, r#"{"offer":{},"x":1}"#);
        assert_eq!(neutral, r#"{"with":{"key":"offer","rest":{"x":1}}}"#);
        assert_eq!(back, r#"{"offer":{},"x":1}"#);
    }
}
