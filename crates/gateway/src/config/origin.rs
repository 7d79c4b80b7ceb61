//! Which web pages may connect.

use std::net::Ipv6Addr;

use super::raw::shortened;
use super::setting::Word;

/// A web origin (RFC 6454), or `*` for any, in the form that browsers send: small letters, no default port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Whether it stands for any origin.
    pub fn is_any(&self) -> bool {
        self.0 == "*"
    }

    /// The origin as a browser writes it in its `Origin` header.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What an `Origin` header says; `None` for `null`, and for what no browser sends.
    pub(crate) fn of_page(text: &str) -> Option<Self> {
        normal(text).map(Self)
    }

    /// `https` in `https://host:8443`.
    pub(crate) fn scheme(&self) -> &str {
        self.0.split_once("://").map_or("", |(scheme, _)| scheme)
    }

    /// `host` in `https://host:8443`. An IPv6 address is in brackets.
    pub(crate) fn host(&self) -> &str {
        let authority = self
            .0
            .split_once("://")
            .map_or("", |(_, authority)| authority);
        split_port(authority).0
    }
}

impl Word for Origin {
    fn read(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self(text.into()));
        }
        normal(text).map(Self).ok_or_else(|| {
            format!(
                "`{}` is not an origin such as https://app.example.com, https://host:8443 or *",
                shortened(text)
            )
        })
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

/// `None` when `text` is no origin. A slash at the end is forgiven: it comes with every URL that is copied.
fn normal(text: &str) -> Option<String> {
    let text = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
    let (scheme, authority) = text.split_once("://")?;
    let (host, port) = split_port(authority);
    let port = port.map(str::parse::<u16>).transpose().ok()?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+.-".contains(&b));
    let host = normal_host(host).filter(|_| is_scheme)?;
    Some(match port {
        None => format!("{scheme}://{host}"),
        Some(80) if scheme == "http" => format!("http://{host}"),
        Some(443) if scheme == "https" => format!("https://{host}"),
        Some(port) => format!("{scheme}://{host}:{port}"),
    })
}

fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

/// `None` when it is none. An IPv6 address is written in its shortest form.
fn normal_host(host: &str) -> Option<String> {
    if let Some(address) = host.strip_prefix('[') {
        let address: Ipv6Addr = address.strip_suffix(']')?.parse().ok()?;
        return Some(format!("[{address}]"));
    }
    let is_name = !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    is_name.then(|| host.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_kept_as_browsers_write_it() {
        for (text, kept) in [
            ("https://App.Example.com/", "https://app.example.com"),
            ("https://app.example.com:443", "https://app.example.com"),
            ("http://localhost:5173", "http://localhost:5173"),
            ("http://[::1]:80", "http://[::1]"),
            ("capacitor://localhost", "capacitor://localhost"),
            ("*", "*"),
        ] {
            assert_eq!(Origin::read(text).expect(text).as_str(), kept);
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "app.example.com",
            "https://",
            "https://a/path",
            "https://*.a.com",
            "https://a b",
            "https://a:99999",
            "",
        ] {
            assert!(Origin::read(text).is_err(), "{text}");
        }
    }
}
