//! STUN and TURN servers for clients. Credentials for TURN are made here for each user (`minted`), or come from a
//! provider and are those of all users (`fetched`). Both end by themselves.

mod answer;
mod fetched;
mod minted;
mod provider;

use std::time::{Duration, SystemTime};

use switchboard_connection::{IceOffer, IceServers};
use switchboard_protocol::UserId;
use switchboard_protocol::server_message::IceServer;
use tokio_util::sync::CancellationToken;

use self::fetched::Fetched;
use self::minted::Minted;
use self::provider::Provider;
use crate::config::IceConfig;
use crate::http_client::CannotTrust;
use crate::metrics::IceFetchCounter;

/// The servers of a configuration.
pub(crate) struct Ice {
    fixed: Vec<IceServer>,
    ttl: Duration,
    turn: Turn,
}

/// Where credentials come from.
enum Turn {
    Nowhere,
    Minted(Minted),
    Fetched(Box<Fetched>),
}

impl Ice {
    pub(crate) fn from_config(
        config: &IceConfig,
        counter: &IceFetchCounter,
    ) -> Result<Self, CannotTrust> {
        let turn = match Provider::of(&config.fetch, config.ttl)? {
            Some(provider) => Turn::Fetched(Box::new(Fetched::new(provider, counter.clone()))),
            None if config.turn_secret.is_some() => Turn::Minted(Minted::new(config)),
            None => Turn::Nowhere,
        };
        let fixed = config.servers.iter().map(ToString::to_string).collect();
        Ok(Self {
            fixed: match config.servers.is_empty() {
                true => Vec::new(),
                false => vec![IceServer {
                    urls: fixed,
                    username: None,
                    credential: None,
                }],
            },
            ttl: config.ttl,
            turn,
        })
    }

    /// Asks the provider again and again, if there is one, until `stop`.
    pub(crate) async fn keep_fresh(&self, stop: CancellationToken) {
        if let Turn::Fetched(fetched) = &self.turn {
            fetched.keep_fresh(stop).await;
        }
    }
}

impl IceServers for Ice {
    fn offer(&self, user: &UserId) -> IceOffer {
        let mut offer = match &self.turn {
            Turn::Nowhere => IceOffer {
                servers: Vec::new(),
                ttl: self.ttl,
                edition: 0,
                renew_in: None,
            },
            Turn::Minted(minted) => minted.offer(user, SystemTime::now()),
            Turn::Fetched(fetched) => fetched.offer(),
        };
        offer.servers.splice(..0, self.fixed.iter().cloned());
        offer
    }
}
