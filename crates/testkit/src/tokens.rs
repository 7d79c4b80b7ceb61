//! Tokens as issuers make them, and as they never would, with the key sets that they publish.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding,
    RsaKeyPair,
};
use serde_json::{Value, json};

/// The public half of [`Signing::rsa`], in PEM.
pub const RSA_PUBLIC: &str = include_str!("../../auth/testdata/rsa-2048.pub.pem");
const RSA_PRIVATE: &str = include_str!("../../auth/testdata/rsa-2048.pem");

/// Without padding (RFC 4648 section 5).
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Signed with a shared secret.
pub fn hmac(algorithm: &str, secret: &[u8], claims: &Value) -> String {
    hmac_with(&json!({"alg": algorithm}), secret, claims)
}

/// The same under any header; with SHA-256 where its `alg` says nothing else.
pub fn hmac_with(header: &Value, secret: &[u8], claims: &Value) -> String {
    hmac_of(&header.to_string(), secret, &claims.to_string())
}

/// The same of any text.
pub fn hmac_of(header: &str, secret: &[u8], claims: &str) -> String {
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

/// What a token says, with any signature.
pub fn claims_of(token: &str) -> Value {
    let claims = token.split('.').nth(1).expect("a token has three parts");
    let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64");
    serde_json::from_slice(&claims).expect("claims are JSON")
}

/// A private key of an issuer.
pub enum Signing {
    /// Of 2048 bits.
    Rsa(RsaKeyPair),
    /// Of the curve P-256.
    P256(EcdsaKeyPair),
    /// Of the curve P-384.
    P384(EcdsaKeyPair),
    /// Of the curve Ed25519.
    Ed25519(Ed25519KeyPair),
}

impl Signing {
    /// One of each kind.
    pub fn all() -> [Self; 4] {
        [Self::rsa(), Self::p256(), Self::p384(), Self::ed25519()]
    }

    /// Always the same one.
    pub fn rsa() -> Self {
        let base64: String = RSA_PRIVATE
            .lines()
            .filter(|line| !line.starts_with('-'))
            .collect();
        let der = STANDARD.decode(base64).expect("PEM holds base64");
        Self::Rsa(RsaKeyPair::from_pkcs8(&der).expect("a private key"))
    }

    /// A new one.
    pub fn p256() -> Self {
        Self::P256(curve(&ECDSA_P256_SHA256_FIXED_SIGNING))
    }

    /// A new one.
    pub fn p384() -> Self {
        Self::P384(curve(&ECDSA_P384_SHA384_FIXED_SIGNING))
    }

    /// A new one.
    pub fn ed25519() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("randomness");
        Self::Ed25519(Ed25519KeyPair::from_pkcs8(document.as_ref()).expect("a private key"))
    }

    /// What it can sign with.
    pub fn algorithms(&self) -> &'static [&'static str] {
        match self {
            Self::Rsa(_) => &["RS256", "RS384", "RS512", "PS256"],
            Self::P256(_) => &["ES256"],
            Self::P384(_) => &["ES384"],
            Self::Ed25519(_) => &["EdDSA"],
        }
    }

    /// As an issuer publishes it.
    pub fn jwk(&self) -> Value {
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

    /// These claims, signed.
    pub fn token(&self, algorithm: &str, claims: &Value) -> String {
        self.token_with(&json!({"alg": algorithm}), algorithm, claims)
    }

    /// The same under any header.
    pub fn token_with(&self, header: &Value, algorithm: &str, claims: &Value) -> String {
        let message = format!(
            "{}.{}",
            base64url(header.to_string()),
            base64url(claims.to_string())
        );
        let signature = self.sign(algorithm, message.as_bytes());
        format!("{message}.{}", base64url(signature))
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let encoding: &dyn RsaEncoding = match algorithm {
                    "RS256" => &RSA_PKCS1_SHA256,
                    "RS384" => &RSA_PKCS1_SHA384,
                    "RS512" => &RSA_PKCS1_SHA512,
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
