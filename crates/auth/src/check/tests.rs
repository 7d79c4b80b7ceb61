//! What is taken, and what is refused with which words. What attackers try is in `attacks`.

mod attacks;
mod table;

use std::time::{Duration, SystemTime};

use jsonwebtoken::get_current_timestamp;
use serde_json::{Value, json};

use super::*;
use crate::issuer::Rules;
use crate::jwks::parse_jwks;
use crate::key_set::KeySet;
use switchboard_testkit::tokens::{self, Signing, hmac};

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

/// Without any patience for clocks.
fn strict() -> Rules {
    Rules {
        leeway: Duration::ZERO,
        ..Rules::default()
    }
}

/// The public half, as a key set has it.
fn public(signing: &Signing, id: Option<&str>) -> Key {
    let mut jwk = signing.jwk();
    if let Some(id) = id {
        jwk["kid"] = id.into();
    }
    let keys = parse_jwks(json!({"keys": [jwk]}).to_string().as_bytes());
    keys.and_then(|mut keys| keys.pop()).expect("a key")
}

fn secret() -> Key {
    Key::from_secret(SECRET).expect("a secret")
}

fn check_by(rules: Rules, claims: &Value) -> Result<Identity, AuthError> {
    let check = TokenCheck::new(vec![Issuer::new(rules, vec![secret()])]);
    check.identity(&hmac("HS256", SECRET, claims))
}

fn check_token(token: &str) -> Result<Identity, AuthError> {
    TokenCheck::new(vec![Issuer::new(strict(), vec![secret()])]).identity(token)
}

#[test]
fn a_good_token_says_who_it_is() {
    let now = get_current_timestamp();
    let claims = json!({
        "sub": "alice", "name": "Alice", "avatar": "https://a/a.png", "exp": now + 60, "aud": "whoever", "jti": "t1", "iat": now,
    });
    let identity = check_by(strict(), &claims).expect("a good token");
    assert_eq!(identity.user.as_str(), "alice");
    assert_eq!(identity.name.as_deref(), Some("Alice"));
    assert_eq!(identity.avatar.as_deref(), Some("https://a/a.png"));
    assert_eq!(identity.token.as_deref(), Some("t1"));
    assert_eq!(identity.issued_at, Some(now));
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(now + 60);
    assert_eq!(identity.expires_at, Some(end));
}

#[test]
fn a_token_without_exp_never_ends_and_neither_does_a_far_one() {
    for claims in [json!({"sub": "a"}), json!({"sub": "a", "exp": u64::MAX})] {
        let identity = check_by(strict(), &claims).expect("taken");
        assert_eq!(identity.expires_at, None, "{claims}");
    }
}

#[test]
fn every_algorithm_that_its_key_is_for_is_taken() {
    let claims = json!({"sub": "alice"});
    for algorithm in ["HS256", "HS384", "HS512"] {
        check_token(&hmac(algorithm, SECRET, &claims)).expect("taken");
    }
    for signing in Signing::all() {
        let check = TokenCheck::new(vec![Issuer::new(strict(), vec![public(&signing, None)])]);
        for algorithm in signing.algorithms() {
            let identity = check.identity(&signing.token(algorithm, &claims));
            assert_eq!(
                identity.expect("taken").user.as_str(),
                "alice",
                "{algorithm}"
            );
        }
    }
}

#[test]
fn of_the_algorithms_of_a_key_those_that_the_rules_name_are_taken() {
    let rules = Rules {
        algorithms: "HS384".parse().expect("it is taken"),
        ..strict()
    };
    let check = TokenCheck::new(vec![Issuer::new(rules, vec![secret()])]);
    let claims = json!({"sub": "a"});
    check
        .identity(&hmac("HS384", SECRET, &claims))
        .expect("taken");
    let error = check
        .identity(&hmac("HS256", SECRET, &claims))
        .expect_err("refused");
    assert_eq!(
        error.to_string(),
        "the token is not signed with an algorithm that is taken here: HS384"
    );
}

#[test]
fn an_old_key_counts_until_its_end() {
    let (minute, now) = (Duration::from_secs(60), SystemTime::now());
    let old = |ends_at| {
        Key::from_secret(b"the old one")
            .expect("a secret")
            .until(ends_at)
    };
    for (ends_at, taken) in [(now + minute, true), (now - minute, false)] {
        let check = TokenCheck::new(vec![Issuer::new(strict(), vec![secret(), old(ends_at)])]);
        let claims = json!({"sub": "a"});
        check
            .identity(&hmac("HS256", SECRET, &claims))
            .expect("the new one");
        let by_old = check.identity(&hmac("HS256", b"the old one", &claims));
        let refused = (!taken).then_some(AuthError::BadSignature);
        assert_eq!(by_old.err(), refused);
    }
}

#[test]
fn a_token_is_checked_by_the_keys_of_its_own_issuer() {
    let called = |name: &str| Rules {
        issuer: Some(name.into()),
        ..strict()
    };
    let other = Key::from_secret(b"another key").expect("a secret");
    let check = TokenCheck::new(vec![
        Issuer::new(called("https://one/"), vec![secret()]),
        Issuer::new(called("https://two/"), vec![other.clone()]),
    ]);
    let by = |issuer: &str, key: &[u8]| {
        let claims = json!({"sub": "a", "iss": issuer});
        check.identity(&hmac("HS256", key, &claims)).err()
    };
    assert_eq!(by("https://one/", SECRET), None);
    assert_eq!(by("https://two/", b"another key"), None);
    assert_eq!(by("https://two/", SECRET), Some(AuthError::BadSignature));
    assert_eq!(by("https://three/", SECRET), Some(AuthError::WrongIssuer));

    let check = TokenCheck::new(vec![
        Issuer::new(called("https://one/"), vec![secret()]),
        Issuer::new(strict(), vec![other]),
    ]);
    let by = |claims: Value, key: &[u8]| check.identity(&hmac("HS256", key, &claims)).err();
    assert_eq!(by(json!({"sub": "a"}), b"another key"), None);
    assert_eq!(by(json!({"sub": "a", "iss": "x"}), b"another key"), None);
    let stolen_name = json!({"sub": "a", "iss": "https://one/"});
    assert_eq!(
        by(stolen_name, b"another key"),
        Some(AuthError::BadSignature)
    );
}

