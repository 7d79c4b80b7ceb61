//! Who makes tokens: whose `iss` counts, by which keys and for whom.

use std::time::Duration;

use jsonwebtoken::{Algorithm, Validation};

use crate::algorithms::Algorithms;
use crate::key::Key;

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
    keys: Vec<Key>,
}

impl Issuer {
    /// An issuer whose keys are known.
    pub fn new(rules: Rules, keys: Vec<Key>) -> Self {
        let keys = keys.into_iter();
        let keys = keys.map(|key| key.only(rules.algorithms)).collect();
        Self { rules, keys }
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(crate) fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// What its keys are for.
    pub(crate) fn algorithms(&self) -> Algorithms {
        self.keys.iter().map(Key::algorithms).collect()
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
