//! A JSON object as JavaScript reads it: each name once, half characters in names and all.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Entries, Fields};

/// Above so many fields, names are looked for by their hash.
const SEARCHED_MAX: usize = 16;

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor<'a>(PhantomData<Fields<'a>>);
        impl<'de: 'a, 'a> Visitor<'de> for FieldsVisitor<'a> {
            type Value = Fields<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::with_capacity(4);
                while let Some((Name(name), value)) = map.next_entry()? {
                    fields.push((name, value));
                }
                Ok(Fields(last_of_each_name(fields)))
            }
        }
        deserializer.deserialize_map(FieldsVisitor(PhantomData))
    }
}

/// In the place of the first, as JavaScript's objects have it.
fn last_of_each_name(entries: Entries<'_>) -> Entries<'_> {
    let mut kept = Entries::with_capacity(entries.len());
    if entries.len() <= SEARCHED_MAX {
        for (name, value) in entries {
            match kept.iter_mut().find(|(known, _)| *known == name) {
                Some(known) => known.1 = value,
                None => kept.push((name, value)),
            }
        }
        return kept;
    }
    let mut places: HashMap<Cow<'_, str>, usize> = HashMap::with_capacity(entries.len());
    for (name, value) in entries {
        match places.entry(name.clone()) {
            Entry::Occupied(place) => kept[*place.get()].1 = value,
            Entry::Vacant(place) => {
                place.insert(kept.len());
                kept.push((name, value));
            }
        }
    }
    kept
}

/// The name of a field. As bytes, serde_json reads half of a surrogate pair too, and writes it in three bytes, like U+FFFD.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor<'a>(PhantomData<Name<'a>>);
        impl<'de: 'a, 'a> Visitor<'de> for NameVisitor<'a> {
            type Value = Name<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_bytes<E: Error>(self, name: &'de [u8]) -> Result<Self::Value, E> {
                match str::from_utf8(name) {
                    Ok(name) => Ok(Name(name.into())),
                    Err(_) => self.visit_bytes(name),
                }
            }

            fn visit_bytes<E>(self, name: &[u8]) -> Result<Self::Value, E> {
                let name = String::from_utf8(name.to_vec());
                let name = name.unwrap_or_else(|half| {
                    let mut name = half.into_bytes();
                    for at in 0..name.len().saturating_sub(2) {
                        if name[at] == 0xed && name[at + 1] >= 0xa0 {
                            name[at..at + 3].copy_from_slice("\u{fffd}".as_bytes());
                        }
                    }
                    String::from_utf8_lossy(&name).into_owned()
                });
                Ok(Name(name.into()))
            }
        }
        deserializer.deserialize_bytes(NameVisitor(PhantomData))
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
