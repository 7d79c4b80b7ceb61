//! What tokens of attackers and careless issuers need besides the list in `table`: keys and words of their own.

use switchboard_testkit::tokens::base64url;

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
fn a_curve_is_for_its_own_algorithm() {
    let token = Signing::p256().token("ES256", &alice());
    let mut mixed = Signing::p256().jwk();
    mixed["alg"] = "ES384".into();
    assert_eq!(outcome(&by_jwks(json!([mixed])), &token), "wrong_algorithm");
}

#[test]
fn of_a_time_that_is_none_it_is_said_which() {
    for claim in ["exp", "nbf", "iat"] {
        let error = check_by(strict(), &json!({"sub": "alice", claim: "soon"}));
        let words = format!("the token's claim `{claim}` is not a time in seconds since 1970");
        assert_eq!(error.expect_err("refused").to_string(), words);
    }
}

#[test]
fn a_long_token_is_taken_as_long_as_it_is_short_enough() {
    let long = |bytes| {
        let claims = json!({"sub": "a", "x": "x".repeat(bytes)});
        hmac("HS256", SECRET, &claims)
    };
    by_secret().identity(&long(12_000)).expect("short enough");
    assert_eq!(outcome(&by_secret(), &long(1 << 20)), "too_long");
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
fn an_rsa_key_of_a_set_has_2048_to_8192_bits() {
    let modulus = |bytes, first| {
        let mut modulus = vec![0xff; bytes];
        modulus[0] = first;
        base64url(modulus)
    };
    for (bytes, first, is_taken) in [
        (64, 0xff, false),
        (256, 0x7f, false),
        (256, 0x80, true),
        (257, 0, true),
        (256, 0, false),
        (1024, 0xff, true),
        (1025, 1, false),
    ] {
        let rsa = json!({"kty": "RSA", "n": modulus(bytes, first), "e": "AQAB"});
        let set = json!({"keys": [rsa, Signing::p256().jwk()]}).to_string();
        let keys = parse_jwks(set.as_bytes()).expect("a set");
        let taken = usize::from(is_taken) + 1;
        assert_eq!(keys.len(), taken, "{bytes} bytes from {first}");
    }
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
