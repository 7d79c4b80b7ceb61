//! Asking another process over HTTP/1.1: one request, one answer, one connection.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The pages that are read here are short.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// A question.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) method: Method,
    pub(crate) url: &'a Uri,
    /// Shown as a bearer token.
    pub(crate) token: Option<&'a str>,
    /// JSON; nothing where it is empty.
    pub(crate) body: Bytes,
    /// How long the whole may take.
    pub(crate) patience: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    #[error("only http:// is understood here")]
    Scheme,
    #[error("the URL names no host")]
    NoHost,
    #[error("{0}")]
    Connect(#[from] std::io::Error),
    #[error("the token or the path cannot be sent in a request")]
    Unsendable(#[from] http::Error),
    #[error("that is not HTTP")]
    NotHttp,
    #[error("the connection ended before the answer did")]
    Cut,
    #[error("nothing came within {} s", .0.as_secs_f32())]
    TooLate(Duration),
}

impl<'a> Question<'a> {
    /// `GET url`
    pub(crate) fn get(url: &'a Uri, patience: Duration) -> Self {
        Self {
            method: Method::GET,
            url,
            token: None,
            body: Bytes::new(),
            patience,
        }
    }

    /// The status; the body is not read.
    pub(crate) async fn status(self) -> Result<StatusCode, AskError> {
        let patience = self.patience;
        let answer = timeout(patience, self.send()).await;
        Ok(answer.map_err(|_| AskError::TooLate(patience))??.0)
    }

    /// Status and body.
    pub(crate) async fn answer(self) -> Result<(StatusCode, Bytes), AskError> {
        let patience = self.patience;
        let answer = timeout(patience, async {
            let (status, body) = self.send().await?;
            let whole = Limited::new(body, BODY_BYTES_MAX).collect().await;
            Ok((status, whole.map_err(|_| AskError::Cut)?.to_bytes()))
        });
        answer.await.map_err(|_| AskError::TooLate(patience))?
    }

    async fn send(self) -> Result<(StatusCode, Incoming), AskError> {
        if self.url.scheme_str() != Some("http") {
            return Err(AskError::Scheme);
        }
        let host = self.url.host().ok_or(AskError::NoHost)?;
        let authority = self.url.authority().ok_or(AskError::NoHost)?;
        let path = self.url.path_and_query().map_or("/", |path| path.as_str());

        let address = (
            host.trim_matches(['[', ']']),
            self.url.port_u16().unwrap_or(80),
        );
        let socket = TcpStream::connect(address).await?;
        let mut request = Request::builder()
            .method(self.method)
            .uri(path)
            .header(HOST, authority.as_str())
            .header(CONNECTION, "close");
        if let Some(token) = self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if !self.body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(self.body))?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(socket)).await.map_err(said)?;
        // It ends with the answer's body, or when that is dropped.
        tokio::spawn(connection);
        let answer = sender.send_request(request).await.map_err(said)?;
        Ok((answer.status(), answer.into_body()))
    }
}

fn said(error: hyper::Error) -> AskError {
    if error.is_parse() {
        AskError::NotHttp
    } else {
        AskError::Cut
    }
}
