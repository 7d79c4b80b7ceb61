//! Where Redis is.

use std::fmt;

use switchboard_cluster::redis::RedisConfig;

use super::secret::MASK;
use super::setting::Word;

/// The parameter that is a password.
const SECRET_PARAMETER: &str = "sentinelPassword=";

/// A Redis URL, as listed in [`switchboard_cluster::redis`], whose passwords are never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(String);

impl RedisUrl {
    /// The URL with its passwords, for the Redis client.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// The passwords masked.
impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, query) = match self.0.split_once('?') {
            Some((place, query)) => (place, Some(query)),
            None => (&*self.0, None),
        };
        write_place(place, f)?;
        for (number, parameter) in query.iter().flat_map(|query| query.split('&')).enumerate() {
            f.write_str(if number == 0 { "?" } else { "&" })?;
            if parameter.starts_with(SECRET_PARAMETER) {
                write!(f, "{SECRET_PARAMETER}{MASK}")?;
            } else {
                f.write_str(parameter)?;
            }
        }
        Ok(())
    }
}

/// What stands before the `?`.
fn write_place(place: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some((before, host)) = place.rsplit_once('@') else {
        return f.write_str(place);
    };
    let scheme = before.find("://").map_or(0, |at| at + 3);
    match before[scheme..].find(':') {
        Some(colon) => write!(f, "{}:{MASK}@{host}", &before[..scheme + colon]),
        None => write!(f, "{before}@{host}"),
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
        let checked = RedisConfig::new(text).check_url();
        checked.map_err(|error| error.to_string())?;
        Ok(Self(text.into()))
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_passwords_are_masked_and_nothing_else() {
        for (url, shown) in [
            ("redis://127.0.0.1:6379", "redis://127.0.0.1:6379"),
            ("redis://:s3cret@cache/2", "redis://:********@cache/2"),
            (
                "rediss://app:s3cret@cache:6380?caFile=/ca.pem",
                "rediss://app:********@cache:6380?caFile=/ca.pem",
            ),
            ("redis://app@cache", "redis://app@cache"),
            (
                "redis-cluster://:s3cret@a:1?node=b:2&node=c:3",
                "redis-cluster://:********@a:1?node=b:2&node=c:3",
            ),
            (
                "redis-sentinel://a?sentinelServiceName=m&sentinelPassword=s3cret&node=b:2",
                "redis-sentinel://a?sentinelServiceName=m&sentinelPassword=********&node=b:2",
            ),
        ] {
            let url = RedisUrl::read(url).expect("a Redis URL");
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), shown);
        }
    }

    #[test]
    fn what_is_no_redis_url_is_refused_without_repeating_it() {
        for (url, why) in [
            ("localhost:6379", "must begin with redis://"),
            ("http://s3cret", "must begin with redis://"),
            ("redis-sentinel://s3cret/x", "lacks the name of the master"),
            ("redis-cluster://a:s3cret@b/7", "no databases"),
            ("redis-cluster://h?node=s3cret", "host:port"),
            ("redis://", "redis://[user:password@]host"),
            ("redis://:s3cret/x@host", "redis://[user:password@]host"),
            ("redis://s3cret/db", "redis://[user:password@]host"),
            ("redis://h:port", "redis://[user:password@]host"),
            ("redis://:s3#cret@h", "redis://[user:password@]host"),
            ("redis://h?db=s3cret", "does not know"),
        ] {
            let error = RedisUrl::read(url).expect_err("refused");
            assert!(error.contains(why) && !error.contains("s3cret"), "{error}");
        }
    }
}
