//! Which web pages may connect.

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
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port.parse::<u16>().ok()?)),
        _ => (authority, None),
    };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+.-".contains(&b));
    if !is_scheme || !is_host(host) {
        return None;
    }
    Some(match port {
        None => format!("{scheme}://{host}"),
        Some(80) if scheme == "http" => format!("http://{host}"),
        Some(443) if scheme == "https" => format!("https://{host}"),
        Some(port) => format!("{scheme}://{host}:{port}"),
    })
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        return address
            .strip_suffix(']')
            .is_some_and(|v6| v6.parse::<std::net::Ipv6Addr>().is_ok());
    }
    !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
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
