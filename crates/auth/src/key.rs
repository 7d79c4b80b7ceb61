//! A key by which tokens are checked, and the algorithms that it is for.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::SystemTime;

use jsonwebtoken::{Algorithm, DecodingKey};

use crate::algorithms::Algorithms;

/// One key of an issuer.
#[derive(Clone)]
pub struct Key {
    /// Its name in tokens, `kid`.
    id: Option<String>,
    algorithms: Algorithms,
    /// From then on it counts no more.
    ends_at: Option<SystemTime>,
    pub(crate) decoding: DecodingKey,
}

/// Why something is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A shared secret without a byte.
    #[error("the secret is empty")]
    EmptySecret,
    /// Any program that reads it could make tokens.
    #[error(
        "this is a private key, which stays with the issuer of the tokens: give its public half"
    )]
    Private,
    /// Not the PEM of a public key of a kind that is taken.
    #[error(
        "this is not the PEM of a public key of RSA (2048 to 8192 bits), P-256, P-384 or Ed25519: it begins with -----BEGIN PUBLIC KEY-----"
    )]
    NotAPublicKey,
}

impl Key {
    pub(crate) fn new(id: Option<String>, algorithms: Algorithms, decoding: DecodingKey) -> Self {
        Self {
            id,
            algorithms,
            ends_at: None,
            decoding,
        }
    }

    /// A secret shared with the issuer of the tokens, for HS256, HS384 and HS512.
    pub fn from_secret(secret: &[u8]) -> Result<Self, KeyError> {
        let decoding = DecodingKey::from_secret(secret).map_err(|_| KeyError::EmptySecret)?;
        Ok(Self::new(None, Algorithms::HMAC, decoding))
    }

    /// A public key in PEM (RFC 7468): SubjectPublicKeyInfo, or PKCS#1 where it is RSA.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        if str::from_utf8(pem).is_ok_and(|text| text.contains("PRIVATE KEY-----")) {
            return Err(KeyError::Private);
        }
        let key = if let Ok(rsa) = DecodingKey::from_rsa_pem(pem) {
            is_long_enough(&rsa).then_some((Algorithms::RSA, rsa))
        } else if let Ok(curve) = DecodingKey::from_ec_pem(pem) {
            of_curve(&curve).map(|algorithms| (algorithms, curve))
        } else {
            DecodingKey::from_ed_pem(pem)
                .ok()
                .map(|edwards| (Algorithms::ED25519, edwards))
        };
        let (algorithms, decoding) = key.ok_or(KeyError::NotAPublicKey)?;
        Ok(Self::new(None, algorithms, decoding))
    }

    /// It counts until then.
    pub fn until(self, ends_at: SystemTime) -> Self {
        Self {
            ends_at: Some(ends_at),
            ..self
        }
    }

    pub(crate) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    pub(crate) fn algorithms(&self) -> Algorithms {
        self.algorithms
    }

    /// Whether a token that says so of itself may be signed with it.
    pub(crate) fn may_be(&self, algorithm: Algorithm, id: Option<&str>) -> bool {
        let is_named = self.id.is_none() || id.is_none() || self.id.as_deref() == id;
        let has_ended = self.ends_at.is_some_and(|end| end <= SystemTime::now());
        self.algorithms.has(algorithm) && is_named && !has_ended
    }
}

/// The shortest that may be (RFC 7518 section 3.3), and the longest that ring checks with.
const RSA_BITS: RangeInclusive<usize> = 2048..=8192;

/// Whether an RSA key has so many bits that a token of it can be right: neither too few nor too many.
fn is_long_enough(key: &DecodingKey) -> bool {
    let modulus = key.try_get_as_bytes().ok().and_then(modulus);
    modulus.is_some_and(is_rsa_modulus)
}

