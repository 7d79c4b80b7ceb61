//! Where Redis is.

use fred::types::config::Config;

/// How to reach Redis, as the operator says it.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisConfig {
    /// `redis://[user:password@]host[:port][/database]`, or `rediss://…` for TLS.
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

    /// The prefix, if it leaves the hash tags of the keys alone.
    pub(super) fn prefix(&self) -> Result<&str, ConfigError> {
        if self.key_prefix.contains(['{', '}']) {
            Err(ConfigError::KeyPrefix)
        } else {
            Ok(&self.key_prefix)
        }
    }

    /// The URL in fred's words.
    pub(super) fn to_fred(&self) -> Result<Config, ConfigError> {
        let scheme = self.url.split_once("://").map_or("", |(scheme, _)| scheme);
        match scheme {
            "redis" | "rediss" => {}
            "redis-sentinel" | "rediss-sentinel" | "redis-cluster" | "rediss-cluster" => {
                return Err(ConfigError::NotYet(scheme.to_owned()));
            }
            _ => return Err(ConfigError::Scheme),
        }
        Config::from_url_centralized(&self.url)
            .map_err(|error| ConfigError::Url(spaced(error.details())))
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
    #[error("the Redis URL must begin with redis:// or rediss://")]
    Scheme,
    /// A scheme that is planned.
    #[error("{0}:// is not supported yet: use redis:// or rediss://")]
    NotYet(String),
    /// The rest of the URL.
    #[error("the Redis URL is not of the form redis://[user:password@]host[:port][/database]: {0}")]
    Url(String),
    /// It would change which part of a key decides its slot.
    #[error("the Redis key prefix must not contain {{ or }}")]
    KeyPrefix,
    /// The system's certificates for TLS.
    #[error("the connection to Redis cannot be set up: {0}")]
    Setup(String),
}

/// fred names URL errors by their variant, `InvalidPort`: that is «invalid port».
fn spaced(details: &str) -> String {
    if details.contains(' ') {
        return details.to_owned();
    }
    let mut words = String::new();
    for letter in details.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(url: &str) -> String {
        RedisConfig::new(url)
            .to_fred()
            .expect_err("it is wrong")
            .to_string()
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_without_its_password() {
        assert!(error("localhost:6379").contains("must begin with redis://"));
        assert!(error("http://:secret@host").contains("must begin with redis://"));
        assert!(error("redis-cluster://host").contains("not supported yet"));
        assert!(error("redis://:secret@host:port").ends_with("invalid port"));
        assert!(error("redis://:secret@").ends_with("empty host"));
        assert!(error("redis://host/many").ends_with("Invalid integer string."));
        for url in [
            "http://:secret@host",
            "redis://:secret@host:port",
            "redis://:secret@",
            "redis://u:secret@h/x",
        ] {
            assert!(!error(url).contains("secret"));
        }
        assert!(!format!("{:?}", RedisConfig::new("redis://:secret@host")).contains("secret"));
    }

    #[test]
    fn passwords_databases_and_tls_are_understood() {
        let config = RedisConfig::new("redis://user:p%40ss@host/3")
            .to_fred()
            .expect("a good URL");
        assert_eq!(
            (config.username.as_deref(), config.password.as_deref()),
            (Some("user"), Some("p@ss"))
        );
        assert_eq!(config.database, Some(3));
        assert!(
            RedisConfig::new("rediss://host")
                .to_fred()
                .expect("a good URL")
                .uses_tls()
        );
    }

    #[test]
    fn a_prefix_with_a_hash_tag_is_refused() {
        let config = RedisConfig {
            key_prefix: "{a}:".into(),
            ..RedisConfig::new("redis://host")
        };
        assert_eq!(config.prefix(), Err(ConfigError::KeyPrefix));
    }
}
