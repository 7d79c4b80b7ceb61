//! The node's side of the command, over HTTP.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use http::{Method, StatusCode, Uri};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::config::Secret;
use crate::drain::Request;
use crate::http::nodes::{Begun, NodeReport};
use crate::http_client::{Answer, Bounds, Cause, HttpClient, Question, Trust};

/// A busy node may take a moment to answer.
const BOUNDS: Bounds = Bounds {
    connect: Duration::from_secs(5),
    total: Duration::from_secs(5),
    body_bytes_max: 64 * 1024,
};

/// One node that answers.
pub(super) struct Target {
    client: HttpClient,
    /// Without a slash at the end.
    base: String,
    id: String,
    token: Secret,
}

#[derive(Deserialize)]
struct Health {
    node: String,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
}

impl Target {
    /// Asks who answers at `url`.
    pub(super) async fn find(
        url: &Uri,
        ca_file: Option<&Path>,
        token: Secret,
    ) -> anyhow::Result<Self> {
        let client = HttpClient::new(BOUNDS, Trust::for_url(url, ca_file))?;
        let base = url.to_string().trim_end_matches('/').to_owned();
        let health: Uri = format!("{base}/health").parse()?;
        let Answer { body, .. } = client.answer(Question::get(&health)).await?;
        let Health { node } = serde_json::from_slice(&body)
            .with_context(|| format!("{health} is not the health page of a switchboard node; check that --url leads to one"))?;
        Ok(Self {
            client,
            base,
            id: node,
            token,
        })
    }

    /// Tells it to begin.
    pub(super) async fn drain(&self, request: &Request) -> anyhow::Result<Begun> {
        let url: Uri = format!("{}/v1/nodes/{}/drain", self.base, self.id).parse()?;
        let question = Question {
            method: Method::POST,
            token: Some(self.token.expose()),
            body: Some(serde_json::to_vec(request)?.into()),
            ..Question::get(&url)
        };
        read(&url, self.client.answer(question).await?)
    }

    /// Its progress; `None` if nothing answers there any more.
    pub(super) async fn look(&self) -> anyhow::Result<Option<NodeReport>> {
        let url: Uri = format!("{}/v1/nodes/{}", self.base, self.id).parse()?;
        let question = Question {
            token: Some(self.token.expose()),
            ..Question::get(&url)
        };
        match self.client.answer(question).await {
            // Another node has its address now.
            Ok(answer) if answer.status == StatusCode::NOT_FOUND => Ok(None),
            Ok(answer) => read(&url, answer).map(Some),
            Err(error) if matches!(error.cause, Cause::Connect(_) | Cause::Cut) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The node's id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

/// What the node says, or its sentence about why not.
fn read<T: DeserializeOwned>(url: &Uri, answer: Answer) -> anyhow::Result<T> {
    let Answer { status, body, .. } = answer;
    if status.is_success() {
        return serde_json::from_slice(&body)
            .with_context(|| format!("{url} did not answer as a switchboard node does"));
    }
    match serde_json::from_slice(&body) {
        Ok(Refused { error }) => bail!("{url} answered {}: {error}", status.as_u16()),
        Err(_) => bail!("{url} answered {}", status.as_u16()),
    }
}
