//! Checking a JSON Web Token (RFC 7519), signed with HS256 and nothing else (RFC 8725 section 3.1).

use std::fmt;

use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};

use super::claims::{self, Claims};
use super::{AuthError, Identity};
use crate::config::{JwtConfig, Secret};

/// More than a token with a long list of rooms has; proxies refuse headers of this size.
const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// The key and the rules by which tokens are checked.
pub(super) struct TokenCheck {
    key: DecodingKey,
    validation: Validation,
    user_claims: Vec<String>,
}

impl TokenCheck {
    pub(super) fn new(config: &JwtConfig, key: &Secret) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = config.leeway.as_millis().div_ceil(1000) as u64;
        validation.validate_nbf = true;
        // `exp` is checked where it is there; a token without one does not end.
        validation.required_spec_claims.clear();
        if let Some(issuer) = &config.issuer {
            validation.set_issuer(&[issuer]);
            validation.required_spec_claims.insert("iss".into());
        }
        match &config.audience {
            Some(audience) => {
                validation.set_audience(&[audience]);
                validation.required_spec_claims.insert("aud".into());
            }
            None => validation.validate_aud = false,
        }
        Self {
            key: DecodingKey::from_secret(key.expose().as_bytes()),
            validation,
            user_claims: config.user_claims.clone(),
        }
    }

    /// Who `token` says its bearer is.
    pub(super) fn identity(&self, token: &str) -> Result<Identity, AuthError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(AuthError::TooLong {
                bytes_max: TOKEN_BYTES_MAX,
            });
        }
        let header = decode_header(token).map_err(|error| match error.kind() {
            // Well-formed JSON that is no header known here: `alg` is `none` or a word nobody uses.
            ErrorKind::Json(json) if json.is_data() => AuthError::WrongAlgorithm,
            _ => AuthError::Malformed,
        })?;
        // RFC 7515 section 4.1.11: extensions that must be understood, and are not.
        if header.crit.is_some() {
            return Err(AuthError::Malformed);
        }
        let token = decode::<Claims>(token, &self.key, &self.validation).map_err(refusal)?;
        claims::identity(&token.claims, &self.user_claims)
    }
}

/// Without the key.
impl fmt::Debug for TokenCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCheck")
            .field("validation", &self.validation)
            .finish_non_exhaustive()
    }
}

fn refusal(error: Error) -> AuthError {
    match error.into_kind() {
        ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => AuthError::WrongAlgorithm,
        ErrorKind::InvalidSignature => AuthError::BadSignature,
        ErrorKind::ExpiredSignature => AuthError::Expired,
        ErrorKind::ImmatureSignature => AuthError::NotYetValid,
        ErrorKind::InvalidIssuer => AuthError::WrongIssuer,
        ErrorKind::InvalidAudience => AuthError::WrongAudience,
        ErrorKind::MissingRequiredClaim(claim) if claim == "iss" => AuthError::WrongIssuer,
        ErrorKind::MissingRequiredClaim(_) => AuthError::WrongAudience,
        ErrorKind::InvalidClaimFormat(claim) => AuthError::BadClaim {
            claim,
            expected: "a time in seconds since 1970",
        },
        _ => AuthError::Malformed,
    }
}

#[cfg(test)]
mod tests;
