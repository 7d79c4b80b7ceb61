//! Tokens as attackers and careless issuers make them (RFC 8725): one list, for the check alone and for gateways.
//!
//! One without `exp` is not among them: it is taken by design, and does not end by itself (`docs/protocol.md`).

mod attack;
mod own;

use serde_json::{Value, json};

pub use self::attack::{AUDIENCE, Attack, OWN, SECRET};
use self::attack::{add, merged};
use self::own::{own, own_with};
use crate::tokens::{RSA_PUBLIC, Signing, base64url, hmac_of, hmac_with};

/// The name of the issuer whose key is [`RSA_PUBLIC`], for RS256 alone.
pub const PEM: &str = "pem";

/// The name that two issuers have for a key, each for one of its own.
const SAME_ID: &str = "k";

/// Four issuers: [`OWN`], [`PEM`], and two that publish their keys.
pub struct Issuers {
    published: String,
    partner: String,
    elsewhere: String,
    p256: Signing,
    p384: Signing,
    ed25519: Signing,
    of_partner: Signing,
}

impl Issuers {
    /// Those that publish keys are called so. What forged headers name is at `elsewhere`.
    pub fn new(published: String, partner: String, elsewhere: String) -> Self {
        Self {
            published,
            partner,
            elsewhere,
            p256: Signing::p256(),
            p384: Signing::p384(),
            ed25519: Signing::ed25519(),
            of_partner: Signing::p256(),
        }
    }

    /// What the first one publishes: among its keys a shared secret, which is none any more.
    pub fn published_keys(&self) -> Value {
        json!([
            called(self.p256.jwk(), SAME_ID),
            called(self.p384.jwk(), "p384"),
            called(self.ed25519.jwk(), "2026"),
            for_rs256(called(Signing::rsa().jwk(), "rsa")),
            {"kty": "oct", "k": base64url(SECRET), "alg": "HS256", "kid": "oct"},
        ])
    }

    /// What the other one publishes.
    pub fn partner_keys(&self) -> Value {
        json!([called(self.of_partner.jwk(), SAME_ID)])
    }

    /// One good token of each.
    pub fn good(&self) -> Vec<String> {
        let by = |signing: &Signing, algorithm, id: &str, claims| {
            signing.token_with(&json!({"alg": algorithm, "kid": id}), algorithm, claims)
        };
        let partners = json!({"sub": "alice", "iss": self.partner});
        vec![
            hmac_with(&json!({"alg": "HS256"}), SECRET.as_bytes(), &own(json!({}))),
            Signing::rsa().token("RS256", &json!({"sub": "alice", "iss": PEM})),
            by(&self.p256, "ES256", SAME_ID, &self.claims()),
            by(&self.p384, "ES384", "p384", &self.claims()),
            by(&self.ed25519, "EdDSA", "2026", &self.claims()),
            by(&Signing::rsa(), "RS256", "rsa", &self.claims()),
            by(&self.of_partner, "ES256", SAME_ID, &partners),
        ]
    }

    /// All of them. Each has a name of its own.
    pub fn attacks(&self) -> Vec<Attack> {
        let mut all = Vec::new();
        self.algorithms(&mut all);
        self.keys(&mut all);
        self.untrusted_issuer(&mut all);
        own::attacks(&mut all);
        all
    }

    /// Of the issuer that publishes keys.
    fn claims(&self) -> Value {
        json!({"sub": "alice", "iss": self.published})
    }

