//! Where something is asked over HTTP.

use http::Uri;

use super::setting::Word;

/// An absolute URL of `http` or `https`, without a fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpUrl(Uri);

impl HttpUrl {
    /// What is wrong with it is said in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a URL, as in https://issuer.example/jwks.json");
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
        self.0.to_string()
    }
}