/// Whether a modulus, in bytes from the highest on, has so many bits.
pub(crate) fn is_rsa_modulus(modulus: &[u8]) -> bool {
    let first = modulus.iter().position(|byte| *byte != 0);
    let modulus = &modulus[first.unwrap_or(modulus.len())..];
    let zeros = modulus.first().map_or(0, |byte| byte.leading_zeros());
    RSA_BITS.contains(&(modulus.len() * 8 - zeros as usize))
}

/// Of an `RSAPublicKey` in DER (RFC 8017 appendix A.1.1): a sequence that begins with the modulus.
fn modulus(der: &[u8]) -> Option<&[u8]> {
    const SEQUENCE: u8 = 0x30;
    const INTEGER: u8 = 0x02;
    der_content(INTEGER, der_content(SEQUENCE, der)?)
}

/// What the first value holds, if it has this tag and is whole.
fn der_content(tag: u8, der: &[u8]) -> Option<&[u8]> {
    let [found, length, rest @ ..] = der else {
        return None;
    };
    if *found != tag {
        return None;
    }
    // From 0x80 on, it says how many bytes the length has.
    let (length, rest) = match length.checked_sub(0x80) {
        None => (usize::from(*length), rest),
        Some(bytes) => {
            let (length, rest) = rest.split_at_checked(bytes.into())?;
            let length = length.iter().try_fold(0_usize, |length, byte| {
                length.checked_mul(256)?.checked_add((*byte).into())
            });
            (length?, rest)
        }
    };
    rest.get(..length)
}

/// By the length of the uncompressed point (SEC 1 section 2.3.3).
fn of_curve(key: &DecodingKey) -> Option<Algorithms> {
    match key.try_get_as_bytes().ok()? {
        [4, point @ ..] if point.len() == 64 => Some(Algorithms::P256),
        [4, point @ ..] if point.len() == 96 => Some(Algorithms::P384),
        _ => None,
    }
}

/// Without the key.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("algorithms", &self.algorithms)
            .field("ends_at", &self.ends_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_public_key_says_what_it_is() {
        let private = Key::from_pem(include_bytes!("../testdata/rsa-2048.pem"));
        assert_eq!(private.err(), Some(KeyError::Private));
        let short = &include_bytes!("../testdata/rsa-512.pub.pem")[..];
        for pem in [
            short,
            include_bytes!("../testdata/rsa-1960.pub.pem"),
            include_bytes!("../testdata/rsa-2047.pub.pem"),
            b"",
            b"nonsense",
            b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        ] {
            assert_eq!(Key::from_pem(pem).err(), Some(KeyError::NotAPublicKey));
        }
        assert_eq!(Key::from_secret(b"").err(), Some(KeyError::EmptySecret));
    }

    #[test]
    fn the_modulus_of_a_key_is_read_from_whole_der_alone() {
        let key = [0x30, 6, 0x02, 2, 0x00, 0x81, 0x02, 0];
        assert_eq!(modulus(&key), Some(&[0x00, 0x81][..]));
        assert_eq!(modulus(&[0x30, 0x81, 3, 0x02, 1, 0x05]), Some(&[5][..]));
        for end in 0..6 {
            assert_eq!(modulus(&key[..end]), None, "{end} bytes");
        }
        for wrong in [&[0x31, 3, 2, 1, 5][..], &[0x30, 0xff, 1], &[0x30, 0x80]] {
            assert_eq!(modulus(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn public_keys_of_every_kind_are_read_from_pem() {
        for (pem, algorithms) in [
            (
                &include_bytes!("../testdata/rsa-2048.pub.pem")[..],
                Algorithms::RSA,
            ),
            (include_bytes!("../testdata/p256.pub.pem"), Algorithms::P256),
            (include_bytes!("../testdata/p384.pub.pem"), Algorithms::P384),
            (
                include_bytes!("../testdata/ed25519.pub.pem"),
                Algorithms::ED25519,
            ),
        ] {
            assert_eq!(
                Key::from_pem(pem).expect("a public key").algorithms(),
                algorithms
            );
        }
    }
}
