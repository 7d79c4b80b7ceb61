//! Whole numbers as clients write them: languages that have only floats write `5.0` for five, in either encoding.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

use crate::PeerId;
use crate::limits::ID_LIMIT;

/// The whole number below 2^53 that a float is, if it is one. `-0` is 0.
pub fn whole(float: f64) -> Option<u64> {
    let is_whole = float.fract() == 0.0 && (0.0..ID_LIMIT as f64).contains(&float);
    is_whole.then_some(float as u64)
}

/// Reads a map of whole numbers.
pub(crate) fn whole_numbers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<PeerId, u64>, D::Error> {
    let numbers = BTreeMap::<PeerId, Whole>::deserialize(deserializer)?;
    let numbers = numbers.into_iter();
    Ok(numbers
        .map(|(peer, Whole(number))| (peer, number))
        .collect())
}

/// Reads a map of lists of whole numbers.
pub(crate) fn whole_number_lists<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BTreeMap<PeerId, Vec<u64>>>, D::Error> {
    let lists = Option::<BTreeMap<PeerId, Vec<Whole>>>::deserialize(deserializer)?;
    let numbers = |list: Vec<Whole>| list.into_iter().map(|Whole(number)| number).collect();
    let lists = lists.map(|lists| lists.into_iter());
    Ok(lists.map(|lists| lists.map(|(peer, list)| (peer, numbers(list))).collect()))
}

struct Whole(u64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u64(WholeVisitor)
    }
}

struct WholeVisitor;

impl Visitor<'_> for WholeVisitor {
    type Value = Whole;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Whole, E> {
        Ok(Whole(number))
    }

    /// MessagePack has several ways to write a small number.
    fn visit_i64<E: Error>(self, number: i64) -> Result<Whole, E> {
        let whole = u64::try_from(number).map(Whole);
        whole.map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Whole, E> {
        let whole = whole(number).map(Whole);
        whole.ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))
    }
}
