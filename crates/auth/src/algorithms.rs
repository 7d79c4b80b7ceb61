//! The algorithms of JSON Web Algorithms (RFC 7518, RFC 8037) that are taken.

use std::fmt;
use std::str::FromStr;

use jsonwebtoken::Algorithm;

/// All that are taken, as they are listed.
const ALL: [Algorithm; 10] = [
    Algorithm::HS256,
    Algorithm::HS384,
    Algorithm::HS512,
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// A set of algorithms.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Algorithms(u16);

impl Algorithms {
    /// All that are taken.
    pub const ALL: Self = Self((1 << ALL.len()) - 1);
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const HMAC: Self = Self(0b111);
    /// Those of public keys.
    pub(crate) const PUBLIC: Self = Self(Self::ALL.0 & !Self::HMAC.0);
    pub(crate) const RSA: Self = Self(0b111_1000);
    pub(crate) const P256: Self = Self(1 << 7);
    pub(crate) const P384: Self = Self(1 << 8);
    pub(crate) const ED25519: Self = Self(1 << 9);

    /// Whether it is in the set.
    pub(crate) fn has(self, algorithm: Algorithm) -> bool {
        self.0 & Self::from(algorithm).0 != 0
    }

    /// Those in both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those in either.
    pub(crate) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn iter(self) -> impl Iterator<Item = Algorithm> {
        ALL.into_iter()
            .filter(move |algorithm| self.has(*algorithm))
    }
}

/// Empty for one that is not taken.
impl From<Algorithm> for Algorithms {
    fn from(algorithm: Algorithm) -> Self {
        let position = ALL.iter().position(|known| *known == algorithm);
        Self(position.map_or(0, |position| 1 << position))
    }
}

/// By its name in RFC 7518: `ES256`.
impl FromStr for Algorithms {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        let algorithm = name
            .parse()
            .map_or(Self::NONE, |known: Algorithm| known.into());
        match algorithm {
            Self::NONE => Err(UnknownAlgorithm(name.to_owned())),
            known => Ok(known),
        }
    }
}

impl FromIterator<Self> for Algorithms {
    fn from_iter<I: IntoIterator<Item = Self>>(sets: I) -> Self {
        sets.into_iter().fold(Self::NONE, Self::or)
    }
}

impl fmt::Display for Algorithms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, algorithm) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{algorithm:?}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Algorithms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Algorithms({self})")
    }
}

/// No algorithm is called so, or none that is taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of the algorithms that are taken: {all}", all = Algorithms::ALL)]
pub struct UnknownAlgorithm(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_goes_by_its_name() {
        for algorithm in ALL {
            let named: Algorithms = format!("{algorithm:?}").parse().expect("it is taken");
            assert!(named.has(algorithm));
            assert_eq!(named.iter().count(), 1);
        }
        let families = [
            Algorithms::HMAC,
            Algorithms::RSA,
            Algorithms::P256,
            Algorithms::P384,
            Algorithms::ED25519,
        ];
        assert_eq!(
            families.into_iter().collect::<Algorithms>(),
            Algorithms::ALL
        );
        assert_eq!(Algorithms::RSA.to_string(), "RS256, RS384, RS512, PS256");
    }

    #[test]
    fn what_is_not_taken_is_no_algorithm() {
        for name in ["none", "None", "", "hs256", "PS512", "ES512"] {
            let error = name.parse::<Algorithms>().expect_err("refused");
            assert!(error.to_string().contains("HS256, HS384"), "{error}");
        }
        assert_eq!(Algorithms::from(Algorithm::PS384), Algorithms::NONE);
    }
}
