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

use std::borrow::Cow;

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use switchboard_protocol::codec::EncodeError;
use switchboard_protocol::{Encoding, Payload};

use super::foreign::{Fields, is_null};
use super::kinds::{ANSWER, CANDIDATE, OFFER};

/// Where clients put a description.
const DESCRIPTION_KEYS: [&str; 4] = ["sdp", "description", OFFER, ANSWER];
/// What says how a client wrapped what it said.
pub(super) const WITH: &str = "with";

/// Fields for a client, some of them made here.
pub(super) type Wrapped<'a> = Vec<(Cow<'a, str>, Cow<'a, RawValue>)>;

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

/// Dialects whose clients wrap what they say in the same way. Each reads its own wrapper back, and leaves out the other's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Socket.IO and MDN's chat: objects in objects.
    Objects,
    /// STOMP: everything side by side.
    Stomp,
}

impl Family {
    /// Under this name a wrapper says where something stood.
    const fn word(self) -> &'static str {
        match self {
            Self::Objects => "key",
            Self::Stomp => "under",
        }
    }

    /// What was said in fields side by side.
    pub(super) fn side_by_side(self, said: Fields<'_>) -> String {
        let with = With {
            family: self,
            key: Cow::Borrowed(""),
            rest: Fields::default(),
        };
        with.enclose(said)
    }
}

/// How a client wrapped what it said.
pub(super) struct With<'a> {
    pub(super) family: Family,
    /// The key under which it stood. Empty: everything stood side by side.
    pub(super) key: Cow<'a, str>,
    /// What stood beside it.
    pub(super) rest: Fields<'a>,
}

/// The same as it goes along. A node of another release may have written either key, or both.
#[derive(Default, Deserialize)]
struct WrittenWith<'a> {
    #[serde(borrow, default)]
    key: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    under: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    rest: Option<Fields<'a>>,
    /// A field of the client's own that is called `with`.
    #[serde(borrow, default, deserialize_with = "even_null")]
    own: Option<&'a RawValue>,
}

/// `null` is a value of the client's own, not nothing.
fn even_null<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl<'a> With<'a> {
    /// What was said in `fields`, and how.
    pub(super) fn enclose(self, mut fields: Fields<'a>) -> String {
        let own = fields.take(WITH);
        let with = Enclosing { with: &self, own };
        let with = to_raw_value(&with).expect("texts and raw JSON can be written");
        let others = fields.0.into_iter();
        let all = std::iter::once((Cow::Borrowed(WITH), &*with)).chain(others);
        Fields(all.collect()).to_json()
    }

    /// How it was said, taken out of `fields`. A `with` that no dialect wrote stays there.
    pub(super) fn disclose(fields: &mut Fields<'a>) -> Option<Self> {
        let said = fields.get(WITH)?;
        let written: WrittenWith<'a> = serde_json::from_str(said.get()).ok()?;
        let (family, key) = match (written.under, written.key) {
            (_, Some(key)) => (Family::Objects, key),
            (Some(under), None) => (Family::Stomp, under),
            (None, None) => return None,
        };
        fields.take(WITH);
        if let Some(own) = written.own {
            fields.0.push((Cow::Borrowed(WITH), own));
        }
        Some(Self {
            family,
            key,
            rest: written.rest.unwrap_or_default(),
        })
    }
}

impl<'a> With<'a> {
    /// `fields`, from which this was taken, as a client of the same family said them.
    pub(super) fn unwrapped(self, fields: Fields<'a>) -> Wrapped<'a> {
        if self.key.is_empty() {
            return borrowed(fields);
        }
        let mut rest = self.rest;
        rest.take(&self.key);
        let mut wrapped = borrowed(rest);
        wrapped.insert(0, (self.key, Cow::Owned(fields.to_raw())));
        wrapped
    }
}

/// A wrapper as it is written.
struct Enclosing<'w, 'a> {
    with: &'w With<'a>,
    own: Option<&'a RawValue>,
}

impl Serialize for Enclosing<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(self.with.family.word(), &self.with.key)?;
        if !self.with.rest.0.is_empty() {
            map.serialize_entry("rest", &self.with.rest)?;
        }
        if let Some(own) = self.own {
            map.serialize_entry("own", own)?;
        }
        map.end()
    }
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

/// Fields as they are.
pub(super) fn borrowed(fields: Fields<'_>) -> Wrapped<'_> {
    let fields = fields.0.into_iter();
    fields
        .map(|(key, value)| (key, Cow::Borrowed(value)))
        .collect()
}

#[cfg(test)]
mod tests;
