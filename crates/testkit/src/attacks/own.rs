//! Tokens that the issuer [`OWN`] would have signed, and what is wrong with each.

use serde_json::{Value, json};

use super::attack::{AUDIENCE, Attack, OWN, SECRET, add, merged};
use crate::tokens::{base64url, hmac_of, hmac_with};

/// The most bytes that a token may have.
const BYTES_MAX: usize = 16 * 1024;

/// All of them.
pub(super) fn attacks(all: &mut Vec<Attack>) {
    claims_of_own(all);
    times_of_own(all);
    forms(all);
    headers_and_claims(all);
    kinds(all);
}

/// Of [`OWN`], with these claims in place of its own.
pub(super) fn own(claims: Value) -> Value {
    merged(json!({"sub": "alice", "iss": OWN, "aud": AUDIENCE}), claims)
}

pub(super) fn own_with(header: &Value, claims: &Value) -> String {
    hmac_with(header, SECRET.as_bytes(), claims)
}

fn claims_of_own(all: &mut Vec<Attack>) {
    let mut refused = |name: String, claims: Value, outcome| {
        add(
            all,
            name,
            own_with(&json!({"alg": "HS256"}), &claims),
            outcome,
        );
    };
    for iss in [
        json!([OWN, "forger"]),
        json!([OWN]),
        json!({OWN: true}),
        json!(1),
        json!(null),
        json!("own/"),
        json!("Own"),
        json!("accounts.foreign.example"),
    ] {
        refused(
            format!("iss {iss}"),
            own(json!({"iss": iss})),
            "wrong_issuer",
        );
    }
    refused(
        "iss missing".into(),
        json!({"sub": "alice", "aud": AUDIENCE}),
        "wrong_issuer",
    );
    for aud in [
        json!({AUDIENCE: true}),
        json!(["web"]),
        json!([[AUDIENCE]]),
        json!("Calls"),
        json!(7),
        json!([]),
    ] {
        refused(
            format!("aud {aud}"),
            own(json!({"aud": aud})),
            "wrong_audience",
        );
    }
    refused(
        "aud missing".into(),
        json!({"sub": "alice", "iss": OWN}),
        "wrong_audience",
    );
    refused(
        "no user".into(),
        json!({"iss": OWN, "aud": AUDIENCE}),
        "no_user",
    );
}

fn times_of_own(all: &mut Vec<Attack>) {
    let mut refused = |name: String, claims: Value, outcome| {
        let token = own_with(&json!({"alg": "HS256"}), &claims);
        add(all, name, token, outcome);
    };
    for (claim, value) in [
        ("exp", json!(null)),
        ("exp", json!("tomorrow")),
        ("exp", json!("9999999999")),
        ("exp", json!(-1)),
        ("exp", json!(1e300)),
        ("exp", json!(-1e300)),
        ("nbf", json!("yesterday")),
        ("nbf", json!(true)),
        ("iat", json!("now")),
        ("iat", json!(-5)),
    ] {
        refused(
            format!("{claim} {value}"),
            own(json!({claim: value})),
            "bad_claim",
        );
    }
    refused(
        "exp over".into(),
        own(json!({"exp": 1_000_000_000})),
        "expired",
    );
    for claim in ["nbf", "iat"] {
        refused(
            format!("{claim} ahead"),
            own(json!({claim: 99_999_999_999_u64})),
            "not_yet_valid",
        );
    }
}

fn forms(all: &mut Vec<Attack>) {
    let token = own_with(&json!({"alg": "HS256"}), &own(json!({})));
    let (message, signature) = token.rsplit_once('.').expect("a token has dots");
    let (header, _) = message.split_once('.').expect("a token has dots");
    for (name, text) in [
        ("padded base64", format!("{message}.{signature}=")),
        ("a space in front", format!(" {token}")),
        ("two parts", message.into()),
        ("four parts", format!("{token}.x")),
        (
            "five parts, as an encrypted token (JWE) has",
            format!("{header}.a.b.c.d"),
        ),
        ("an encrypted token (JWE) with alg dir", jwe()),
        ("nothing but dots", "..".into()),
        ("a word", "x".into()),
        ("nothing but a header", header.into()),
        ("no base64", "🦀.🦀.🦀".into()),
    ] {
        add(all, name, text, "malformed");
    }
    let bob = own_with(&json!({"alg": "HS256"}), &own(json!({"sub": "bob"})));
    let (of_bob, _) = bob.rsplit_once('.').expect("a token has dots");
    add(
        all,
        "claims of another token",
        format!("{of_bob}.{signature}"),
        "bad_signature",
    );
}

/// In form as RFC 7516 has it: with a shared key there is no encrypted key, the second part.
fn jwe() -> String {
    let header = base64url(r#"{"alg":"dir","enc":"A256GCM","typ":"JWT"}"#);
    let [iv, tag] = [12, 16].map(|bytes| base64url(vec![7; bytes]));
    let text = base64url(own(json!({})).to_string());
    format!("{header}..{iv}.{text}.{tag}")
}

fn headers_and_claims(all: &mut Vec<Attack>) {
    for (name, more) in [
        (
            "crit with b64=false",
            json!({"crit": ["b64"], "b64": false}),
        ),
        ("crit that is known", json!({"crit": ["exp"]})),
        ("crit of nothing", json!({"crit": []})),
        ("b64=false alone", json!({"b64": false})),
    ] {
        let header = merged(json!({"alg": "HS256"}), more);
        add(all, name, own_with(&header, &own(json!({}))), "malformed");
    }
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    for (name, claims) in [
        ("sub twice", r#""sub": "alice", "sub": "admin""#.into()),
        (
            "exp twice",
            r#""sub": "alice", "exp": 1, "exp": 9999999999"#.into(),
        ),
        (
            "claims 1000 deep",
            format!(r#""sub": "alice", "x": {deep}"#),
        ),
    ] {
        let claims = format!(r#"{{"iss": "{OWN}", "aud": "{AUDIENCE}", {claims}}}"#);
        let token = hmac_of(r#"{"alg":"HS256"}"#, SECRET.as_bytes(), &claims);
        add(all, name, token, "malformed");
    }
    let list = hmac_of(r#"{"alg":"HS256"}"#, SECRET.as_bytes(), r#"["sub"]"#);
    add(all, "claims that are a list", list, "malformed");
    add(
        all,
        "16 KiB and a byte",
        "x".repeat(BYTES_MAX + 1),
        "too_long",
    );
}

fn kinds(all: &mut Vec<Attack>) {
    let hs256 = json!({"alg": "HS256"});
    for (name, header, claims) in [
        (
            "a refresh token",
            json!({}),
            json!({"token_type": "refresh"}),
        ),
        (
            "a token type that is a number",
            json!({}),
            json!({"token_type": 1}),
        ),
        ("a logout token", json!({"typ": "logout+jwt"}), json!({})),
        (
            "a proof of possession",
            json!({"typ": "dpop+jwt"}),
            json!({}),
        ),
        ("an empty typ", json!({"typ": ""}), json!({})),
    ] {
        let header = merged(hs256.clone(), header);
        add(all, name, own_with(&header, &own(claims)), "wrong_type");
    }
    let id_token = json!({"aud": "web-client-id", "nonce": "n-0S6_WzA2Mj", "at_hash": "77QmUPtjPfzWtF2AnpK9RQ"});
    add(
        all,
        "an ID token for a web page",
        own_with(&hs256, &own(id_token)),
        "wrong_audience",
    );
}
