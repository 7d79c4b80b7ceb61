//! Exporting spans over OTLP: protobuf over HTTP, in batches, from a thread of its own.
//!
//! ```text
//! span ends ─► counted (bounded) ─► batch thread ─► counted ─► OTLP exporter ─► client ─► receiver
//! ```
//!
//! A receiver that is away, slow or refuses costs spans, which are counted, and nothing else. The batch thread has no tokio
//! runtime, so its client is the blocking one: an asynchronous client would panic there, and nothing would ever be exported.

mod client;
mod counted;

use std::env;
use std::time::Duration;

use anyhow::Context;
use opentelemetry::trace::TracerProvider;
use opentelemetry::{Key, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider,
};
use switchboard_protocol::NodeId;
use switchboard_traces::Traces;
use switchboard_traces::sampling::Sampling;

use self::client::Client;
use self::counted::{Bounded, Counted, Waiting};
use crate::config::{Endpoint, OtlpConfig};
use crate::metrics::SpanCounters;

/// What a node that stops waits for its last spans to be taken.
const LAST_EXPORT: Duration = Duration::from_secs(5);
/// Spans that wait for the receiver, unless the usual variable says otherwise; over it, new ones are dropped.
const QUEUE: usize = 2048;
const QUEUE_VARIABLE: &str = "OTEL_BSP_MAX_QUEUE_SIZE";

/// Exports what [`Traces`] makes, until it is stopped.
pub(crate) struct Export(Option<SdkTracerProvider>);

/// Starts to export, where a receiver is configured.
///
/// # Errors
/// When what the usual variables say of the exporter cannot be used.
pub(crate) fn start(
    config: &OtlpConfig,
    node: &NodeId,
    counters: SpanCounters,
) -> anyhow::Result<(Traces, Export)> {
    let Some(endpoint) = &config.endpoint else {
        return Ok((Traces::off(), Export(None)));
    };
    let provider = provider(endpoint, node, counters).context("otlp.endpoint")?;
    let tracer = provider.tracer("switchboard");
    let sampling = Sampling::new(config.sample_ratio.0, config.heeds_clients);
    Ok((Traces::to(tracer, sampling), Export(Some(provider))))
}

impl Export {
    /// Exports what is left, for a while at most. To be called once nothing makes spans any more.
    pub(crate) async fn stop(&self) {
        let Some(provider) = self.0.clone() else {
            return;
        };
        let stopping =
            tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(LAST_EXPORT));
        if let Ok(Err(error)) = stopping.await {
            tracing::warn!(%error, "the last spans could not be exported");
        }
    }
}

fn provider(
    endpoint: &Endpoint,
    node: &NodeId,
    counters: SpanCounters,
) -> anyhow::Result<SdkTracerProvider> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client::new(&endpoint.as_str().parse()?)?)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint.as_str())
        .build()?;
    let queue = queue_size(env::var(QUEUE_VARIABLE).ok().as_deref());
    let waiting = Waiting::new(queue, counters);
    let exporter = Counted::new(exporter, endpoint.clone(), waiting.clone());
    let batches = BatchConfigBuilder::default().with_max_queue_size(queue);
    let processor = BatchSpanProcessor::builder(exporter)
        .with_batch_config(batches.build())
        .build();
    Ok(SdkTracerProvider::builder()
        .with_sampler(Sampler::AlwaysOn)
        .with_resource(resource(node))
        .with_span_processor(Bounded::new(processor, waiting))
        .build())
}

fn queue_size(said: Option<&str>) -> usize {
    let said = said.and_then(|said| said.trim().parse().ok());
    said.filter(|size| *size > 0).unwrap_or(QUEUE)
}

/// Who exports. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` win over the name given here.
fn resource(node: &NodeId) -> Resource {
    let name = Key::from_static_str("service.name");
    let said = Resource::builder().build();
    let is_said = said
        .get(&name)
        .is_some_and(|name| !name.to_string().starts_with("unknown_service"));
    let resource = Resource::builder().with_attributes([
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", node.to_string()),
    ]);
    if is_said {
        resource.build()
    } else {
        resource.with_service_name("switchboard").build()
    }
}
