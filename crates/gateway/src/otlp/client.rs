//! The HTTP client of the batch thread.

use std::io::Read;
use std::thread;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use reqwest::blocking;
use reqwest::redirect::Policy;

/// What a receiver answers is short; the rest of a longer answer is not read.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Posts one batch after another, and blocks its thread meanwhile. The exporter's timeout (`OTEL_EXPORTER_OTLP_TIMEOUT`,
/// 10 s) comes with each request.
#[derive(Debug)]
pub(super) struct Client(blocking::Client);

impl Client {
    /// Made on a thread without a runtime, as the client demands.
    pub(super) fn new() -> anyhow::Result<Self> {
        let build = || blocking::Client::builder().redirect(Policy::none()).build();
        let built = thread::scope(|scope| scope.spawn(build).join());
        let built = built.map_err(|_| anyhow::anyhow!("the HTTP client for spans panicked"))?;
        Ok(Self(built?))
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.0.execute(request.try_into()?)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut body = Vec::new();
        answer.take(ANSWER_BYTES_MAX).read_to_end(&mut body)?;
        let mut response = Response::new(Bytes::from(body));
        (*response.status_mut(), *response.headers_mut()) = (status, headers);
        Ok(response)
    }
}
