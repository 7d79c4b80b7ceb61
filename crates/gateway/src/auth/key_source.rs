//! Where an issuer publishes its keys, and what it answers.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use http::header::CACHE_CONTROL;
use http::{HeaderMap, StatusCode, Uri};
use serde::Deserialize;
use switchboard_auth::{Key, parse_jwks};

use crate::config::{AuthConfig, HttpUrl, JwtConfig};
use crate::http_client::{Bounds, CannotTrust, HttpClient, HttpError, Question, Trust};

const BOUNDS: Bounds = Bounds {
    connect: Duration::from_secs(2),
    total: Duration::from_secs(5),
    body_bytes_max: 256 * 1024,
};

/// One issuer, asked over HTTP.
#[derive(Debug)]
pub(super) struct KeySource {
    client: HttpClient,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Jwks(Uri),
    /// It says where, and that it is the issuer of this name.
    Discovery {
        url: Uri,
        issuer: String,
    },
}

/// An issuer's answer.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) keys: Vec<Key>,
    /// How long they are good, if it says so (RFC 9111 section 5.2.2.1).
    pub(super) fresh: Option<Duration>,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoKeys {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("{url} answers {status}")]
    Status { url: Uri, status: StatusCode },
    #[error("{0} answers with no JSON Web Key Set")]
    NotASet(Uri),
    #[error("{0} answers with a set in which no key can check signatures")]
    NoneOfUse(Uri),
    #[error("{0} answers with no metadata of an issuer: `issuer` and `jwks_uri`")]
    NotMetadata(Uri),
    #[error("{url} speaks of the issuer `{said}`, not of the one in auth.jwt.issuer, to the byte")]
    OtherIssuer { url: Uri, said: String },
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

impl KeySource {
    /// `None`: the issuer publishes nothing.
    pub(super) fn of(jwt: &JwtConfig, config: &AuthConfig) -> Result<Option<Self>, CannotTrust> {
        let jwks = jwt
            .jwks_url
            .as_ref()
            .map(|url| Place::Jwks(url.uri().clone()));
        let discovery = jwt.discovery_url.as_ref().zip(jwt.issuer.clone());
        let discovery = discovery.map(|(url, issuer)| Place::Discovery {
            url: url.uri().clone(),
            issuer,
        });
        let Some(place) = jwks.or(discovery) else {
            return Ok(None);
        };
        let trust = trust(&place, config.ca_file.as_deref());
        let client = HttpClient::new(BOUNDS, trust)?;
        Ok(Some(Self { client, place }))
    }

    pub(super) async fn read(&self) -> Result<Published, NoKeys> {
        match &self.place {
            Place::Jwks(url) => self.set(url).await,
            Place::Discovery { url, issuer } => self.set(&self.discover(url, issuer).await?).await,
        }
    }

    async fn discover(&self, url: &Uri, issuer: &str) -> Result<Uri, NoKeys> {
        let (body, _) = self.get(url).await?;
        let metadata: Option<Metadata> = serde_json::from_slice(&body).ok();
        let wrong = || NoKeys::NotMetadata(url.clone());
        let Metadata {
            issuer: said,
            jwks_uri,
        } = metadata.ok_or_else(wrong)?;
        if said != issuer {
            let said = said.chars().take(200).collect();
            let url = url.clone();
            return Err(NoKeys::OtherIssuer { url, said });
        }
        let jwks = HttpUrl::parse(&jwks_uri).map_err(|_| wrong())?;
        // What came over TLS does not lead to where anybody could put keys of their own.
        match url.scheme_str() == Some("https") && jwks.uri().scheme_str() != Some("https") {
            true => Err(wrong()),
            false => Ok(jwks.uri().clone()),
        }
    }

    async fn set(&self, url: &Uri) -> Result<Published, NoKeys> {
        let (body, headers) = self.get(url).await?;
        let keys = parse_jwks(&body).ok_or_else(|| NoKeys::NotASet(url.clone()))?;
        match keys.is_empty() {
            true => Err(NoKeys::NoneOfUse(url.clone())),
            false => Ok(Published {
                keys,
                fresh: max_age(&headers),
            }),
        }
    }

    async fn get(&self, url: &Uri) -> Result<(bytes::Bytes, HeaderMap), NoKeys> {
        let answer = self.client.answer(Question::get(url)).await?;
        match answer.status {
            StatusCode::OK => Ok((answer.body, answer.headers)),
            status => Err(NoKeys::Status {
                url: url.clone(),
                status,
            }),
        }
    }
}

/// What discovery names may be `https` where it is not itself.
fn trust<'a>(place: &Place, ca_file: Option<&'a Path>) -> Trust<'a> {
    match place {
        Place::Jwks(url) => Trust::for_url(url, ca_file),
        Place::Discovery { .. } => Trust::Authorities { ca_file },
    }
}

fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(CACHE_CONTROL).into_iter();
    let mut directives = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    directives.find_map(|directive| {
        let (name, seconds) = directive.split_once('=')?;
        let seconds = seconds.trim().trim_matches('"').parse().ok()?;
        (name.trim().eq_ignore_ascii_case("max-age")).then(|| Duration::from_secs(seconds))
    })
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Jwks(url) | Place::Discovery { url, .. } => url.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_keys_are_good_is_read_from_what_caches_are_told() {
        for (value, seconds) in [
            ("max-age=3600", Some(3600)),
            ("public, Max-Age=60, must-revalidate", Some(60)),
            ("max-age=\"5\"", Some(5)),
            ("s-maxage=7", None),
            ("max-age=soon", None),
            ("no-store", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, value.parse().expect("a header value"));
            assert_eq!(
                max_age(&headers),
                seconds.map(Duration::from_secs),
                "{value}"
            );
        }
    }
}
