//! Tokens as attackers and careless issuers make them.

use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};

use super::*;

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn config() -> JwtConfig {
    JwtConfig {
        leeway: Duration::ZERO,
        ..JwtConfig::default()
    }
}

fn signed(algorithm: Algorithm, key: &str, claims: &Value) -> String {
    let key = EncodingKey::from_secret(key.as_bytes());
    encode(&Header::new(algorithm), claims, &key).expect("claims can be signed")
}

fn check(config: &JwtConfig, claims: Value) -> Result<Identity, AuthError> {
    TokenCheck::new(config, &KEY.into()).identity(&signed(Algorithm::HS256, KEY, &claims))
}

fn check_token(token: &str) -> Result<Identity, AuthError> {
    TokenCheck::new(&config(), &KEY.into()).identity(token)
}

/// The same claims and signature under another header, which is base64url without padding.
fn with_header(header_base64: &str) -> String {
    let token = signed(Algorithm::HS256, KEY, &json!({"sub": "alice"}));
    let (_, rest) = token.split_once('.').expect("a token has dots");
    format!("{header_base64}.{rest}")
}

#[test]
fn a_good_token_says_who_it_is() {
    let exp = get_current_timestamp() + 60;
    let claims = json!({"sub": "alice", "name": "Alice", "avatar": "https://a/a.png", "exp": exp, "aud": "whoever"});
    let identity = check(&config(), claims).expect("a good token");
    assert_eq!(identity.user.as_str(), "alice");
    assert_eq!(
        (identity.name.as_deref(), identity.avatar.as_deref()),
        (Some("Alice"), Some("https://a/a.png"))
    );
    let expires_at = identity
        .expires_at
        .expect("an end")
        .duration_since(std::time::UNIX_EPOCH);
    assert_eq!(expires_at.expect("after 1970").as_secs(), exp);
}

#[test]
fn a_token_without_exp_never_ends_and_neither_does_a_far_one() {
    assert_eq!(
        check(&config(), json!({"sub": "a"}))
            .expect("no end")
            .expires_at,
        None
    );
    assert_eq!(
        check(&config(), json!({"sub": "a", "exp": u64::MAX}))
            .expect("far end")
            .expires_at,
        None
    );
}

#[test]
fn alg_none_is_refused_with_and_without_a_signature() {
    let none = with_header("eyJhbGciOiJub25lIn0"); // {"alg":"none"}
    let (unsigned, _) = none.rsplit_once('.').expect("a token has dots");
    for token in [none.clone(), format!("{unsigned}.")] {
        assert_eq!(check_token(&token), Err(AuthError::WrongAlgorithm));
    }
}

#[test]
fn another_algorithm_is_refused_even_with_the_right_key() {
    let claims = json!({"sub": "alice"});
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        assert_eq!(
            check_token(&signed(algorithm, KEY, &claims)),
            Err(AuthError::WrongAlgorithm)
        );
    }
    // {"alg":"RS256"}, signed with the shared bytes: the confusion of RFC 8725 section 2.1.
    assert_eq!(
        check_token(&with_header("eyJhbGciOiJSUzI1NiJ9")),
        Err(AuthError::WrongAlgorithm)
    );
}

#[test]
fn a_token_of_another_key_or_with_changed_claims_is_refused() {
    let claims = json!({"sub": "alice"});
    assert_eq!(
        check_token(&signed(Algorithm::HS256, "another key", &claims)),
        Err(AuthError::BadSignature)
    );

    let (alice, bob) = (
        signed(Algorithm::HS256, KEY, &claims),
        signed(Algorithm::HS256, KEY, &json!({"sub": "bob"})),
    );
    let (claims_of_bob, _) = bob.rsplit_once('.').expect("a token has dots");
    let (_, signature_of_alice) = alice.rsplit_once('.').expect("a token has dots");
    assert_eq!(
        check_token(&format!("{claims_of_bob}.{signature_of_alice}")),
        Err(AuthError::BadSignature)
    );
}

#[test]
fn times_are_checked_within_the_leeway() {
    let now = get_current_timestamp();
    let patient = JwtConfig {
        leeway: Duration::from_millis(29_001),
        ..config()
    };
    for (claims, strict, lenient) in [
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
        (
            json!({"sub": "a", "nbf": now + 20}),
            Some(AuthError::NotYetValid),
            None,
        ),
        (
            json!({"sub": "a", "nbf": now + 40}),
            Some(AuthError::NotYetValid),
            Some(AuthError::NotYetValid),
        ),
    ] {
        assert_eq!(check(&config(), claims.clone()).err(), strict, "{claims}");
        assert_eq!(check(&patient, claims.clone()).err(), lenient, "{claims}");
    }
    let error = check(&config(), json!({"sub": "a", "exp": "tomorrow"})).expect_err("refused");
    assert_eq!(
        error.to_string(),
        "the token's claim `exp` is not a time in seconds since 1970"
    );
}

#[test]
fn issuer_and_audience_count_only_where_configured() {
    let strict = JwtConfig {
        issuer: Some("main".into()),
        audience: Some("calls".into()),
        ..config()
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
        assert_eq!(check(&strict, claims.clone()).err(), refused, "{claims}");
        assert_eq!(check(&config(), claims).err(), None);
    }
}

#[test]
fn what_is_no_token_is_malformed() {
    for token in [
        "x",
        "..",
        "a.b.c",
        "a.b",
        "eyJhbGciOiJIUzI1NiJ9",
        "🦀.🦀.🦀",
        " ",
    ] {
        assert_eq!(check_token(token), Err(AuthError::Malformed), "{token}");
    }
    // {"alg":"HS256","crit":["b64"]}
    let critical = with_header("eyJhbGciOiJIUzI1NiIsImNyaXQiOlsiYjY0Il19");
    assert_eq!(check_token(&critical), Err(AuthError::Malformed));
    assert_eq!(check(&config(), json!(["sub"])), Err(AuthError::Malformed));
}

#[test]
fn a_huge_token_is_not_even_decoded() {
    let huge = signed(
        Algorithm::HS256,
        KEY,
        &json!({"sub": "a", "padding": "x".repeat(1 << 20)}),
    );
    assert_eq!(
        check_token(&huge).expect_err("refused").outcome(),
        "too_long"
    );
}

#[test]
fn nothing_of_a_token_shows_in_an_error() {
    let token = signed(Algorithm::HS256, "another key", &json!({"sub": "alice"}));
    let error = check_token(&token).expect_err("refused");
    assert!(!format!("{error} {error:?}").contains(&token[..20]));
}
