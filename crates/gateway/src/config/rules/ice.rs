//! STUN and TURN.

use super::Rules;
use crate::config::{Config, IceUrl};

impl Rules<'_> {
    pub(super) fn ice(&mut self, config: &Config) {
        let ice = &config.ice;
        self.require(
            &["ice.turn_urls", "ice.turn_secret"],
            ice.turn_urls.is_empty() == ice.turn_secret.is_none(),
            || "ice.turn_urls and ice.turn_secret go together: the servers check credentials with the secret".into(),
        );
        self.require(
            &["ice.turn_urls"],
            ice.turn_urls.iter().all(IceUrl::is_turn),
            || "begin with turn: or turns:; what needs no credentials is in ice.servers".into(),
        );
        self.require(
            &["ice.servers"],
            !ice.servers.iter().any(IceUrl::is_turn),
            || "a turn: URL needs credentials, or browsers refuse the whole list: put it into ice.turn_urls".into(),
        );
        self.require(
            &["ice.turn_secret_old", "ice.turn_secret"],
            ice.turn_secret_old.is_none() || ice.turn_secret.is_some(),
            || "an old secret has a new one beside it: set ice.turn_secret".into(),
        );
        self.fetch(config);
    }

    fn fetch(&mut self, config: &Config) {
        let (ice, fetch) = (&config.ice, &config.ice.fetch);
        let is_asked = fetch.url.is_some();
        self.require(
            &["ice.fetch.headers", "ice.fetch.body", "ice.fetch.url"],
            is_asked || (fetch.headers.map().is_empty() && fetch.body.is_none()),
            || "headers and a body go to a provider: set ice.fetch.url".into(),
        );
        // Two kinds of credentials would end at different times, and each TURN server more makes browsers slower.
        self.require(
            &["ice.fetch.url", "ice.turn_secret"],
            !is_asked || ice.turn_secret.is_none(),
            || "credentials come from a provider (ice.fetch.url) or are made here (ice.turn_secret): leave one of them out".into(),
        );
        self.warn_if_plain("ice.fetch.url", fetch.url.as_ref());
    }
}
