//! Tokens, right and wrong.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac::{self, HMAC_SHA256};
use serde_json::{Value, json};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// The setting with which a gateway takes the tokens made here.
pub(crate) const SECRET_SETTING: &str = "auth.jwt.secret=0123456789abcdef0123456789abcdef";

/// A good token of `user` with this `switchboard` claim.
pub(crate) fn token(user: &str, grants: Value) -> String {
    signed(&json!({ "sub": user, "switchboard": grants }), SECRET)
}

/// These claims, signed with HS256 and some key.
pub(crate) fn signed(claims: &Value, secret: &str) -> String {
    let base64url = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let header = json!({"alg": "HS256", "typ": "JWT"}).to_string();
    let message = [header, claims.to_string()].map(|part| base64url(part.as_bytes()));
    let message = message.join(".");
    let key = hmac::Key::new(HMAC_SHA256, secret.as_bytes());
    let signature = hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", base64url(signature.as_ref()))
}
