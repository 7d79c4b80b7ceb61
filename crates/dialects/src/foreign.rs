//! JSON as clients of other dialects write it: one reading, for all of them.
//!
//! What JavaScript can write is read. Values stay raw until somebody asks for one, so what is wrong in one field is wrong in
//! that field alone. Nesting is not counted here; what is passed on is measured as a payload.
//!
//! | written | read |
//! | --- | --- |
//! | a field twice | the last counts, as in `JSON.parse` |
//! | half of a surrogate pair | U+FFFD in what is shown or passed on. No name, id or token: two halves would be one name |
//! | a number beyond a 64-bit float | `null` in what is passed on, as in `JSON.stringify` |
//! | `5.0`, `5e0`, `-0` | the whole numbers 5, 5 and 0 |
//! | a whole number as an id | its digits |
//! | `1` and `0` as a flag | `true` and `false` |
//!
//! A field that is there and is not what it should be is [`Wrong`]. Where the dialect needs the field, it refuses the request;
//! else it does the rest, and says what it left out ([`LeftOut`]).

mod object;

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use smallvec::SmallVec;
use switchboard_protocol::codec::mended;
use switchboard_protocol::limits::{AVATAR_BYTES_MAX, ID_LIMIT, NAME_BYTES_MAX};

/// A JSON object's fields, values unread, each name once.
#[derive(Debug, Default, Clone)]
pub(super) struct Fields<'a>(pub(super) Entries<'a>);

type Entries<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

/// A field that is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` is not {expected}")]
pub(super) struct Wrong {
    pub(super) field: &'static str,
    pub(super) expected: &'static str,
}

/// A field of an object, where it is there and is not `null`.
pub(super) type Read<T> = Result<Option<T>, Wrong>;

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

    /// A field's text, as it is compared.
    pub(super) fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        self.get(key).and_then(text)
    }

    /// A text that may be left out.
    pub(super) fn optional_text(&self, field: &'static str) -> Read<Cow<'a, str>> {
        self.optional(field, "a text", text)
    }

    /// A name, which may be left out, or be empty.
    pub(super) fn optional_name(&self, field: &'static str) -> Read<Cow<'a, str>> {
        const { assert!(NAME_BYTES_MAX == 256, "the words say so") };
        let name = self.optional(field, "a text of at most 256 bytes", |value| {
            text(value).filter(|name| name.len() <= NAME_BYTES_MAX)
        });
        Ok(name?.filter(|name| !name.is_empty()))
    }

    /// An avatar, likewise.
    pub(super) fn optional_avatar(&self, field: &'static str) -> Read<Cow<'a, str>> {
        const { assert!(AVATAR_BYTES_MAX == 2048, "the words say so") };
        self.optional(field, "a text of at most 2048 bytes", |value| {
            text(value).filter(|avatar| avatar.len() <= AVATAR_BYTES_MAX)
        })
    }

    /// An id, likewise.
    pub(super) fn optional_id(&self, field: &'static str) -> Read<Cow<'a, str>> {
        self.optional(field, "a text or a whole number", id)
    }

    /// A flag, likewise.
    pub(super) fn optional_flag(&self, field: &'static str) -> Read<bool> {
        self.optional(field, "true or false", |value| match value.get() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        })
    }

    fn optional<T>(
        &self,
        field: &'static str,
        expected: &'static str,
        read: impl FnOnce(&'a RawValue) -> Option<T>,
    ) -> Read<T> {
        match self.get(field) {
            Some(value) if !is_null(value) => {
                read(value).map(Some).ok_or(Wrong { field, expected })
            }
            _ => Ok(None),
        }
    }

    pub(super) fn to_raw(&self) -> Box<RawValue> {
        to_raw_value(self).expect("texts and raw JSON can be written")
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts and raw JSON can be written")
    }
}

pub(super) fn is_null(value: &RawValue) -> bool {
    value.get() == "null"
}

/// What a JSON string says. Half of a surrogate pair says nothing.
pub(super) fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(serde::Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    let text: Option<Text<'_>> = serde_json::from_str(value.get()).ok();
    text.map(|text| text.0)
}

/// A text that is only shown, or passed on: half characters and all.
pub(super) fn shown_text(value: &RawValue) -> Option<Cow<'_, str>> {
    text(value).or_else(|| serde_json::from_str(&mended(value.get())).ok())
}

/// An id as clients write it: text, or a whole number, as some databases have them.
pub(super) fn id(value: &RawValue) -> Option<Cow<'_, str>> {
    text(value).or_else(|| whole_number(value.get()))
}

/// A whole number's digits: as they are, for JavaScript writes up to 21 of them; else as JavaScript would have it.
fn whole_number(number: &str) -> Option<Cow<'_, str>> {
    let digits = number.strip_prefix('-').unwrap_or(number);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) && digits != "0" {
        return Some(number.into());
    }
    let float: f64 = number.parse().ok()?;
    let is_whole = float.fract() == 0.0 && float.abs() < ID_LIMIT as f64;
    is_whole.then(|| (float as i64).to_string().into())
}

/// What was not taken of a request that is done all the same.
#[derive(Debug, Default)]
pub(super) struct LeftOut(SmallVec<[Wrong; 2]>);

