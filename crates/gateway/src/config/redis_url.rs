//! Where Redis is.

use std::fmt;

use http::Uri;

use super::secret::MASK;
use super::setting::Word;

/// A `redis://` or `rediss://` URL whose password is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(String);

impl RedisUrl {
    /// The URL with its password, for the Redis client.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// The password masked.
impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((before, host)) = self.0.rsplit_once('@') else {
            return f.write_str(&self.0);
        };
        let scheme = before.find("://").map_or(0, |at| at + 3);
        match before[scheme..].find(':') {
            Some(colon) => write!(f, "{}:{MASK}@{host}", &before[..scheme + colon]),
            None => write!(f, "{before}@{host}"),
        }
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The error never repeats the URL: what is broken may well be its password.
impl Word for RedisUrl {
    fn read(text: &str) -> Result<Self, String> {
        let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
        if !matches!(scheme, "redis" | "rediss") {
            return Err("the schemes understood are redis:// and rediss:// (TLS); \
                        Sentinel and Cluster URLs are not yet"
                .into());
        }
        let shape = || {
            format!(
                "not a Redis URL such as {scheme}://user:password@host:6379/0 \
                 (percent-encode / ? # @ in a password)"
            )
        };
        let uri: Uri = text.parse().map_err(|_| shape())?;
        if text.contains('#') || !is_host_and_database(&uri) {
            return Err(shape());
        }
        Ok(Self(text.into()))
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

fn is_host_and_database(uri: &Uri) -> bool {
    let (Some(authority), Some(host)) = (uri.authority(), uri.host()) else {
        return false;
    };
    // `Uri` takes a port that is no number for none at all.
    let port = authority.port_u16().is_some() || authority.as_str().ends_with(host);
    let database = uri.path().trim_start_matches('/');
    let database = database.is_empty() || database.parse::<u32>().is_ok();
    !host.is_empty() && port && database && uri.query().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_masked_and_nothing_else() {
        for (url, shown) in [
            ("redis://127.0.0.1:6379", "redis://127.0.0.1:6379"),
            ("redis://:s3cret@cache/2", "redis://:********@cache/2"),
            (
                "rediss://app:s3cret@cache:6380",
                "rediss://app:********@cache:6380",
            ),
            ("redis://app@cache", "redis://app@cache"),
        ] {
            let url = RedisUrl::read(url).expect("a Redis URL");
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), shown);
        }
    }

    #[test]
    fn what_is_no_redis_url_is_refused_without_repeating_it() {
        for url in [
            "localhost:6379",
            "http://s3cret",
            "redis-cluster://a:s3cret@b",
            "redis-sentinel://s3cret/x",
        ] {
            let error = RedisUrl::read(url).expect_err("refused");
            assert!(
                error.contains("redis:// and rediss://") && !error.contains("s3cret"),
                "{error}"
            );
        }
        for url in [
            "redis://",
            "redis://:s3cret/x@host",
            "redis://s3cret/db",
            "redis://h:port",
            "redis://h?db=s3cret",
        ] {
            let error = RedisUrl::read(url).expect_err("refused");
            assert!(
                error.contains("redis://user:password@host") && !error.contains("s3cret"),
                "{error}"
            );
        }
    }
}
