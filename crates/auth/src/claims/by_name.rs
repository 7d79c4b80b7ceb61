//! Claims by name, each once (RFC 7519 section 4): of two, a check could see one and its reader the other.

use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// The claims of a token.
#[derive(Debug, Clone, Default)]
pub(crate) struct Claims(Map<String, Value>);

impl Claims {
    /// A claim that is there and not `null`.
    pub(crate) fn present(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Once;

        impl<'de> Visitor<'de> for Once {
            type Value = Claims;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("claims, each once")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut given: A) -> Result<Claims, A::Error> {
                let mut claims = Map::new();
                while let Some((name, value)) = given.next_entry::<String, Value>()? {
                    if claims.insert(name, value).is_some() {
                        return Err(A::Error::custom("a claim comes twice"));
                    }
                }
                Ok(Claims(claims))
            }
        }

        deserializer.deserialize_map(Once)
    }
}