impl LeftOut {
    /// The field, unless it is wrong.
    pub(super) fn or_note<T>(&mut self, read: Read<T>) -> Option<T> {
        read.unwrap_or_else(|wrong| {
            self.0.push(wrong);
            None
        })
    }

    /// A field that is read, and is of no use.
    pub(super) fn note(&mut self, field: &'static str, expected: &'static str) {
        self.0.push(Wrong { field, expected });
    }

    /// What to tell the client, if anything.
    pub(super) fn words(&self) -> Option<String> {
        let wrong: Vec<_> = self.0.iter().map(Wrong::to_string).collect();
        (!wrong.is_empty()).then(|| format!("left out: {}", wrong.join(", ")))
    }
}

/// An object for a client: the gateway's own texts, and then those of the relayed fields that are not called like one of them.
pub(super) struct RelayedObject<'t, 'a> {
    pub(super) own: &'t [(&'t str, &'t str)],
    pub(super) fields: &'t [(Cow<'a, str>, Cow<'a, RawValue>)],
}

impl Serialize for RelayedObject<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, text) in self.own {
            map.serialize_entry(key, text)?;
        }
        let is_own = |key: &str| self.own.iter().any(|(own, _)| *own == key);
        for (key, value) in self.fields.iter().filter(|(key, _)| !is_own(key)) {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: &str) -> Fields<'_> {
        Fields::read(json).unwrap_or_else(|| panic!("{json} is an object"))
    }

    #[test]
    fn of_several_fields_of_one_name_the_last_counts_in_the_place_of_the_first() {
        assert_eq!(
            fields(r#"{"a":1,"b":2,"\u0061":3}"#).to_json(),
            r#"{"a":3,"b":2}"#
        );
        let many: Vec<_> = (0..100).map(|n| format!(r#""k{}":{n}"#, n % 50)).collect();
        let many = format!("{{{}}}", many.join(","));
        let read = fields(&many);
        assert_eq!(read.0.len(), 50);
        assert_eq!(read.get("k0").map(RawValue::get), Some("50"));
        assert_eq!(read.0[49].0, "k49");
    }

    #[test]
    fn whatever_javascript_writes_is_an_object_with_its_fields() {
        let deep = format!(
            r#"{{"deep":{}{},"a":1}}"#,
            "[".repeat(5000),
            "]".repeat(5000)
        );
        assert_eq!(fields(&deep).get("a").map(RawValue::get), Some("1"));
        let odd = r#"{"\ud83d":"\ud83d","a\udfffb":1e999,"c":"\ud83d\ude00"}"#;
        let read = fields(odd);
        assert_eq!(read.0[0].0, "\u{fffd}");
        assert_eq!(read.0[1].0, "a\u{fffd}b");
        assert_eq!(read.text("\u{fffd}"), None);
        assert_eq!(read.text("c").as_deref(), Some("\u{1f600}"));
        let half = read.get("\u{fffd}").expect("it is there");
        assert_eq!(shown_text(half).as_deref(), Some("\u{fffd}"));
        for none in ["[]", "1", "\"\"", "null", "{", "{}{}", ""] {
            assert!(Fields::read(none).is_none(), "{none}");
        }
    }

    #[test]
    fn ids_are_texts_or_whole_numbers() {
        for (written, id) in [
            (r#""a""#, Some("a")),
            ("7", Some("7")),
            ("-7", Some("-7")),
            ("7.0", Some("7")),
            ("7e0", Some("7")),
            ("-0", Some("0")),
            ("0", Some("0")),
            ("12345678901234567890", Some("12345678901234567890")),
            ("1.5", None),
            ("1e300", None),
            ("1e999", None),
            (r#""\ud83d""#, None),
            ("true", None),
            ("null", None),
            ("[1]", None),
            ("{}", None),
        ] {
            let object = format!(r#"{{"id":{written}}}"#);
            let fields = fields(&object);
            let read = super::id(fields.get("id").expect("it is there"));
            assert_eq!(read.as_deref(), id, "{written}");
        }
    }

    #[test]
    fn what_is_left_out_is_said() {
        let read = fields(
            r#"{"token":"t","name":42,"avatar":{},"userId":1.5,"muted":1,"off":"no","none":null}"#,
        );
        let mut left_out = LeftOut::default();
        assert_eq!(
            left_out.or_note(read.optional_text("token")).as_deref(),
            Some("t")
        );
        assert_eq!(left_out.or_note(read.optional_name("none")), None);
        assert_eq!(left_out.or_note(read.optional_flag("muted")), Some(true));
        assert_eq!(left_out.words(), None);
        assert_eq!(left_out.or_note(read.optional_name("name")), None);
        assert_eq!(left_out.or_note(read.optional_avatar("avatar")), None);
        assert_eq!(left_out.or_note(read.optional_id("userId")), None);
        assert_eq!(left_out.or_note(read.optional_flag("off")), None);
        assert_eq!(
            left_out.words().as_deref(),
            Some(
                "left out: `name` is not a text of at most 256 bytes, `avatar` is not a text of at most 2048 bytes, \
                 `userId` is not a text or a whole number, `off` is not true or false"
            )
        );
    }
}