#[test]
fn times_are_checked_within_the_leeway() {
    let now = get_current_timestamp();
    let patient = Rules {
        leeway: Duration::from_millis(29_001),
        ..Rules::default()
    };
    let not_yet = |claim| Some(AuthError::NotYetValid { claim });
    for (claims, in_strict, in_patient) in [
        (
            json!({"sub": "a", "exp": now - 20}),
            Some(AuthError::Expired),
            None,
        ),
        (
            json!({"sub": "a", "exp": now - 40}),
            Some(AuthError::Expired),
            Some(AuthError::Expired),
        ),
        (json!({"sub": "a", "nbf": now + 20}), not_yet("nbf"), None),
        (
            json!({"sub": "a", "nbf": now + 40}),
            not_yet("nbf"),
            not_yet("nbf"),
        ),
        (json!({"sub": "a", "iat": now + 20}), not_yet("iat"), None),
        (
            json!({"sub": "a", "iat": now + 40}),
            not_yet("iat"),
            not_yet("iat"),
        ),
    ] {
        assert_eq!(check_by(strict(), &claims).err(), in_strict, "{claims}");
        assert_eq!(
            check_by(patient.clone(), &claims).err(),
            in_patient,
            "{claims}"
        );
    }
}

#[test]
fn issuer_and_audience_count_only_where_the_rules_name_them() {
    let named = Rules {
        issuer: Some("main".into()),
        audience: Some("calls".into()),
        ..strict()
    };
    for (claims, refused) in [
        (
            json!({"sub": "a", "iss": "main", "aud": ["web", "calls"]}),
            None,
        ),
        (
            json!({"sub": "a", "iss": "other", "aud": "calls"}),
            Some(AuthError::WrongIssuer),
        ),
        (
            json!({"sub": "a", "aud": "calls"}),
            Some(AuthError::WrongIssuer),
        ),
        (
            json!({"sub": "a", "iss": "main", "aud": "web"}),
            Some(AuthError::WrongAudience),
        ),
        (
            json!({"sub": "a", "iss": "main"}),
            Some(AuthError::WrongAudience),
        ),
    ] {
        assert_eq!(check_by(named.clone(), &claims).err(), refused, "{claims}");
        assert_eq!(check_by(strict(), &claims).err(), None);
    }
}

#[test]
fn an_access_token_may_say_that_it_is_one() {
    for typ in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"] {
        let header = json!({"alg": "HS256", "typ": typ});
        let claims = json!({"sub": "a", "token_type": "access"});
        check_token(&tokens::hmac_with(&header, SECRET, &claims)).expect(typ);
    }
}

#[test]
fn nothing_of_a_token_shows_in_an_error_or_of_a_key_in_debug() {
    let token = hmac("HS256", b"another key", &json!({"sub": "alice"}));
    let error = check_token(&token).expect_err("refused");
    assert!(!format!("{error} {error:?}").contains(&token[..20]));
    let check = TokenCheck::new(vec![Issuer::new(strict(), vec![secret()])]);
    assert!(!format!("{check:?}").contains("48, 49, 50") && !format!("{check:?}").contains("0123"));
}

#[test]
fn where_an_issuer_publishes_keys_without_names_a_token_of_another_may_have_a_newer_one() {
    let (old, new) = (Signing::p256(), Signing::p256());
    let set = crate::key_set::KeySet::default();
    let check = TokenCheck::new(vec![
        Issuer::new(strict(), Vec::new()).publishing(set.clone()),
    ]);
    let of_new = new.token("ES256", &json!({"sub": "a"}));
    assert_eq!(check.identity(&of_new).err(), Some(AuthError::NoKeys));
    set.replace(Some(vec![public(&old, None)]));
    assert_eq!(check.identity(&of_new).err(), Some(AuthError::UnknownKey));
    set.replace(Some(vec![public(&new, None)]));
    check.identity(&of_new).expect("it is there now");
    let header = json!({"alg": "ES256", "kid": "k"});
    set.replace(Some(vec![public(&old, Some("k"))]));
    let forged = new.token_with(&header, "ES256", &json!({"sub": "a"}));
    assert_eq!(check.identity(&forged).err(), Some(AuthError::BadSignature));
}

#[test]
fn of_a_token_that_is_known_to_be_good_only_the_end_is_checked_again() {
    let now = get_current_timestamp();
    let signing = Signing::rsa();
    let check = TokenCheck::new(vec![
        Issuer::new(strict(), Vec::new()).publishing(KeySet::default()),
    ]);
    let token = |claims| signing.token("RS256", &claims);
    let good = token(json!({"sub": "alice", "exp": now + 60}));
    assert_eq!(check.identity(&good), Err(AuthError::NoKeys));
    let known = check.identity_of_known(&good).expect("it is in its time");
    assert_eq!(known.user.as_str(), "alice");
    let over = token(json!({"sub": "alice", "exp": now - 60}));
    assert_eq!(check.identity_of_known(&over), Err(AuthError::Expired));
    assert_eq!(
        check.identity_of_known("nonsense"),
        Err(AuthError::Malformed)
    );
}
