//! A Redis URL: three layouts, each with TLS or without, in fred's words.

use std::path::PathBuf;

use fred::error::Error;
use fred::types::config::{ClusterDiscoveryPolicy, Config, ServerConfig};
use percent_encoding::percent_decode_str;

use super::config_error::ConfigError;
use super::tls::TlsFiles;

/// What a URL says.
#[derive(Debug)]
pub(super) struct ParsedUrl {
    /// Without TLS.
    pub(super) config: Config,
    /// With TLS: by which certificates.
    pub(super) tls: Option<TlsFiles>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    Single,
    Sentinel,
    Cluster,
}

pub(super) fn parse(url: &str) -> Result<ParsedUrl, ConfigError> {
    let (scheme, rest) = url.split_once("://").ok_or(ConfigError::Scheme)?;
    let (layout, tls) = layout(scheme).ok_or(ConfigError::Scheme)?;
    if rest.contains('#') {
        return Err(layout.malformed("it contains a #"));
    }
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let tls_files = read_parameters(layout, tls, query)?;
    let config = match layout {
        Layout::Single => Config::from_url_centralized(&format!("redis://{place}")),
        Layout::Sentinel => Config::from_url_sentinel(&format!("redis-sentinel://{rest}")),
        Layout::Cluster => Config::from_url_clustered(&format!("redis-cluster://{rest}")),
    };
    let mut config = config.map_err(|error| layout.malformed(&spaced(&error)))?;
    if layout == Layout::Cluster && has_database(place) {
        return Err(ConfigError::ClusterDatabase);
    }
    if let ServerConfig::Clustered { policy, .. } = &mut config.server {
        // The node that is named in the URL may be the one that is down.
        *policy = ClusterDiscoveryPolicy::UseCache;
    }
    Ok(ParsedUrl {
        config,
        tls: tls.then_some(tls_files),
    })
}

fn layout(scheme: &str) -> Option<(Layout, bool)> {
    Some(match scheme {
        "redis" => (Layout::Single, false),
        "rediss" => (Layout::Single, true),
        "redis-sentinel" => (Layout::Sentinel, false),
        "rediss-sentinel" => (Layout::Sentinel, true),
        "redis-cluster" => (Layout::Cluster, false),
        "rediss-cluster" => (Layout::Cluster, true),
        _ => return None,
    })
}

impl Layout {
    fn form(self) -> &'static str {
        match self {
            Self::Single => "redis://[user:password@]host[:port][/database]",
            Self::Sentinel => {
                "redis-sentinel://[user:password@]host[:port][/database]\
                 ?sentinelServiceName=name[&node=host:port]…"
            }
            Self::Cluster => {
                "redis-cluster://[user:password@]host[:port][?node=host:port[&node=…]]"
            }
        }
    }

    fn malformed(self, what: &str) -> ConfigError {
        ConfigError::Url {
            form: self.form(),
            what: what.into(),
        }
    }

    /// Besides those of TLS.
    fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Single => &[],
            Self::Sentinel => &[
                "sentinelServiceName",
                "sentinelUsername",
                "sentinelPassword",
                "node",
            ],
            Self::Cluster => &["node"],
        }
    }
}

/// Refuses what would be ignored, and takes out what is not fred's.
fn read_parameters(layout: Layout, tls: bool, query: &str) -> Result<TlsFiles, ConfigError> {
    let tls_parameters: &[&str] = if tls { &TlsFiles::PARAMETERS } else { &[] };
    let known = [layout.parameters(), tls_parameters].concat();
    let mut files = TlsFiles::default();
    let mut named = false;
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if !known.contains(&name) || value.is_empty() {
            return Err(unknown(&known));
        }
        let value = percent_decode_str(value).decode_utf8_lossy();
        match name {
            "node" if !is_host_and_port(&value) => return Err(ConfigError::Node),
            "sentinelServiceName" => named = true,
            "caFile" => files.authorities = Some(PathBuf::from(&*value)),
            "certFile" => files.certificate = Some(PathBuf::from(&*value)),
            "keyFile" => files.key = Some(PathBuf::from(&*value)),
            _ => {}
        }
    }
    if layout == Layout::Sentinel && !named {
        return Err(ConfigError::ServiceName);
    }
    if files.certificate.is_some() != files.key.is_some() {
        return Err(ConfigError::HalfAnIdentity);
    }
    Ok(files)
}

fn unknown(known: &[&str]) -> ConfigError {
    let known = if known.is_empty() {
        "none".into()
    } else {
        known.join(", ")
    };
    ConfigError::Parameter { known }
}

