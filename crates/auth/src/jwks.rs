//! A JSON Web Key Set (RFC 7517), key by key: one that cannot be read, or is not taken, leaves the others as they are.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use serde::Deserialize;
use serde_json::Value;

use crate::algorithms::Algorithms;
use crate::key::{Key, is_rsa_modulus};

/// More keys than any issuer publishes.
const KEYS_MAX: usize = 100;

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

/// The keys of a set that signatures can be checked with. `None`: it is no set. Shared secrets (`oct`) are never taken from
/// one: what is published is no secret.
pub fn parse_jwks(text: &[u8]) -> Option<Vec<Key>> {
    let set: KeySet = serde_json::from_slice(text).ok()?;
    let keys = set.keys.into_iter().take(KEYS_MAX);
    Some(keys.filter_map(key).collect())
}

fn key(value: Value) -> Option<Key> {
    // A key is for the algorithm that it names, if it names one.
    let said = match value.get("alg") {
        None => Algorithms::ALL,
        Some(name) => name.as_str()?.parse().ok()?,
    };
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let common = &jwk.common;
    let is_for_signatures = common
        .public_key_use
        .as_ref()
        .is_none_or(|usage| *usage == PublicKeyUse::Signature)
        && common
            .key_operations
            .as_ref()
            .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    if !is_for_signatures {
        return None;
    }
    let by_kind = match &jwk.algorithm {
        AlgorithmParameters::RSA(key) => match URL_SAFE_NO_PAD.decode(&key.n) {
            // Others could check no token, and refuse each of theirs as forged.
            Ok(modulus) if is_rsa_modulus(&modulus) => Algorithms::RSA,
            _ => return None,
        },
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => Algorithms::P256,
            EllipticCurve::P384 => Algorithms::P384,
            _ => return None,
        },
        AlgorithmParameters::OctetKeyPair(key) => match key.curve {
            EllipticCurve::Ed25519 => Algorithms::ED25519,
            _ => return None,
        },
        _ => return None,
    };
    let algorithms = by_kind.and(said);
    if algorithms == Algorithms::NONE {
        return None;
    }
    let decoding = DecodingKey::from_jwk(&jwk).ok()?;
    Some(Key::new(jwk.common.key_id, algorithms, decoding))
}
