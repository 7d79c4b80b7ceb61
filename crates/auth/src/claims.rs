//! What the claims of a token mean (`docs/protocol.md`, roles of the token). A claim that is `null` is absent, except `exp` and `nbf`, which are times.

mod by_name;
mod grants;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Number, Value};
use switchboard_protocol::UserId;
use switchboard_protocol::limits::{AVATAR_BYTES_MAX, ID_LIMIT, NAME_BYTES_MAX};

pub(crate) use self::by_name::Claims;
use crate::error::AuthError;
use crate::identity::Identity;
use crate::issuer::Rules;

/// A `jti` is at most so long.
const TOKEN_ID_BYTES_MAX: usize = 256;

/// Reads who the bearer is. Signature, `exp` and `nbf` have been checked before.
pub(crate) fn identity(claims: &Claims, rules: &Rules) -> Result<Identity, AuthError> {
    // A refresh token is signed with the same key, and lives longer.
    if claims
        .present("token_type")
        .is_some_and(|kind| kind != "access")
    {
        return Err(AuthError::WrongType { name: "token_type" });
    }
    let issued_at = time(claims, "iat", f64::floor)?;
    // As if it had been made after any revocation.
    if issued_at.is_some_and(|at| at > now_s().saturating_add(rules.leeway_s())) {
        return Err(AuthError::NotYetValid { claim: "iat" });
    }
    Ok(Identity {
        user: user(claims, &rules.user_claims)?,
        name: text(claims, "name", NAME_BYTES_MAX, "text of at most 256 bytes")?,
        avatar: text(
            claims,
            "avatar",
            AVATAR_BYTES_MAX,
            "text of at most 2048 bytes",
        )?,
        grants: grants::of(claims, &rules.grants_claim)?,
        // As long as the check takes it. A time beyond what this machine can count never comes.
        expires_at: time(claims, "exp", f64::round)?
            .and_then(|exp| exp.checked_add(rules.leeway_s()))
            .and_then(|end| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(end))),
        token: text(
            claims,
            "jti",
            TOKEN_ID_BYTES_MAX,
            "text of at most 256 bytes",
        )?,
        issued_at,
    })
}

/// The first of `user_claims` that is there; a whole number is taken as its decimal digits.
fn user(claims: &Claims, user_claims: &[String]) -> Result<UserId, AuthError> {
    let found = user_claims
        .iter()
        .find_map(|name| Some((name, claims.present(name)?)));
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

fn text(
    claims: &Claims,
    name: &str,
    bytes_max: usize,
    expected: &'static str,
) -> Result<Option<Arc<str>>, AuthError> {
    match claims.present(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.len() <= bytes_max => Ok(Some(text.as_str().into())),
        Some(_) => Err(bad(name, expected)),
    }
}

/// Whole seconds since 1970. RFC 7519 allows fractions: those of `exp` are rounded as the check of the token does, those of
/// `iat` cut off, since a revocation that comes later in that second must not be survived.
fn time(claims: &Claims, name: &str, whole: fn(f64) -> f64) -> Result<Option<u64>, AuthError> {
    let Some(value) = claims.present(name) else {
        return Ok(None);
    };
    let cut = || {
        let seconds = value.as_f64().filter(|seconds| *seconds >= 0.0);
        seconds.map(|seconds| whole(seconds) as u64)
    };
    let seconds = value.as_u64().or_else(cut);
    let wrong = || bad(name, "a time in seconds since 1970");
    seconds.map(Some).ok_or_else(wrong)
}

fn now_s() -> u64 {
    jsonwebtoken::get_current_timestamp()
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
    use switchboard_session::grants::{Ability, Grants};

    use super::*;

    fn read_by(rules: &Rules, claims: Value) -> Result<Identity, AuthError> {
        identity(&serde_json::from_value(claims).expect("an object"), rules)
    }

    fn read(claims: Value) -> Result<Identity, AuthError> {
        read_by(&Rules::default(), claims)
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

    #[test]
    fn the_claim_of_the_grants_may_be_called_otherwise() {
        let rules = Rules {
            grants_claim: "https://example.org/switchboard".into(),
            ..Rules::default()
        };
        let claims = json!({"sub": "a", "https://example.org/switchboard": {"capacity": 3}, "switchboard": {"capacity": 9}});
        let grants = read_by(&rules, claims).expect("grants").grants;
        assert_eq!(grants.capacity, Some(3));
        let claims = json!({"sub": "a", "https://example.org/switchboard": {"capacity": "3"}});
        let error = read_by(&rules, claims).expect_err("refused").to_string();
        assert!(
            error.contains("`https://example.org/switchboard.capacity`"),
            "{error}"
        );
    }

    #[test]
    fn a_claim_that_comes_twice_makes_no_claims() {
        let twice = r#"{"sub": "alice", "role": 1, "sub": "admin"}"#;
        assert!(serde_json::from_str::<Claims>(twice).is_err());
    }
}
