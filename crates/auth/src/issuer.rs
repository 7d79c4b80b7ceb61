//! Who makes tokens: whose `iss` counts, by which keys and for whom.

use std::time::Duration;

use jsonwebtoken::{Algorithm, Validation};

use crate::algorithms::Algorithms;
use crate::error::AuthError;
use crate::key::Key;
use crate::key_set::KeySet;

/// How the tokens of an issuer are checked and read.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The only `iss` taken. `None`: it is not looked at.
    pub issuer: Option<String>,
    /// What `aud` must name. `None`: it is not looked at.
    pub audience: Option<String>,
    /// Of the algorithms that a key is for, only these.
    pub algorithms: Algorithms,
    /// How far clocks may differ when `exp` and `nbf` are checked; rounded up to whole seconds.
    pub leeway: Duration,
    /// Claims that may hold the user's id; the first one present counts.
    pub user_claims: Vec<String>,
    /// The claim that holds the grants; its name may be a URI.
    pub grants_claim: String,
}

impl Rules {
    pub(crate) fn leeway_s(&self) -> u64 {
        self.leeway.as_millis().div_ceil(1000) as u64
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            issuer: None,
            audience: None,
            algorithms: Algorithms::ALL,
            leeway: Duration::from_secs(5),
            user_claims: ["sub", "userId", "user_id"].map(String::from).to_vec(),
            grants_claim: "switchboard".into(),
        }
    }
}

/// An issuer, with the keys that it signs with.
#[derive(Debug, Clone)]
pub struct Issuer {
    rules: Rules,
    known: Vec<Key>,
    published: Option<KeySet>,
}

impl Issuer {
    /// An issuer whose keys are known.
    pub fn new(rules: Rules, known: Vec<Key>) -> Self {
        Self {
            rules,
            known,
            published: None,
        }
    }

    /// It publishes keys besides.
    pub fn publishing(self, published: KeySet) -> Self {
        Self {
            published: Some(published),
            ..self
        }
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The keys that may have signed a token which says so of itself, or why there is none.
    pub(crate) fn keys_for(
        &self,
        algorithm: Algorithm,
        id: Option<&str>,
    ) -> Result<Vec<Key>, AuthError> {
        let taken = self.algorithms();
        if !taken.has(algorithm) {
            return Err(AuthError::WrongAlgorithm { taken });
        }
        let published = self.published.as_ref().and_then(KeySet::keys);
        let published = published.unwrap_or_default();
        let keys = self.known.iter().chain(&*published);
        let keys: Vec<_> = keys
            .filter(|key| key.may_be(algorithm, id))
            .cloned()
            .collect();
        match keys.is_empty() {
            false => Ok(keys),
            true => Err(self.unknown_key().unwrap_or(AuthError::UnknownKey)),
        }
    }

    /// What a token without its key is told where the issuer publishes keys: these are not all that there are.
    pub(crate) fn unknown_key(&self) -> Option<AuthError> {
        let published = self.published.as_ref()?;
        Some(match published.keys() {
            None => AuthError::NoKeys,
            Some(_) => AuthError::UnknownKey,
        })
    }

    /// No token can be right: the rules leave its keys nothing that they are for.
    pub fn takes_nothing(&self) -> bool {
        self.algorithms() == Algorithms::NONE
    }

    /// What its keys are for, or may be where it publishes them.
    pub(crate) fn algorithms(&self) -> Algorithms {
        let known: Algorithms = self.known.iter().map(Key::algorithms).collect();
        let taken = match self.published {
            Some(_) => known.or(Algorithms::PUBLIC),
            None => known,
        };
        taken.and(self.rules.algorithms)
    }

    /// What is asked of a token that is signed with `algorithm`.
    pub(crate) fn validation(&self, algorithm: Algorithm) -> Validation {
        let rules = &self.rules;
        let mut validation = Validation::new(algorithm);
        validation.leeway = rules.leeway_s();
        validation.validate_nbf = true;
        // `exp` is checked where it is there; a token without one does not end.
        validation.required_spec_claims.clear();
        if let Some(issuer) = &rules.issuer {
            validation.set_issuer(&[issuer]);
            validation.required_spec_claims.insert("iss".into());
        }
        match &rules.audience {
            Some(audience) => {
                validation.set_audience(&[audience]);
                validation.required_spec_claims.insert("aud".into());
            }
            None => validation.validate_aud = false,
        }
        validation
    }
}
