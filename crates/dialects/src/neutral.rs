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
mod tests;
