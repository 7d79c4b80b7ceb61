//! What goes along with a neutral form, so that another client of the same family gets it as it was said.

use std::borrow::Cow;

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use crate::foreign::Fields;

/// What says how a client wrapped what it said.
pub(crate) const WITH: &str = "with";

/// Fields for a client, some of them made here.
pub(crate) type Wrapped<'a> = Vec<(Cow<'a, str>, Cow<'a, RawValue>)>;

/// Dialects whose clients wrap what they say in the same way. Each reads its own wrapper back, and leaves out the other's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
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
    pub(crate) fn side_by_side(self, said: Fields<'_>) -> String {
        let with = With {
            family: self,
            key: Cow::Borrowed(""),
            rest: Fields::default(),
        };
        with.enclose(said)
    }
}

/// How a client wrapped what it said.
pub(crate) struct With<'a> {
    pub(crate) family: Family,
    /// The key under which it stood. Empty: everything stood side by side.
    pub(crate) key: Cow<'a, str>,
    /// What stood beside it.
    pub(crate) rest: Fields<'a>,
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
    pub(crate) fn enclose(self, mut fields: Fields<'a>) -> String {
        let own = fields.take(WITH);
        let with = Enclosing { with: &self, own };
        let with = to_raw_value(&with).expect("texts and raw JSON can be written");
        let others = fields.0.into_iter();
        let all = std::iter::once((Cow::Borrowed(WITH), &*with)).chain(others);
        Fields(all.collect()).to_json()
    }

    /// How it was said, taken out of `fields`. A `with` that no dialect wrote stays there.
    pub(crate) fn disclose(fields: &mut Fields<'a>) -> Option<Self> {
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

    /// `fields`, from which this was taken, as a client of the same family said them.
    pub(crate) fn unwrapped(self, fields: Fields<'a>) -> Wrapped<'a> {
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

/// Fields as they are.
pub(crate) fn borrowed(fields: Fields<'_>) -> Wrapped<'_> {
    let fields = fields.0.into_iter();
    fields
        .map(|(key, value)| (key, Cow::Borrowed(value)))
        .collect()
}
