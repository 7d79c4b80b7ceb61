//! Makes tokens as issuers do, and as they never would.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding,
    RsaKeyPair,
};
use serde_json::{Value, json};

use crate::jwks::parse_jwks;
use crate::key::Key;

pub(super) const RSA_PUBLIC: &str = include_str!("../../../testdata/rsa-2048.pub.pem");
const RSA_PRIVATE: &str = include_str!("../../../testdata/rsa-2048.pem");

pub(super) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Signed with a shared secret.
pub(super) fn hmac(algorithm: Algorithm, secret: &[u8], claims: &Value) -> String {
    hmac_with(&json!({"alg": format!("{algorithm:?}")}), secret, claims)
}

/// The same under any header; with SHA-256 where its `alg` says nothing else.
pub(super) fn hmac_with(header: &Value, secret: &[u8], claims: &Value) -> String {
    hmac_of(&header.to_string(), secret, &claims.to_string())
}

/// The same of any text.
pub(super) fn hmac_of(header: &str, secret: &[u8], claims: &str) -> String {
    let digest = match header {
        _ if header.contains("HS384") => ring::hmac::HMAC_SHA384,
        _ if header.contains("HS512") => ring::hmac::HMAC_SHA512,
        _ => ring::hmac::HMAC_SHA256,
    };
    let message = format!("{}.{}", base64url(header), base64url(claims));
    let key = ring::hmac::Key::new(digest, secret);
    let signature = ring::hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", base64url(signature))
}

/// A private key.
pub(super) enum Signing {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Signing {
    pub(super) fn all() -> [Self; 4] {
        [Self::rsa(), Self::p256(), Self::p384(), Self::ed25519()]
    }

    pub(super) fn rsa() -> Self {
        let base64: String = RSA_PRIVATE
            .lines()
            .filter(|line| !line.starts_with('-'))
            .collect();
        let der = STANDARD.decode(base64).expect("PEM holds base64");
        Self::Rsa(RsaKeyPair::from_pkcs8(&der).expect("a private key"))
    }

    pub(super) fn p256() -> Self {
        Self::P256(curve(&ECDSA_P256_SHA256_FIXED_SIGNING))
    }

    pub(super) fn p384() -> Self {
        Self::P384(curve(&ECDSA_P384_SHA384_FIXED_SIGNING))
    }

    pub(super) fn ed25519() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("randomness");
        Self::Ed25519(Ed25519KeyPair::from_pkcs8(document.as_ref()).expect("a private key"))
    }

    pub(super) fn algorithms(&self) -> &'static [Algorithm] {
        match self {
            Self::Rsa(_) => &[
                Algorithm::RS256,
                Algorithm::RS384,
                Algorithm::RS512,
                Algorithm::PS256,
            ],
            Self::P256(_) => &[Algorithm::ES256],
            Self::P384(_) => &[Algorithm::ES384],
            Self::Ed25519(_) => &[Algorithm::EdDSA],
        }
    }

    /// As an issuer publishes it.
    pub(super) fn jwk(&self) -> Value {
        let of_curve = |name: &str, pair: &EcdsaKeyPair| {
            let (x, y) = pair.public_key().as_ref()[1..]
                .split_at((pair.public_key().as_ref().len() - 1) / 2);
            json!({"kty": "EC", "crv": name, "x": base64url(x), "y": base64url(y)})
        };
        match self {
            Self::Rsa(pair) => {
                let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({"kty": "RSA", "n": base64url(public.n), "e": base64url(public.e)})
            }
            Self::P256(pair) => of_curve("P-256", pair),
            Self::P384(pair) => of_curve("P-384", pair),
            Self::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(pair.public_key())})
            }
        }
    }

    /// The public half, by way of a JWKS.
    pub(super) fn key(&self, id: Option<&str>) -> Key {
        let mut jwk = self.jwk();
        if let Some(id) = id {
            jwk["kid"] = id.into();
        }
        let mut keys = parse_jwks(json!({"keys": [jwk]}).to_string().as_bytes()).expect("a set");
        keys.pop().expect("a key")
    }

    pub(super) fn token(&self, algorithm: Algorithm, claims: &Value) -> String {
        self.token_with(&json!({"alg": format!("{algorithm:?}")}), algorithm, claims)
    }

    /// The same under any header.
    pub(super) fn token_with(
        &self,
        header: &Value,
        algorithm: Algorithm,
        claims: &Value,
    ) -> String {
        let message = format!(
            "{}.{}",
            base64url(header.to_string()),
            base64url(claims.to_string())
        );
        let signature = self.sign(algorithm, message.as_bytes());
        format!("{message}.{}", base64url(signature))
    }

    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let encoding: &dyn RsaEncoding = match algorithm {
                    Algorithm::RS256 => &RSA_PKCS1_SHA256,
                    Algorithm::RS384 => &RSA_PKCS1_SHA384,
                    Algorithm::RS512 => &RSA_PKCS1_SHA512,
                    _ => &RSA_PSS_SHA256,
                };
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(encoding, &random, message, &mut signature)
                    .expect("it signs");
                signature
            }
            Self::P256(pair) | Self::P384(pair) => pair
                .sign(&random, message)
                .expect("it signs")
                .as_ref()
                .to_vec(),
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

fn curve(algorithm: &'static ring::signature::EcdsaSigningAlgorithm) -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("randomness");
    EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).expect("a private key")
}
