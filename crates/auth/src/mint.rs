//! Making a token, for trying out and for scripts; in earnest the main server does this.

use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use serde::Serialize;
use serde_json::{Map, json};

use crate::crypto;
use crate::issuer::Rules;

/// What a new token says. Empty lists and `None` are left out, which gives the usual rights.
#[derive(Debug, Default)]
pub struct NewToken {
    /// The user's id.
    pub user: String,
    /// His name.
    pub name: Option<String>,
    /// Room ids, exact or ending in `*`.
    pub rooms: Vec<String>,
    /// What he may do.
    pub can: Vec<String>,
    /// The most he may ask for when creating a room.
    pub capacity: Option<u32>,
    /// Whether he only observes.
    pub hidden: bool,
    /// How long it is valid.
    pub ttl: Duration,
}

/// Signs tokens with HS256, for those that have the same secret.
pub struct Signer(EncodingKey);

impl Signer {
    /// Refuses an empty secret.
    pub fn from_secret(secret: &[u8]) -> Result<Self, jsonwebtoken::errors::Error> {
        crypto::install();
        EncodingKey::from_secret(secret).map(Self)
    }

    /// A token that says these claims, which are an object.
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, jsonwebtoken::errors::Error> {
        encode(&Header::default(), claims, &self.0)
    }
}

/// Signs a token, with HS256, that a gateway with these rules takes.
pub fn mint(
    rules: &Rules,
    secret: &[u8],
    token: &NewToken,
) -> Result<String, jsonwebtoken::errors::Error> {
    let now = get_current_timestamp();
    let user_claim = rules.user_claims.first().map_or("sub", String::as_str);
    let mut claims = Map::new();
    let mut say = |name: &str, value| claims.insert(name.into(), value);
    say(user_claim, json!(token.user));
    say("iat", json!(now));
    say("exp", json!(now.saturating_add(token.ttl.as_secs())));
    for (name, value) in [
        ("name", &token.name),
        ("iss", &rules.issuer),
        ("aud", &rules.audience),
    ] {
        if let Some(value) = value {
            say(name, json!(value));
        }
    }
    let grants = grants(token);
    if !grants.is_empty() {
        say(&rules.grants_claim, grants.into());
    }
    Signer::from_secret(secret)?.sign(&claims)
}

fn grants(token: &NewToken) -> Map<String, serde_json::Value> {
    let mut grants = Map::new();
    for (name, words) in [("rooms", &token.rooms), ("can", &token.can)] {
        if !words.is_empty() {
            grants.insert(name.into(), json!(words));
        }
    }
    if let Some(capacity) = token.capacity {
        grants.insert("capacity".into(), json!(capacity));
    }
    if token.hidden {
        grants.insert("hidden".into(), json!(true));
    }
    grants
}

#[cfg(test)]
mod tests {
    use switchboard_session::grants::Ability;

    use super::*;
    use crate::{Issuer, Key, TokenCheck};

    #[test]
    fn a_minted_token_is_taken_by_the_same_rules() {
        let secret = b"0123456789abcdef0123456789abcdef";
        let rules = Rules {
            issuer: Some("main".into()),
            audience: Some("calls".into()),
            user_claims: vec!["userId".into()],
            ..Rules::default()
        };
        let token = NewToken {
            user: "alice".into(),
            rooms: vec!["study-*".into()],
            can: vec!["join".into()],
            capacity: Some(4),
            ttl: Duration::from_secs(60),
            ..NewToken::default()
        };
        let token = mint(&rules, secret, &token).expect("a token");
        let key = Key::from_secret(secret).expect("a secret");
        let check = TokenCheck::new(vec![Issuer::new(rules, vec![key])]);
        let identity = check.identity(&token).expect("taken");
        assert_eq!(identity.user.as_str(), "alice");
        let can = identity.grants.can;
        assert!(can.has(Ability::Join) && !can.has(Ability::Create));
        assert_eq!(identity.grants.capacity, Some(4));
    }
}
