//! What the claims of a token mean (`docs/protocol.md`, roles of the token). A claim that is `null` is absent.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Number, Value};
use switchboard_protocol::UserId;
use switchboard_protocol::limits::{AVATAR_BYTES_MAX, ID_LIMIT, NAME_BYTES_MAX};
use switchboard_session::grants::{Abilities, Ability, Grants};

use super::{AuthError, Identity};

/// Claims by name.
pub(super) type Claims = Map<String, Value>;

/// Reads who the bearer is. Signature and times have been checked before.
pub(super) fn identity(claims: &Claims, user_claims: &[String]) -> Result<Identity, AuthError> {
    let switchboard = match present(claims, "switchboard") {
        None => Grants::default(),
        Some(Value::Object(grants)) => read_grants(grants)?,
        Some(_) => return Err(bad("switchboard", "an object")),
    };
    Ok(Identity {
        user: user(claims, user_claims)?,
        name: text(claims, "name", NAME_BYTES_MAX, "text of at most 256 bytes")?,
        avatar: text(
            claims,
            "avatar",
            AVATAR_BYTES_MAX,
            "text of at most 2048 bytes",
        )?,
        grants: switchboard,
        expires_at: expires_at(claims),
    })
}

/// The first of `user_claims` that is there; a whole number is taken as its decimal digits.
fn user(claims: &Claims, user_claims: &[String]) -> Result<UserId, AuthError> {
    let found = user_claims
        .iter()
        .find_map(|name| Some((name, present(claims, name)?)));
    let (name, value) = found.ok_or_else(|| AuthError::NoUser {
        claims: user_claims.to_vec(),
    })?;
    let id = match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => digits(number).parse().ok(),
        _ => None,
    };
    id.ok_or_else(|| {
        bad(
            name,
            "a user id: text of 1 to 256 bytes without control characters, or a whole number",
        )
    })
}

/// A whole number's digits, also where it was written `42.0`; nothing, if it is none.
fn digits(number: &Number) -> String {
    match number.as_f64().filter(|_| number.is_f64()) {
        None => number.to_string(),
        Some(float) if float.fract() == 0.0 && float.abs() < ID_LIMIT as f64 => {
            (float as i64).to_string()
        }
        Some(_) => String::new(),
    }
}

/// A claim that leaves something out leaves it as it is without the claim.
fn read_grants(claim: &Claims) -> Result<Grants, AuthError> {
    let usual = Grants::default();
    Ok(Grants {
        rooms: words(claim, "rooms")?.map(|rooms| rooms.into_iter().map(String::from).collect()),
        can: words(claim, "can")?.map_or(usual.can, abilities),
        capacity: capacity(claim)?,
        hidden: match present(claim, "hidden") {
            None => usual.hidden,
            Some(Value::Bool(hidden)) => *hidden,
            Some(_) => return Err(bad("switchboard.hidden", "true or false")),
        },
    })
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

fn words<'a>(claim: &'a Claims, name: &str) -> Result<Option<Vec<&'a str>>, AuthError> {
    let Some(value) = present(claim, name) else {
        return Ok(None);
    };
    let words = value
        .as_array()
        .and_then(|list| list.iter().map(Value::as_str).collect());
    let wrong = || bad(&format!("switchboard.{name}"), "a list of texts");
    words.map(Some).ok_or_else(wrong)
}

fn capacity(claim: &Claims) -> Result<Option<u32>, AuthError> {
    let Some(value) = present(claim, "capacity") else {
        return Ok(None);
    };
    let capacity = value.as_number().map(digits);
    let capacity = capacity
        .and_then(|digits| digits.parse::<u32>().ok())
        .filter(|number| *number > 0);
    capacity
        .map(Some)
        .ok_or_else(|| bad("switchboard.capacity", "a whole number above 0"))
}

