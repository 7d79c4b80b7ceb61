//! Why a client may not come in.

use crate::algorithms::Algorithms;

/// Each in a sentence for the client. None of them repeats anything of the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// No token came.
    #[error(
        "a token is needed: send it as `token` in hello, as `Authorization: Bearer …` or as `?access_token=`"
    )]
    Missing,
    /// Longer than any token should be.
    #[error("the token is longer than {bytes_max} bytes")]
    TooLong {
        /// The most that is looked at.
        bytes_max: usize,
    },
    /// Not a JWT at all.
    #[error("the token is not a JWT: three parts of base64url, separated by dots")]
    Malformed,
    /// `none`, or one that no key of its issuer is for.
    #[error("the token is not signed with an algorithm that is taken here: {taken}")]
    WrongAlgorithm {
        /// Those of the issuer's keys.
        taken: Algorithms,
    },
    /// `kid` names none of the issuer's keys.
    #[error("the token names a key (`kid`) that its issuer does not have")]
    UnknownKey,
    /// The issuer publishes its keys, and could not be asked for them.
    #[error("the issuer of the token cannot be asked for its keys: come again")]
    NoKeys,
    /// Made with another key, or changed afterwards.
    #[error(
        "the token's signature is not right: it was made with another key or changed afterwards"
    )]
    BadSignature,
    /// `exp` has passed.
    #[error("the token has expired: get a new one")]
    Expired,
    /// `nbf` has not come.
    #[error("the token is not valid yet: its `{claim}` lies in the future")]
    NotYetValid {
        /// `nbf`, or `iat`.
        claim: &'static str,
    },
    /// A refresh token, an ID token or the like.
    #[error("the token is of another kind (`{name}`): an access token is needed")]
    WrongType {
        /// Where it says so.
        name: &'static str,
    },
    /// `iss` is missing or another one.
    #[error("the token comes from an issuer (`iss`) that is not taken here")]
    WrongIssuer,
    /// `aud` is missing or does not name this gateway.
    #[error("the token is meant for another audience (`aud`)")]
    WrongAudience,
    /// None of the claims that may name the user is there.
    #[error("the token names no user: it needs the claim {}", claims.iter().map(|claim| format!("`{claim}`")).collect::<Vec<_>>().join(" or "))]
    NoUser {
        /// Those that are looked for.
        claims: Vec<String>,
    },
    /// The client says that it is somebody else.
    #[error("the token is another user's than the one that was said with it")]
    OtherUser,
    /// It is good, and its user, or it, is revoked.
    #[error("revoked: sign in again")]
    Revoked,
    /// A claim that is there and cannot be understood.
    #[error("the token's claim `{claim}` is not {expected}")]
    BadClaim {
        /// Its name.
        claim: String,
        /// What it should be.
        expected: &'static str,
    },
}

impl AuthError {
    /// All that [`outcome`](Self::outcome) says.
    pub const OUTCOMES: [&'static str; 16] = [
        "missing",
        "too_long",
        "malformed",
        "wrong_algorithm",
        "unknown_key",
        "no_keys",
        "bad_signature",
        "expired",
        "not_yet_valid",
        "wrong_type",
        "wrong_issuer",
        "wrong_audience",
        "no_user",
        "other_user",
        "revoked",
        "bad_claim",
    ];

    /// The label of the metric that counts it; a closed set.
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::TooLong { .. } => "too_long",
            Self::Malformed => "malformed",
            Self::WrongAlgorithm { .. } => "wrong_algorithm",
            Self::UnknownKey => "unknown_key",
            Self::NoKeys => "no_keys",
            Self::BadSignature => "bad_signature",
            Self::Expired => "expired",
            Self::NotYetValid { .. } => "not_yet_valid",
            Self::WrongType { .. } => "wrong_type",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongAudience => "wrong_audience",
            Self::NoUser { .. } => "no_user",
            Self::OtherUser => "other_user",
            Self::Revoked => "revoked",
            Self::BadClaim { .. } => "bad_claim",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_is_listed_once() {
        use AuthError::*;
        let all = [
            Missing,
            TooLong { bytes_max: 1 },
            Malformed,
            WrongAlgorithm {
                taken: Algorithms::ALL,
            },
            UnknownKey,
            NoKeys,
            BadSignature,
            Expired,
            NotYetValid { claim: "nbf" },
            WrongType { name: "typ" },
            WrongIssuer,
            WrongAudience,
            NoUser { claims: Vec::new() },
            OtherUser,
            Revoked,
            BadClaim {
                claim: String::new(),
                expected: "",
            },
        ];
        assert_eq!(all.map(|error| error.outcome()), AuthError::OUTCOMES);
    }
}
