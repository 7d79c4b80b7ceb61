//! STUN and TURN servers for clients. Credentials for TURN are made for each user and end by themselves: those of the «REST API»
//! that coturn calls `use-auth-secret`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY};
use switchboard_connection::IceServers;
use switchboard_protocol::UserId;
use switchboard_protocol::server_message::IceServer;

use crate::config::{IceConfig, IceUrl};

/// Hexadecimal digits of a user's hash in a credential.
const USER_DIGITS: usize = 16;

/// The servers of a configuration.
pub(crate) struct Ice {
    fixed: Vec<IceServer>,
    turn_urls: Vec<String>,
    /// The one that counts, and where it is being changed, the one before.
    secrets: Vec<hmac::Key>,
    ttl: Duration,
}

impl Ice {
    pub(crate) fn from_config(config: &IceConfig) -> Self {
        let texts = |urls: &[IceUrl]| urls.iter().map(ToString::to_string).collect();
        let secrets = [&config.turn_secret, &config.turn_secret_old];
        let key = |secret: &[u8]| hmac::Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
        Self {
            fixed: match config.servers.is_empty() {
                true => Vec::new(),
                false => vec![IceServer {
                    urls: texts(&config.servers),
                    username: None,
                    credential: None,
                }],
            },
            turn_urls: texts(&config.turn_urls),
            secrets: secrets
                .into_iter()
                .flatten()
                .map(|secret| key(secret.expose().as_bytes()))
                .collect(),
            ttl: config.ttl,
        }
    }

    /// A relay that has only one of two secrets takes one of two credentials.
    fn turn(&self, user: &UserId, now: SystemTime) -> impl Iterator<Item = IceServer> {
        let ends_at = (now + self.ttl).duration_since(UNIX_EPOCH);
        let ends_at = ends_at.unwrap_or_default().as_secs();
        // A user's id may hold a colon or a mail address, and a relay logs it.
        let user = blake3::hash(user.as_str().as_bytes()).to_hex();
        let username = format!("{ends_at}:{}", &user[..USER_DIGITS]);
        self.secrets.iter().map(move |secret| {
            let credential = hmac::sign(secret, username.as_bytes());
            IceServer {
                urls: self.turn_urls.clone(),
                username: Some(username.clone()),
                credential: Some(STANDARD.encode(credential)),
            }
        })
    }
}

impl IceServers for Ice {
    fn for_user(&self, user: &UserId) -> Vec<IceServer> {
        let fixed = self.fixed.iter().cloned();
        fixed.chain(self.turn(user, SystemTime::now())).collect()
    }

    fn ttl(&self) -> Duration {
        self.ttl
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `openssl` computes it: printf 1700014400:71b278f3dc434447 | openssl dgst -sha1 -hmac north -binary | base64
    #[test]
    fn a_credential_is_that_of_the_rest_api() {
        let ice = Ice::from_config(&IceConfig {
            servers: vec!["stun:stun.example.org".parse().expect("a URL")],
            turn_urls: vec![
                "turn:turn.example.org?transport=udp"
                    .parse()
                    .expect("a URL"),
            ],
            turn_secret: Some("north".into()),
            turn_secret_old: Some("south".into()),
            ..IceConfig::default()
        });
        let user: UserId = "alice".parse().expect("a user");
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let turn: Vec<_> = ice.turn(&user, now).collect();
        assert_eq!(turn.len(), 2);
        for (server, credential) in turn.iter().zip(CREDENTIALS) {
            assert_eq!(
                server.username.as_deref(),
                Some("1700014400:71b278f3dc434447")
            );
            assert_eq!(server.credential.as_deref(), Some(credential));
        }
        let all = ice.for_user(&user);
        assert_eq!(all[0].urls, ["stun:stun.example.org"]);
        assert_eq!((all.len(), &all[0].credential), (3, &None));
    }

    const CREDENTIALS: [&str; 2] = [
        "h2NRsRJxini/JqQqlzTmt2ovrMI=",
        "+V1m4tjp9xie2nis5m6ciZtaUlc=",
    ];
}
