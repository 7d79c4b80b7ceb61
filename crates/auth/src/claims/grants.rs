//! The claim that holds what its bearer may do. What it leaves out is as it is without the claim.

use serde_json::{Map, Value};
use switchboard_session::grants::{Abilities, Ability, Grants};

use super::{Claims, digits};
use crate::error::AuthError;

/// The grants in the claim of that name.
pub(super) fn of(claims: &Claims, name: &str) -> Result<Grants, AuthError> {
    let fields = match claims.present(name) {
        None => return Ok(Grants::default()),
        Some(Value::Object(fields)) => fields,
        Some(_) => {
            return Err(AuthError::BadClaim {
                claim: name.into(),
                expected: "an object",
            });
        }
    };
    Claim { name, fields }.grants()
}

struct Claim<'a> {
    name: &'a str,
    fields: &'a Map<String, Value>,
}

impl<'a> Claim<'a> {
    fn grants(&self) -> Result<Grants, AuthError> {
        let usual = Grants::default();
        let rooms = self.words("rooms")?;
        Ok(Grants {
            rooms: rooms.map(|rooms| rooms.into_iter().map(String::from).collect()),
            can: self.words("can")?.map_or(usual.can, abilities),
            capacity: self.capacity()?,
            hidden: match self.present("hidden") {
                None => usual.hidden,
                Some(Value::Bool(hidden)) => *hidden,
                Some(_) => return Err(self.bad("hidden", "true or false")),
            },
        })
    }

    fn words(&self, field: &str) -> Result<Option<Vec<&'a str>>, AuthError> {
        let Some(value) = self.present(field) else {
            return Ok(None);
        };
        let words = value
            .as_array()
            .and_then(|list| list.iter().map(Value::as_str).collect());
        words
            .map(Some)
            .ok_or_else(|| self.bad(field, "a list of texts"))
    }

    fn capacity(&self) -> Result<Option<u32>, AuthError> {
        let Some(value) = self.present("capacity") else {
            return Ok(None);
        };
        let capacity = value.as_number().map(digits);
        let capacity = capacity
            .and_then(|digits| digits.parse::<u32>().ok())
            .filter(|number| *number > 0);
        capacity
            .map(Some)
            .ok_or_else(|| self.bad("capacity", "a whole number above 0"))
    }

    fn present(&self, field: &str) -> Option<&'a Value> {
        self.fields.get(field).filter(|value| !value.is_null())
    }

    fn bad(&self, field: &str, expected: &'static str) -> AuthError {
        AuthError::BadClaim {
            claim: format!("{}.{field}", self.name),
            expected,
        }
    }
}

/// Words of a later release give nothing here, and do not keep their bearer out.
fn abilities(words: Vec<&str>) -> Abilities {
    let known = words.into_iter().filter_map(|word| {
        Some(match word {
            "join" => Ability::Join,
            "create" => Ability::Create,
            "signal" => Ability::Signal,
            "state" => Ability::State,
            "invite" => Ability::Invite,
            "admin" => Ability::Admin,
            _ => return None,
        })
    });
    known.collect()
}
