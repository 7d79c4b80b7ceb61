//! A provider of TURN, asked over HTTP for credentials that all clients share.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use switchboard_protocol::server_message::IceServer;

use super::answer::{Answer, TTL_MIN, ttl_asked_for};
use crate::config::{FetchConfig, Secret};
use crate::http_client::{Bounds, CannotTrust, Cause, HttpClient, Question, Trust};
use crate::metrics::IceFetch;

const BOUNDS: Bounds = Bounds {
    connect: Duration::from_secs(2),
    total: Duration::from_secs(5),
    body_bytes_max: 64 * 1024,
};

pub(super) struct Provider {
    client: HttpClient,
    url: Uri,
    headers: HeaderMap,
    body: Option<Bytes>,
    /// How long credentials are good of which the answer does not say it.
    ttl: Duration,
}

/// What it gave.
#[derive(Debug)]
pub(super) struct Credentials {
    pub(super) servers: Vec<IceServer>,
    pub(super) ttl: Duration,
}

/// Why it gave nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoCredentials {
    #[error("no answer: {0}")]
    Unreachable(Cause),
    #[error("it answers {0}{advice}", advice = advice(*.0))]
    Refused(StatusCode),
    #[error(
        "it answers with no `iceServers` or `ice_servers` that a browser can use for {} s or longer",
        TTL_MIN.as_secs()
    )]
    Unreadable,
}

impl NoCredentials {
    pub(super) fn outcome(&self) -> IceFetch {
        match self {
            Self::Unreachable(_) => IceFetch::Unreachable,
            Self::Refused(_) => IceFetch::Refused,
            Self::Unreadable => IceFetch::Unreadable,
        }
    }
}

/// Which settings a status is about. A provider that fails, or has too much to do, is none of them.
fn advice(status: StatusCode) -> &'static str {
    match status.as_u16() {
        300..400 | 404 | 405 | 410 => ": check ice.fetch.url",
        400 | 401 | 403 | 415 | 422 => ": check ice.fetch.headers and ice.fetch.body",
        _ => "",
    }
}

impl Provider {
    /// `None`: nobody is asked.
    pub(super) fn of(config: &FetchConfig, ttl: Duration) -> Result<Option<Self>, CannotTrust> {
        let Some(url) = &config.url else {
            return Ok(None);
        };
        let url = url.uri().clone();
        let client = HttpClient::new(BOUNDS, Trust::for_url(&url, None))?;
        let body = config.body.as_ref().map(Secret::expose);
        let mut headers = config.headers.map().clone();
        if body.is_some_and(|body| !is_json(body)) {
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            headers.entry(CONTENT_TYPE).or_insert(form);
        }
        Ok(Some(Self {
            client,
            url,
            headers,
            body: body.map(|body| Bytes::copy_from_slice(body.as_bytes())),
            ttl: body.and_then(ttl_asked_for).unwrap_or(ttl),
        }))
    }

    /// Cancel safe.
    pub(super) async fn ask(&self) -> Result<Credentials, NoCredentials> {
        let question = Question {
            method: match self.body {
                Some(_) => Method::POST,
                None => Method::GET,
            },
            headers: self.headers.clone(),
            body: self.body.clone(),
            ..Question::get(&self.url)
        };
        let answer = self.client.answer(question).await;
        let answer = answer.map_err(|error| NoCredentials::Unreachable(error.cause))?;
        if !answer.status.is_success() {
            return Err(NoCredentials::Refused(answer.status));
        }
        let Answer { servers, ttl } =
            Answer::read(&answer.body).ok_or(NoCredentials::Unreadable)?;
        Ok(Credentials {
            servers,
            ttl: ttl.unwrap_or(self.ttl),
        })
    }
}

fn is_json(body: &str) -> bool {
    body.trim_start().starts_with(['{', '['])
}

/// Without the query, which may hold a key.
impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.url.scheme_str().unwrap_or_default();
        let host = self
            .url
            .authority()
            .map_or("", |authority| authority.as_str());
        write!(f, "{scheme}://{host}{}", self.url.path())
    }
}
