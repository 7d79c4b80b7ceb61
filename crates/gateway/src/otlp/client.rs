//! The HTTP client of the batch thread.

use std::io::{self, Read};
use std::path::Path;
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, Uri};
use opentelemetry_http::{HttpClient, HttpError};
use reqwest::blocking;
use reqwest::redirect::Policy;
use rustls::crypto::ring;

use super::attempt::{Attempt, LastAttempt};
use crate::http_client::{CannotTrust, Cause, Trust};

/// What a receiver answers is short; the rest of a longer answer is not read.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Posts one batch after another, and blocks its thread meanwhile. In contrast to the other clients it uses the proxy that the
/// environment names, because a receiver is often outside of the cluster.
#[derive(Debug)]
pub(super) struct Client {
    client: blocking::Client,
    timeout: Duration,
    last: LastAttempt,
}

impl Client {
    /// A client for this receiver, each of whose requests may take so long. It notes in `last` what each came to.
    pub(super) fn new(
        receiver: &Uri,
        ca_file: Option<&Path>,
        timeout: Duration,
        last: LastAttempt,
    ) -> anyhow::Result<Self> {
        // A second call finds the provider in its place. reqwest panics without one, for http:// too.
        let _ = ring::default_provider().install_default();
        let builder = blocking::Client::builder()
            .user_agent(concat!("switchboard/", env!("CARGO_PKG_VERSION")))
            .timeout(timeout)
            .redirect(Policy::none());
        let builder = Trust::for_url(receiver, ca_file).apply(builder)?;
        // A thread without a runtime, as the client demands.
        let built = thread::scope(|scope| scope.spawn(|| builder.build()).join());
        let built = built.map_err(|_| anyhow::anyhow!("the HTTP client for spans panicked"))?;
        Ok(Self {
            client: built.map_err(CannotTrust::System)?,
            timeout,
            last,
        })
    }

    fn post(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Cause> {
        let request = request.try_into().map_err(|_| Cause::Unsendable)?;
        let failed = |error| Cause::of(&error, self.timeout);
        let answer = self.client.execute(request).map_err(failed)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut body = Vec::new();
        let read = answer.take(ANSWER_BYTES_MAX).read_to_end(&mut body);
        read.map_err(|error| self.cut(&error))?;
        let mut response = Response::new(Bytes::from(body));
        (*response.status_mut(), *response.headers_mut()) = (status, headers);
        Ok(response)
    }

    /// What ended an answer before it was whole.
    fn cut(&self, error: &io::Error) -> Cause {
        let known = error.get_ref().and_then(|error| error.downcast_ref());
        known.map_or(Cause::Cut, |error| Cause::of(error, self.timeout))
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.post(request);
        self.last.note(match &answer {
            Ok(answer) => Attempt::answered(answer.status(), answer.body()),
            Err(cause) => Attempt::unanswered(cause),
        });
        answer.map_err(|cause| cause.to_string().into())
    }
}
