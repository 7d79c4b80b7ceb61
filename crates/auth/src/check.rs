//! Checking a token: its form, its issuer, its signature and its times, before a claim is believed.

use std::time::SystemTime;

use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Header, decode, decode_header};
use switchboard_protocol::limits::TOKEN_BYTES_MAX;

use crate::algorithms::Algorithms;
use crate::claims::{self, Claims};
use crate::crypto;
use crate::error::AuthError;
use crate::identity::Identity;
use crate::issuer::Issuer;
use crate::key::Key;

/// What `typ` may say (RFC 7519 section 5.1, RFC 9068 section 2.1), in any case; or nothing at all.
const TYPES: [&str; 3] = ["JWT", "at+jwt", "application/at+jwt"];

/// Checks tokens of one issuer or of several.
#[derive(Debug)]
pub struct TokenCheck {
    issuers: Vec<Issuer>,
}

impl TokenCheck {
    /// Tokens of these issuers are taken. One without a name counts for all tokens that none of the others made.
    pub fn new(issuers: Vec<Issuer>) -> Self {
        crypto::install();
        Self { issuers }
    }

    /// Who `token` says its bearer is.
    pub fn identity(&self, token: &str) -> Result<Identity, AuthError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(AuthError::TooLong {
                bytes_max: TOKEN_BYTES_MAX,
            });
        }
        let header = self.header(token)?;
        let issuer = &self.issuers[self.issuer(token)?];
        let claims = verified(token, &header, issuer)?;
        claims::identity(&claims, issuer.rules())
    }

    /// The same for a token that is known to have been found good before, by the same rules: its signature is not looked at,
    /// and so no key is needed. Its end is.
    pub fn identity_of_known(&self, token: &str) -> Result<Identity, AuthError> {
        let issuer = &self.issuers[self.issuer(token)?];
        let claims: Claims = insecure_decode_claims(token).map_err(|_| AuthError::Malformed)?;
        let identity = claims::identity(&claims, issuer.rules())?;
        match identity
            .expires_at
            .is_some_and(|end| end <= SystemTime::now())
        {
            true => Err(AuthError::Expired),
            false => Ok(identity),
        }
    }

    fn header(&self, token: &str) -> Result<Header, AuthError> {
        let header = decode_header(token).map_err(|error| match error.kind() {
            // Well-formed JSON that is no header known here: `alg` is `none` or a word nobody uses.
            ErrorKind::Json(json) if json.is_data() => AuthError::WrongAlgorithm {
                taken: self.issuers.iter().map(Issuer::algorithms).collect(),
            },
            _ => AuthError::Malformed,
        })?;
        // RFC 7515 section 4.1.11: extensions that must be understood, and are not.
        if header.crit.is_some() {
            return Err(AuthError::Malformed);
        }
        let is_token = |typ: &String| TYPES.iter().any(|known| typ.eq_ignore_ascii_case(known));
        if !header.typ.as_ref().is_none_or(is_token) {
            return Err(AuthError::WrongType { name: "typ" });
        }
        Ok(header)
    }

    /// Which of the issuers the token says it comes from: to check it, or to ask for keys where there was none for it.
    /// Nothing of the token is believed yet: that issuer's keys alone can make it so.
    pub fn issuer(&self, token: &str) -> Result<usize, AuthError> {
        let claims: Claims = insecure_decode_claims(token).map_err(|_| AuthError::Malformed)?;
        // One text and nothing else: of a list, any could be believed.
        let said = claims.present("iss").and_then(|said| said.as_str());
        let called = |name: Option<&str>| {
            let mut issuers = self.issuers.iter();
            issuers.position(|issuer| issuer.rules().issuer.as_deref() == name)
        };
        let by_name = said.and_then(|said| called(Some(said)));
        by_name
            .or_else(|| called(None))
            .ok_or(AuthError::WrongIssuer)
    }
}

/// The claims of a token that one of the issuer's keys signed, in its time and for its audience.
fn verified(token: &str, header: &Header, issuer: &Issuer) -> Result<Claims, AuthError> {
    let keys = issuer.keys_for(header.alg, header.kid.as_deref())?;
    let validation = issuer.validation(header.alg);
    let check = |key: &Key| decode::<Claims>(token, &key.decoding, &validation);
    for key in &keys {
        match check(key) {
            Ok(token) => return Ok(token.claims),
            Err(error) if *error.kind() == ErrorKind::InvalidSignature => {}
            Err(error) => return Err(refusal(error, issuer.algorithms())),
        }
    }
    // Keys without a name may be any. Where the issuer publishes others, the right one may be among those to come.
    let is_named = header.kid.is_some() && keys.iter().any(|key| key.id() == header.kid.as_deref());
    Err(match is_named {
        true => AuthError::BadSignature,
        false => issuer.unknown_key().unwrap_or(AuthError::BadSignature),
    })
}

fn refusal(error: Error, taken: Algorithms) -> AuthError {
    match error.into_kind() {
        ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => {
            AuthError::WrongAlgorithm { taken }
        }
        ErrorKind::ExpiredSignature => AuthError::Expired,
        ErrorKind::ImmatureSignature => AuthError::NotYetValid { claim: "nbf" },
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