    fn algorithms(&self, all: &mut Vec<Attack>) {
        for alg in ["none", "None", "NONE", "nOnE", ""] {
            let signed = own_with(&json!({"alg": alg}), &own(json!({})));
            let (unsigned, _) = signed.rsplit_once('.').expect("a token has dots");
            add(
                all,
                format!("alg {alg:?}, signed"),
                signed.clone(),
                "wrong_algorithm",
            );
            add(
                all,
                format!("alg {alg:?}, unsigned"),
                format!("{unsigned}."),
                "wrong_algorithm",
            );
        }
        let without = hmac_of("{}", SECRET.as_bytes(), &own(json!({})).to_string());
        add(all, "no alg", without, "wrong_algorithm");
        let of_pem = json!({"sub": "alice", "iss": PEM});
        let by_public = hmac_with(&json!({"alg": "HS256"}), RSA_PUBLIC.as_bytes(), &of_pem);
        add(
            all,
            "HS256 with the public key as the secret",
            by_public,
            "wrong_algorithm",
        );
        for other in ["PS256", "RS512"] {
            let token = Signing::rsa().token(other, &of_pem);
            add(
                all,
                format!("{other} with a key for RS256"),
                token,
                "wrong_algorithm",
            );
        }
        for other in ["PS256", "RS512"] {
            let header = json!({"alg": other, "kid": "rsa"});
            let token = Signing::rsa().token_with(&header, other, &self.claims());
            let name = format!("{other} with a published key that says RS256 (alg)");
            add(all, name, token, "unknown_key");
        }
        let oct = json!({"alg": "HS256", "kid": "oct"});
        let token = hmac_with(&oct, SECRET.as_bytes(), &self.claims());
        add(
            all,
            "HS256 with a secret that is published (oct)",
            token,
            "wrong_algorithm",
        );
        let header = json!({"alg": "ES256", "kid": "p384"});
        let token = Signing::p256().token_with(&header, "ES256", &self.claims());
        add(all, "ES256 against a key of P-384", token, "unknown_key");
    }

    fn untrusted_issuer(&self, all: &mut Vec<Attack>) {
        let forger = Signing::p256();
        for (name, kid) in [("", "forged"), (", with the id of a known key", SAME_ID)] {
            let header = json!({"alg": "ES256", "kid": kid});
            let claims = json!({"sub": "alice", "iss": self.elsewhere});
            let token = forger.token_with(&header, "ES256", &claims);
            let name = format!("an issuer that publishes its keys and that nobody trusts{name}");
            add(all, name, token, "wrong_issuer");
        }
    }

    fn keys(&self, all: &mut Vec<Attack>) {
        let forger = Signing::p256();
        let elsewhere = &self.elsewhere;
        for (name, more) in [
            ("a forger's signature", json!({})),
            (
                "a key that the token brings along (jwk)",
                json!({"jwk": forger.jwk()}),
            ),
            (
                "keys that the token points to (jku)",
                json!({"jku": format!("{elsewhere}jwks.json")}),
            ),
            (
                "a certificate that the token points to (x5u)",
                json!({"x5u": format!("{elsewhere}x.pem")}),
            ),
        ] {
            let header = merged(json!({"alg": "ES256", "kid": SAME_ID}), more);
            let token = forger.token_with(&header, "ES256", &self.claims());
            add(all, name, token, "bad_signature");
        }
        let header = json!({"alg": "ES256", "kid": SAME_ID});
        let token = self.of_partner.token_with(&header, "ES256", &self.claims());
        add(
            all,
            "the key that another issuer calls the same",
            token,
            "bad_signature",
        );
        let long = "x".repeat(8000);
        for id in [
            "../../etc/passwd",
            "' OR 1=1 --",
            "",
            "2026 ",
            "2026\0",
            &long,
        ] {
            let header = json!({"alg": "EdDSA", "kid": id});
            let token = self.ed25519.token_with(&header, "EdDSA", &self.claims());
            let name = format!("kid {:?} of {} bytes", &id[..id.len().min(20)], id.len());
            add(all, name, token, "unknown_key");
        }
        let token = self.p256.token_with(&header, "ES256", &self.claims());
        let (message, signature) = token.rsplit_once('.').expect("a token has dots");
        let zeros = base64url(vec![0; signature.len() * 3 / 4]);
        add(
            all,
            "a signature of zeros",
            format!("{message}.{zeros}"),
            "bad_signature",
        );
        add(
            all,
            "an empty signature",
            format!("{message}."),
            "bad_signature",
        );
    }
}

fn for_rs256(mut jwk: Value) -> Value {
    jwk["alg"] = "RS256".into();
    jwk
}

fn called(mut jwk: Value, id: &str) -> Value {
    jwk["kid"] = id.into();
    jwk
}
