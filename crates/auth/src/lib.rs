//! JSON Web Tokens (RFC 7519): whose keys count, how a token is checked, and what it lets its bearer do.
//!
//! ```text
//! token ─► check ─► issuer (by `iss`) ─► keys (by `alg` and `kid`) ─► crypto (ring) ─► claims ─► Identity
//! ```
//!
//! An algorithm belongs to a key, never to a token (RFC 8725 section 3.1).

mod algorithms;
mod check;
mod claims;
mod crypto;
mod error;
mod identity;
mod issuer;
mod jwks;
mod key;
mod key_set;
mod mint;

pub use algorithms::Algorithms;
pub use check::TokenCheck;
pub use error::AuthError;
pub use identity::Identity;
pub use issuer::{Issuer, Rules};
pub use jwks::parse_jwks;
pub use key::{Key, KeyError};
pub use key_set::KeySet;
pub use mint::{NewToken, Signer, mint};
