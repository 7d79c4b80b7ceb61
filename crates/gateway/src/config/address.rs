//! Network addresses, and the words with few choices.

use std::fmt::Display;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::raw::shortened;
use super::setting::Word;
use super::{AuthMode, LogFormat, ProxyProtocol};

/// `localhost` is taken for 127.0.0.1; other names are not looked up.
impl Word for SocketAddr {
    fn read(text: &str) -> Result<Self, String> {
        let numeric = match text.strip_prefix("localhost:") {
            Some(port) => format!("127.0.0.1:{port}"),
            None => text.into(),
        };
        numeric.parse().map_err(|_| {
            format!(
                "`{}` is not an address such as 127.0.0.1:8080, 0.0.0.0:8080 or [::]:8080",
                shortened(text)
            )
        })
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

impl Word for AuthMode {
    fn read(text: &str) -> Result<Self, String> {
        one_of(text, &[Self::Open, Self::Required])
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

impl Word for LogFormat {
    fn read(text: &str) -> Result<Self, String> {
        one_of(text, &[Self::Pretty, Self::Json])
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

impl Word for ProxyProtocol {
    fn read(text: &str) -> Result<Self, String> {
        one_of(text, &[Self::Off, Self::Required])
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

fn one_of<T: Copy + Display>(text: &str, choices: &[T]) -> Result<T, String> {
    let chosen = choices.iter().find(|choice| choice.to_string() == text);
    chosen.copied().ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|choice| format!("`{choice}`")).collect();
        format!(
            "`{}` is not one of {}",
            shortened(text),
            names.join(" and ")
        )
    })
}

/// Whether `text` is `host:port` with a port that one can connect to.
pub(super) fn is_host_and_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let is_bare_ipv6 = host.parse::<Ipv6Addr>().is_ok();
    is_host(host) && !is_bare_ipv6 && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Whether `text` is the name of a host, or its address; an IPv6 one with or without brackets. Nobody can be reached at the
/// unspecified ones.
pub(super) fn is_host(text: &str) -> bool {
    let named = !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    // What ends with a number is an address (WHATWG URL, «ends in a number»).
    let last = text.rsplit('.').next().unwrap_or_default();
    let is_number = !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit());
    match text.parse::<Ipv4Addr>() {
        Ok(address) => !address.is_unspecified(),
        Err(_) if named => !is_number,
        Err(_) => ipv6(text).is_some_and(|address| !address.is_unspecified()),
    }
}

/// A [host](is_host) with a port, as URLs and others write them.
pub(super) fn with_port(host: &str, port: u16) -> String {
    match ipv6(host) {
        Some(address) => SocketAddr::from((address, port)).to_string(),
        None => format!("{host}:{port}"),
    }
}

fn ipv6(text: &str) -> Option<Ipv6Addr> {
    let bracketed = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    bracketed.unwrap_or(text).parse().ok()
}
