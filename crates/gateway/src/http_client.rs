//! The HTTP client of a node and of its commands, which ask other nodes how they are and tell one to drain.
//!
//! It is `reqwest` with rustls on ring. It follows no redirect, repeats no request, and uses no proxy that the
//! environment names, because requests carry tokens and go to machines inside the cluster. Each client has its own
//! bounds.

mod error;
mod trust;

#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, StatusCode, Uri};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, retry};
use rustls::crypto::ring;

pub(crate) use self::error::{Cause, HttpError};
pub(crate) use self::trust::{CannotTrust, Trust};

/// The most that a question may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Time until the connection is there, with TLS.
    pub(crate) connect: Duration,
    /// Time until the whole answer is there.
    pub(crate) total: Duration,
    /// Bytes of an answer's body.
    pub(crate) body_bytes_max: usize,
}

/// Sends questions, each within the same bounds.
#[derive(Debug, Clone)]
pub(crate) struct HttpClient {
    client: Client,
    bounds: Bounds,
}

/// What is asked.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) method: Method,
    pub(crate) url: &'a Uri,
    /// Sent as a bearer token.
    pub(crate) token: Option<&'a str>,
    pub(crate) headers: HeaderMap,
    /// Sent as JSON, unless the headers say what it is.
    pub(crate) body: Option<Bytes>,
}

/// What comes back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl<'a> Question<'a> {
    /// `GET url`
    pub(crate) fn get(url: &'a Uri) -> Self {
        Self {
            method: Method::GET,
            url,
            token: None,
            headers: HeaderMap::new(),
            body: None,
        }
    }
}

impl HttpClient {
    /// A client that trusts the certificates that `trust` says.
    pub(crate) fn new(bounds: Bounds, trust: Trust<'_>) -> Result<Self, CannotTrust> {
        // Fails when a provider is installed already. Without one reqwest panics, for http:// too.
        let _ = ring::default_provider().install_default();
        let builder = Client::builder()
            .user_agent(concat!("switchboard/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(bounds.connect)
            .timeout(bounds.total)
            .redirect(Policy::none())
            .retry(retry::never())
            .no_proxy()
            // Questions are rare: an idle connection would only take a place at the other node.
            .pool_max_idle_per_host(0);
        let client = trust.apply(builder)?.build().map_err(CannotTrust::System)?;
        Ok(Self { client, bounds })
    }

    /// The status of the answer; its body is not read.
    pub(crate) async fn status(&self, question: Question<'_>) -> Result<StatusCode, HttpError> {
        Ok(self.send(question).await?.status())
    }

    /// The whole answer.
    pub(crate) async fn answer(&self, question: Question<'_>) -> Result<Answer, HttpError> {
        let url = question.url.clone();
        let mut response = self.send(question).await?;
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let body = self.body(response).await;
        Ok(Answer {
            status,
            headers,
            body: body.map_err(|cause| HttpError { url, cause })?,
        })
    }

    async fn send(&self, question: Question<'_>) -> Result<Response, HttpError> {
        let Question { url, .. } = question;
        let failed = |cause| HttpError {
            url: url.clone(),
            cause,
        };
        if !matches!(url.scheme_str(), Some("http" | "https")) {
            return Err(failed(Cause::Scheme));
        }
        let mut request = self.client.request(question.method, url.to_string());
        if let Some(token) = question.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = question.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let sent = request.headers(question.headers).send().await;
        sent.map_err(|error| failed(Cause::of(&error, self.bounds.total)))
    }

    async fn body(&self, mut response: Response) -> Result<Bytes, Cause> {
        let Bounds {
            total,
            body_bytes_max,
            ..
        } = self.bounds;
        let mut body = BytesMut::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| Cause::of(&error, total))?
        {
            if body.len() + chunk.len() > body_bytes_max {
                return Err(Cause::TooLarge(body_bytes_max));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}