fn text(
    claims: &Claims,
    name: &str,
    bytes_max: usize,
    expected: &'static str,
) -> Result<Option<Arc<str>>, AuthError> {
    match present(claims, name) {
        None => Ok(None),
        Some(Value::String(text)) if text.len() <= bytes_max => Ok(Some(text.as_str().into())),
        Some(_) => Err(bad(name, expected)),
    }
}

/// A time beyond what this machine can count never comes.
fn expires_at(claims: &Claims) -> Option<SystemTime> {
    let exp = present(claims, "exp")?;
    // RFC 7519 allows fractions; they are rounded as the check of the token did.
    let seconds = exp
        .as_u64()
        .or_else(|| exp.as_f64().map(|seconds| seconds.round() as u64))?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

fn present<'a>(claims: &'a Claims, name: &str) -> Option<&'a Value> {
    claims.get(name).filter(|value| !value.is_null())
}

fn bad(claim: &str, expected: &'static str) -> AuthError {
    AuthError::BadClaim {
        claim: claim.into(),
        expected,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(claims: Value) -> Result<Identity, AuthError> {
        let user_claims = ["sub", "userId", "user_id"].map(String::from);
        identity(
            claims.as_object().expect("claims are an object"),
            &user_claims,
        )
    }

    #[test]
    fn the_first_user_claim_counts_and_may_be_a_number() {
        for number in [json!(42), json!(42.0)] {
            assert_eq!(
                read(json!({"userId": number, "user_id": "x"}))
                    .expect("42")
                    .user
                    .as_str(),
                "42"
            );
        }
        assert_eq!(
            read(json!({"sub": null, "user_id": "x"}))
                .expect("x")
                .user
                .as_str(),
            "x"
        );
        assert!(matches!(
            read(json!({"name": "x"})),
            Err(AuthError::NoUser { .. })
        ));
        for wrong in [
            json!(""),
            json!(1.5),
            json!(true),
            json!(["a"]),
            json!("a\nb"),
            json!("a".repeat(257)),
        ] {
            let error = read(json!({ "sub": wrong, "userId": "x" })).expect_err("refused");
            assert_eq!(error.outcome(), "bad_claim");
        }
    }

    #[test]
    fn grants_are_read_and_unknown_words_give_nothing() {
        let grants = read(json!({"sub": "a", "switchboard": {
            "rooms": ["study-*"], "can": ["join", "signal", "teleport"], "capacity": 8, "hidden": true, "later": 1,
        }}));
        assert_eq!(
            grants.expect("grants").grants,
            Grants {
                rooms: Some(vec!["study-*".into()]),
                can: [Ability::Join, Ability::Signal].into_iter().collect(),
                capacity: Some(8),
                hidden: true,
            }
        );
    }

    #[test]
    fn what_the_claim_leaves_out_is_as_usual() {
        for claims in [
            json!({"sub": "a"}),
            json!({"sub": "a", "switchboard": {}}),
            json!({"sub": "a", "switchboard": {"can": null}}),
        ] {
            assert_eq!(read(claims).expect("usual").grants, Grants::default());
        }
        let nothing = read(json!({"sub": "a", "switchboard": {"can": [], "rooms": []}}))
            .expect("nothing")
            .grants;
        assert!(!nothing.can.has(Ability::Join) && nothing.rooms == Some(vec![]));
    }

    #[test]
    fn a_claim_of_the_wrong_type_is_named() {
        for (grants, name) in [
            (json!("all"), "switchboard"),
            (json!({"rooms": "study-*"}), "switchboard.rooms"),
            (json!({"can": [1]}), "switchboard.can"),
            (json!({"capacity": 0}), "switchboard.capacity"),
            (
                json!({"capacity": 5_000_000_000_u64}),
                "switchboard.capacity",
            ),
            (json!({"hidden": "yes"}), "switchboard.hidden"),
        ] {
            let error = read(json!({"sub": "a", "switchboard": grants})).expect_err("refused");
            assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
        }
    }
}
