//! Where Redis is.

use std::path::PathBuf;

use fred::types::config::Config;

use super::config_error::ConfigError;
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
