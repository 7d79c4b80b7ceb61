//! What tokens of attackers and careless issuers need besides the list in `table`: keys and words of their own.

use switchboard_testkit::tokens::{RSA_PUBLIC, base64url, hmac_of};

use super::*;
use jsonwebtoken::DecodingKey;

/// Refused, with this label in the metric.
fn outcome(check: &TokenCheck, token: &str) -> &'static str {
    match check.identity(token) {
        Ok(identity) => panic!("{identity:?} came in"),
        Err(error) => error.outcome(),
    }
}

fn by_secret() -> TokenCheck {
    TokenCheck::new(vec![Issuer::new(strict(), vec![secret()])])
}

fn by_jwks(keys: Value) -> TokenCheck {
    let keys = parse_jwks(json!({ "keys": keys }).to_string().as_bytes());
    TokenCheck::new(vec![Issuer::new(strict(), keys.expect("a set"))])
}

fn alice() -> Value {
    json!({"sub": "alice"})
}

#[test]
fn a_public_key_is_no_shared_secret() {
    let check = TokenCheck::new(vec![Issuer::new(
        strict(),
        vec![Key::from_pem(RSA_PUBLIC.as_bytes()).expect("a public key")],
    )]);
    check
        .identity(&Signing::rsa().token("RS256", &alice()))
        .expect("its own signature is taken");
    let forged = hmac("HS256", RSA_PUBLIC.as_bytes(), &alice());
    assert_eq!(outcome(&check, &forged), "wrong_algorithm");
}

#[test]
fn a_key_is_for_the_algorithm_that_it_names() {
    let signing = Signing::rsa();
    let mut jwk = signing.jwk();
    jwk["alg"] = "RS256".into();
    let check = by_jwks(json!([jwk]));
    check
        .identity(&signing.token("RS256", &alice()))
        .expect("taken");
    for other in ["PS256", "RS512"] {
        assert_eq!(
            outcome(&check, &signing.token(other, &alice())),
            "wrong_algorithm"
        );
    }
}

#[test]
fn a_curve_is_for_its_own_algorithm() {
    let check = by_jwks(json!([Signing::p384().jwk()]));
    let token = Signing::p256().token("ES256", &alice());
    assert_eq!(outcome(&check, &token), "wrong_algorithm");
    let mut mixed = Signing::p256().jwk();
    mixed["alg"] = "ES384".into();
    assert_eq!(outcome(&by_jwks(json!([mixed])), &token), "wrong_algorithm");
}

#[test]
fn a_key_id_is_compared_and_nothing_else() {
    let signing = Signing::ed25519();
    let mut jwk = signing.jwk();
    jwk["kid"] = "2026".into();
    let check = by_jwks(json!([jwk]));
    for id in [
        "../../etc/passwd",
        "' OR 1=1 --",
        "",
        "2026 ",
        &"x".repeat(8000),
    ] {
        let header = json!({"alg": "EdDSA", "kid": id});
        let token = signing.token_with(&header, "EdDSA", &alice());
        assert_eq!(outcome(&check, &token), "unknown_key");
    }
    let header = json!({"alg": "EdDSA", "kid": "2026"});
    let token = signing.token_with(&header, "EdDSA", &alice());
    check.identity(&token).expect("taken");
}

#[test]
fn a_time_is_a_number() {
    for (claim, value) in [
        ("exp", json!("tomorrow")),
        ("exp", json!("9999999999")),
        ("exp", json!(-1)),
        ("exp", json!(-1e300)),
        ("exp", json!(1e300)),
        ("nbf", json!("yesterday")),
        ("nbf", json!(true)),
        ("iat", json!("now")),
        ("iat", json!(-5)),
    ] {
        let mut claims = alice();
        claims[claim] = value.clone();
        let error = check_by(strict(), &claims).expect_err("refused");
        let words = format!("the token's claim `{claim}` is not a time in seconds since 1970");
        assert_eq!(error.to_string(), words, "{value}");
    }
}

#[test]
fn a_signature_of_zeros_is_none() {
    for signing in [Signing::p256(), Signing::p384()] {
        let check = by_jwks(json!([signing.jwk()]));
        let token = signing.token(signing.algorithms()[0], &alice());
        let (message, signature) = token.rsplit_once('.').expect("a token has dots");
        let zeros = vec![0; signature.len() * 3 / 4];
        for forged in [base64url(zeros), String::new()] {
            assert_eq!(
                outcome(&check, &format!("{message}.{forged}")),
                "bad_signature"
            );
        }
    }
}

#[test]
fn deep_and_huge_tokens_cost_nothing() {
    let deep = format!(
        r#"{{"sub": "a", "x": {}{}}}"#,
        "[".repeat(1000),
        "]".repeat(1000)
    );
    let token = hmac_of(r#"{"alg":"HS256"}"#, SECRET, &deep);
    assert_eq!(outcome(&by_secret(), &token), "malformed");
    let long = |bytes| {
        let claims = json!({"sub": "a", "x": "x".repeat(bytes)});
        hmac("HS256", SECRET, &claims)
    };
    assert_eq!(outcome(&by_secret(), &long(1 << 20)), "too_long");
    let fitting = long(12_000);
    by_secret().identity(&fitting).expect("it is short enough");
    assert_eq!(
        outcome(&by_secret(), &"x".repeat(TOKEN_BYTES_MAX + 1)),
        "too_long"
    );
}

#[test]
fn a_short_rsa_key_is_not_taken() {
    let pem = include_bytes!("../../../testdata/rsa-512.pub.pem");
    let token = include_str!("../../../testdata/rsa-512.jwt");
    assert!(Key::from_pem(pem).is_err());
    let of_512_bits = DecodingKey::from_rsa_pem(pem).expect("PEM of a public key");
    let key = Key::new(None, Algorithms::RSA, of_512_bits);
    let check = TokenCheck::new(vec![Issuer::new(strict(), vec![key])]);
    assert_eq!(outcome(&check, token), "bad_signature");
}

#[test]
fn of_a_set_with_odd_keys_the_good_ones_count() {
    let good = Signing::p256();
    let mut encrypts = Signing::rsa().jwk();
    encrypts["use"] = "enc".into();
    let mut wraps = Signing::rsa().jwk();
    wraps["key_ops"] = json!(["wrapKey"]);
    let check = by_jwks(json!([
        7, null, {}, {"kty": "new"}, {"kty": "RSA"}, {"kty": "RSA", "n": "!", "e": "AQAB"},
        {"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"}, {"kty": "OKP", "crv": "Ed448", "x": "AA"},
        {"kty": "RSA", "kid": 7, "n": "AA", "e": "AQAB"}, encrypts, wraps, good.jwk(),
    ]));
    check
        .identity(&good.token("ES256", &alice()))
        .expect("the good key counts");
    let by_rsa = Signing::rsa().token("RS256", &alice());
    assert_eq!(outcome(&check, &by_rsa), "wrong_algorithm");
    for text in ["", "[]", "{}", r#"{"keys": {}}"#, "nonsense"] {
        assert!(parse_jwks(text.as_bytes()).is_none(), "{text}");
    }
}
