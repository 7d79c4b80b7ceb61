//! Where something is asked over HTTP.

use std::fmt;
use std::net::IpAddr;

use http::Uri;

use super::secret::MASK;
use super::setting::Word;

/// An absolute URL of `http` or `https`, without a fragment. Nothing shows its query: some providers have their key there.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpUrl(Uri);

impl HttpUrl {
    /// What is wrong with it is said in words, without the URL: it may hold a key.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "is not a URL, as in https://issuer.example/jwks.json".to_owned();
        let url: Uri = text.parse().map_err(|_| wrong())?;
        let is_http = matches!(url.scheme_str(), Some("http" | "https"));
        match is_http && url.host().is_some_and(|host| !host.is_empty()) {
            true if url
                .authority()
                .is_some_and(|authority| authority.as_str().contains('@')) =>
            {
                Err("a name or a password has no place in this URL: logs show it".into())
            }
            true => Ok(Self(url)),
            false => Err(wrong()),
        }
    }

    /// Whether what is said there can be read, and changed, between this machine and another one.
    pub fn is_plain_to_others(&self) -> bool {
        let host = self.0.host().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let is_loopback = address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback());
        self.0.scheme_str() == Some("http") && !is_loopback && host != "localhost"
    }

    /// The URL.
    pub fn uri(&self) -> &Uri {
        &self.0
    }
}

impl Word for HttpUrl {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }

    fn write(&self) -> String {
        let text = self.0.to_string();
        match text.split_once('?') {
            None => text,
            Some((before, _)) => format!("{before}?{MASK}"),
        }
    }
}

impl fmt::Debug for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.write())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_to_another_machine_is_known_as_such() {
        for (url, plain) in [
            ("http://issuer.example/", true),
            ("http://10.0.0.1:8080/", true),
            ("http://[fd00::1]/", true),
            ("https://issuer.example/", false),
            ("http://localhost:8080/", false),
            ("http://127.0.0.5/", false),
            ("http://[::1]:8080/", false),
        ] {
            let parsed = HttpUrl::parse(url).expect("a URL");
            assert_eq!(parsed.is_plain_to_others(), plain, "{url}");
        }
    }
}