fn is_host_and_port(text: &str) -> bool {
    let port = |port: &str| port.parse::<u16>().is_ok();
    text.split_once(':')
        .is_some_and(|(host, rest)| !host.is_empty() && port(rest))
}

fn has_database(place: &str) -> bool {
    place
        .split_once('/')
        .is_some_and(|(_, database)| !matches!(database, "" | "0"))
}

/// fred names URL errors by their variant, `InvalidPort`: that is «invalid port».
fn spaced(error: &Error) -> String {
    let details = error.details();
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
        let error = parse(url).expect_err(url).to_string();
        assert!(!error.contains("secret"), "{error}");
        error
    }

    fn hosts(parsed: &ParsedUrl) -> Vec<String> {
        let servers = parsed.config.server.hosts();
        servers.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_without_its_password() {
        assert!(error("localhost:6379").contains("must begin with redis://"));
        assert!(error("http://:secret@host").contains("must begin with redis://"));
        assert!(error("redis+tls://:secret@host").contains("must begin with redis://"));
        assert!(error("redis://:secret@host:port").ends_with("invalid port"));
        assert!(error("redis://:secret@").ends_with("empty host"));
        assert!(error("redis://u:secret@host/many").ends_with("Invalid integer string."));
        assert!(error("redis://u:secret@host/1#2").ends_with("it contains a #"));
        assert!(error("redis-cluster://u:secret@host:port").contains("redis-cluster://[user"));
    }

    #[test]
    fn a_parameter_that_would_be_ignored_is_refused() {
        assert!(error("redis://host?db=secret").ends_with("it knows none"));
        assert!(error("redis://:pa?secret@host").ends_with("it knows none"));
        assert!(error("redis://host?caFile=/ca.pem").ends_with("it knows none"));
        assert!(error("rediss://host?ca=secret").ends_with("it knows caFile, certFile, keyFile"));
        assert!(error("redis-cluster://host?node=").ends_with("it knows node"));
        assert!(error("redis-cluster://host?node=secret").contains("must be host:port"));
        assert!(error("redis-sentinel://host?nodes=a:1").contains("sentinelServiceName, "));
        assert!(error("redis-sentinel://host?node=a:1").contains("lacks the name"));
        assert!(error("redis-cluster://host/3").contains("no databases"));
        assert!(error("rediss://host?certFile=/a.pem").contains("go together"));
    }

    #[test]
    fn passwords_and_databases_are_understood() {
        let ParsedUrl { config, tls } = parse("redis://user:p%40ss@host/3").expect("a good URL");
        assert_eq!(config.username.as_deref(), Some("user"));
        assert_eq!(config.password.as_deref(), Some("p@ss"));
        assert_eq!((config.database, tls), (Some(3), None));
    }

    #[test]
    fn sentinels_are_told_apart_from_the_servers_they_watch() {
        let url = "redis-sentinel://:one@a/2?sentinelServiceName=main&node=b:7&node=c:8\
                   &sentinelPassword=two";
        let parsed = parse(url).expect("a good URL");
        assert_eq!(hosts(&parsed), ["b:7", "c:8", "a:26379"]);
        assert_eq!(parsed.config.password.as_deref(), Some("one"));
        let ServerConfig::Sentinel {
            service_name,
            password,
            ..
        } = parsed.config.server
        else {
            panic!("it is a Sentinel's")
        };
        assert_eq!((&*service_name, password.as_deref()), ("main", Some("two")));
    }

    #[test]
    fn a_cluster_may_be_named_by_several_nodes() {
        let parsed = parse("redis-cluster://user:pass@a:1?node=b:2&node=c:3").expect("a good URL");
        assert!(parsed.config.server.is_clustered());
        assert_eq!(hosts(&parsed), ["b:2", "c:3", "a:1"]);
        assert!(parse("redis-cluster://a/0").is_ok());
    }

    #[test]
    fn tls_takes_certificates_from_files() {
        let plain = parse("rediss-cluster://a").expect("a good URL");
        assert_eq!(plain.tls, Some(TlsFiles::default()));
        let url = "rediss-sentinel://a?sentinelServiceName=m&caFile=/a%20b&certFile=/c&keyFile=/k";
        let files = parse(url).expect("a good URL").tls.expect("it says TLS");
        assert_eq!(files.authorities, Some("/a b".into()));
        assert_eq!(files.certificate, Some("/c".into()));
        assert_eq!(files.key, Some("/k".into()));
    }
}
