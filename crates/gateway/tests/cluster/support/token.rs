//! Tokens, right and wrong.

use serde_json::{Value, json};
use switchboard_testkit::tokens::hmac;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// The setting with which a gateway takes the tokens made here.
pub(crate) const SECRET_SETTING: &str = "auth.jwt.secret=0123456789abcdef0123456789abcdef";

/// A good token of `user` with this `switchboard` claim.
pub(crate) fn token(user: &str, grants: Value) -> String {
    signed(&json!({ "sub": user, "switchboard": grants }), SECRET)
}

/// These claims, signed with HS256 and some key.
pub(crate) fn signed(claims: &Value, secret: &str) -> String {
    hmac("HS256", secret.as_bytes(), claims)
}
