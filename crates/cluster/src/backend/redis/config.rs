//! Where Redis is.

use std::path::PathBuf;

use fred::types::config::Config;

use super::tls::TlsFiles;
use super::url;

/// How to reach Redis, as the operator says it.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisConfig {
    /// See the table at the head of [`redis`](super).
    pub url: String,
    /// What every key and channel begins with.
    pub key_prefix: String,
}

impl RedisConfig {
    /// That URL and the default prefix, `sb:`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            key_prefix: "sb:".into(),
        }
    }

    /// Whether the URL makes sense. Neither touches the files that it names nor connects.
    pub fn check_url(&self) -> Result<(), ConfigError> {
        url::parse(&self.url).map(drop)
    }

    /// The files that the URL names, and by which parameter; none of a URL that makes no sense.
    pub fn files(&self) -> Vec<(&'static str, PathBuf)> {
        let parsed = url::parse(&self.url).ok();
        parsed
            .and_then(|parsed| parsed.tls)
            .map(TlsFiles::named)
            .unwrap_or_default()
    }

    /// The prefix, if it leaves the hash tags of the keys alone.
    pub(super) fn prefix(&self) -> Result<&str, ConfigError> {
        if self.key_prefix.contains(['{', '}']) {
            Err(ConfigError::KeyPrefix)
        } else {
            Ok(&self.key_prefix)
        }
    }

    /// The URL in fred's words, certificates loaded.
    pub(super) fn to_fred(&self) -> Result<Config, ConfigError> {
        let parsed = url::parse(&self.url)?;
        let tls = parsed.tls.map(|files| files.load()).transpose()?;
        Ok(Config {
            tls,
            ..parsed.config
        })
    }
}

/// Leaves out the URL, which may hold a password.
impl std::fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisConfig")
            .field("key_prefix", &self.key_prefix)
            .finish_non_exhaustive()
    }
}

/// What is wrong with a [`RedisConfig`]. Never quotes the URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Another scheme, or none.
    #[error(
        "the Redis URL must begin with redis:// or rediss:// (TLS), redis-sentinel:// or rediss-sentinel://, \
         redis-cluster:// or rediss-cluster://"
    )]
    Scheme,
    /// The rest of the URL.
    #[error(
        "the Redis URL is not of the form {form} (percent-encode / ? # @ in a password): {what}"
    )]
    Url {
        /// An example with every part.
        form: &'static str,
        /// What is wrong.
        what: String,
    },
    /// Something after the `?` that its scheme does not have.
    #[error(
        "the Redis URL has a parameter that its scheme does not know, or one without a value; it knows {known}"
    )]
    Parameter {
        /// Those it has.
        known: String,
    },
    /// A further node that is none.
    #[error("each node= of the Redis URL must be host:port")]
    Node,
    /// Sentinels watch masters by name.
    #[error("the Redis URL lacks the name of the master: ?sentinelServiceName=mymaster")]
    ServiceName,
    /// A cluster has the database 0 only.
    #[error("a Redis Cluster has no databases: leave out what follows the / in the Redis URL")]
    ClusterDatabase,
    /// Only one of the two files that go together.
    #[error("certFile and keyFile of the Redis URL go together")]
    HalfAnIdentity,
    /// It would change which part of a key decides its slot.
    #[error("the Redis key prefix must not contain {{ or }}")]
    KeyPrefix,
    /// Certificates for TLS.
    #[error("the connection to Redis cannot be set up: {0}")]
    Setup(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_with_a_hash_tag_is_refused() {
        let config = RedisConfig {
            key_prefix: "{a}:".into(),
            ..RedisConfig::new("redis://host")
        };
        assert_eq!(config.prefix(), Err(ConfigError::KeyPrefix));
    }

    #[test]
    fn the_password_is_not_printed() {
        let config = RedisConfig::new("redis://:secret@host");
        assert!(!format!("{config:?}").contains("secret"));
    }
}
