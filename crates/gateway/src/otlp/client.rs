//! The HTTP client of the batch thread.

use std::io::Read;
use std::thread;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, Uri};
use opentelemetry_http::{HttpClient, HttpError};
use reqwest::blocking;
use reqwest::redirect::Policy;
use rustls::crypto::ring;

use crate::http_client::Trust;

/// What a receiver answers is short; the rest of a longer answer is not read.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Posts one batch after another, and blocks its thread meanwhile. The exporter's timeout (`OTEL_EXPORTER_OTLP_TIMEOUT`,
/// 10 s) comes with each request.
#[derive(Debug)]
pub(super) struct Client(blocking::Client);

impl Client {
    /// A client for this receiver. Made on a thread without a runtime, as the client demands.
    pub(super) fn new(receiver: &Uri) -> anyhow::Result<Self> {
        // A second call finds the provider in its place. reqwest panics without one, for http:// too.
        let _ = ring::default_provider().install_default();
        let builder = blocking::Client::builder().redirect(Policy::none());
        // A machine without certificates can export to http://.
        let builder = match Trust::for_url(receiver, None) {
            Trust::PlainHttp => builder.tls_certs_only([]),
            Trust::Authorities { .. } => builder,
        };
        let build = || builder.build();
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
