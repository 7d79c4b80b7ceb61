//! Credentials that are made here, by a secret that TURN servers share: those of the «REST API» that coturn calls
//! `use-auth-secret`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY};
use switchboard_connection::IceOffer;
use switchboard_protocol::UserId;
use switchboard_protocol::server_message::IceServer;

use crate::config::IceConfig;

/// Hexadecimal digits of a user's hash in a credential.
const USER_DIGITS: usize = 16;

pub(super) struct Minted {
    urls: Vec<String>,
    /// The one that counts, and where it is being changed, the one before.
    secrets: Vec<hmac::Key>,
    ttl: Duration,
}

impl Minted {
    pub(super) fn new(config: &IceConfig) -> Self {
        let secrets = [&config.turn_secret, &config.turn_secret_old];
        let key = |secret: &[u8]| hmac::Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
        Self {
            urls: config.turn_urls.iter().map(ToString::to_string).collect(),
            secrets: secrets
                .into_iter()
                .flatten()
                .map(|secret| key(secret.expose().as_bytes()))
                .collect(),
            ttl: config.ttl,
        }
    }

    /// A relay that has only one of two secrets takes one of two credentials.
    pub(super) fn offer(&self, user: &UserId, now: SystemTime) -> IceOffer {
        let ends_at = (now + self.ttl).duration_since(UNIX_EPOCH);
        let ends_at = ends_at.unwrap_or_default().as_secs();
        // A user's id may hold a colon or a mail address, and a relay logs it.
        let user = blake3::hash(user.as_str().as_bytes()).to_hex();
        let username = format!("{ends_at}:{}", &user[..USER_DIGITS]);
        let servers = self.secrets.iter().map(|secret| {
            let credential = hmac::sign(secret, username.as_bytes());
            IceServer {
                urls: self.urls.clone(),
                username: Some(username.clone()),
                credential: Some(STANDARD.encode(credential)),
            }
        });
        IceOffer {
            servers: servers.collect(),
            ttl: self.ttl,
            edition: ends_at,
            renew_in: Some(self.ttl / 2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `openssl` computes it: printf 1700014400:71b278f3dc434447 | openssl dgst -sha1 -hmac north -binary | base64
    #[test]
    fn a_credential_is_that_of_the_rest_api() {
        let minted = Minted::new(&IceConfig {
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
        let offer = minted.offer(&user, now);
        assert_eq!(offer.servers.len(), 2);
        for (server, credential) in offer.servers.iter().zip(CREDENTIALS) {
            assert_eq!(
                server.username.as_deref(),
                Some("1700014400:71b278f3dc434447")
            );
            assert_eq!(server.credential.as_deref(), Some(credential));
        }
        assert_eq!(offer.renew_in, Some(Duration::from_secs(7200)));
    }

    const CREDENTIALS: [&str; 2] = [
        "h2NRsRJxini/JqQqlzTmt2ovrMI=",
        "+V1m4tjp9xie2nis5m6ciZtaUlc=",
    ];
}
