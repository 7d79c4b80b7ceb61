//! Making a token, for trying out and for scripts; in earnest the main server does this.

use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Map, json};

use crate::config::{JwtConfig, Secret};

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

/// Signs a token that a gateway with this configuration takes.
pub fn mint(
    config: &JwtConfig,
    key: &Secret,
    token: &NewToken,
) -> Result<String, jsonwebtoken::errors::Error> {
    let now = get_current_timestamp();
    let user_claim = config.user_claims.first().map_or("sub", String::as_str);
    let mut claims = Map::new();
    let mut say = |name: &str, value| claims.insert(name.into(), value);
    say(user_claim, json!(token.user));
    say("iat", json!(now));
    say("exp", json!(now.saturating_add(token.ttl.as_secs())));
    for (name, value) in [
        ("name", &token.name),
        ("iss", &config.issuer),
        ("aud", &config.audience),
    ] {
        if let Some(value) = value {
            say(name, json!(value));
        }
    }
    let grants = grants(token);
    if !grants.is_empty() {
        say("switchboard", grants.into());
    }
    encode(
        &Header::default(),
        &claims,
        &EncodingKey::from_secret(key.expose().as_bytes()),
    )
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
    use switchboard_protocol::PeerId;
    use switchboard_session::grants::Ability;

    use super::*;
    use crate::auth::Authenticator;
    use crate::auth::IdentityClaim;
    use crate::config::AuthConfig;

    #[test]
    fn a_minted_token_is_taken_by_the_same_configuration() {
        let key = Secret::from("0123456789abcdef0123456789abcdef");
        let jwt = JwtConfig {
            secret: Some(key.clone()),
            issuer: Some("main".into()),
            audience: Some("calls".into()),
            user_claims: vec!["userId".into()],
            ..JwtConfig::default()
        };
        let token = NewToken {
            user: "alice".into(),
            rooms: vec!["study-*".into()],
            can: vec!["join".into()],
            capacity: Some(4),
            ttl: Duration::from_secs(60),
            ..NewToken::default()
        };
        let token = mint(&jwt, &key, &token).expect("a token");
        let authenticator = Authenticator::from_config(&AuthConfig { said: None, jwt });
        let identity = authenticator
            .authenticate(
                &IdentityClaim {
                    token: Some(&token),
                    user: None,
                },
                &PeerId::random(),
            )
            .expect("taken");
        assert_eq!(identity.user.as_str(), "alice");
        assert!(
            identity.grants.can.has(Ability::Join) && !identity.grants.can.has(Ability::Create)
        );
        assert_eq!(identity.grants.capacity, Some(4));
    }
}
