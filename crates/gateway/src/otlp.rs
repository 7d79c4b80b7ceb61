//! Exporting spans over OTLP: protobuf over HTTP, in batches, from a thread of its own.
//!
//! ```text
//! span ends ─► counted (bounded) ─► batch thread ─► counted ─► OTLP exporter ─► client ─► receiver
//! ```
//!
//! A receiver that is away, slow or refuses costs spans, which are counted, and nothing else. The batch thread has no tokio
//! runtime, so its client is the blocking one: an asynchronous client would panic there, and nothing would ever be exported.

mod attempt;
mod client;
mod counted;

use std::env;
use std::path::Path;
use std::sync::Arc;
use std::thread;
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
use tokio::sync::oneshot;

use self::attempt::LastAttempt;
use self::client::Client;
use self::counted::{Bounded, Counted, Waiting};
use crate::config::{Endpoint, OtlpConfig};
use crate::metrics::SpanCounters;

/// Spans that wait for the receiver, unless the usual variable says otherwise; over it, new ones are dropped.
const QUEUE: u64 = 2048;
const QUEUE_VARIABLES: [&str; 1] = ["OTEL_BSP_MAX_QUEUE_SIZE"];
/// Milliseconds that a request may take, unless these variables say otherwise. The exporter itself only asks whether so many
/// are over before it sends a batch again.
const TIMEOUT_MS: u64 = 10_000;
const TIMEOUT_VARIABLES: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    "OTEL_EXPORTER_OTLP_TIMEOUT",
];

/// The SDK takes the memory for all of them at the start.
const QUEUE_MAX: u64 = 1_000_000;
const TIMEOUT_MS_MAX: u64 = 86_400_000;

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
    let exporter = exporter(endpoint, config.ca_file.as_deref(), counters);
    let (exporter, waiting) = exporter.context("otlp.endpoint")?;
    let provider = provider(exporter, waiting, node);
    let tracer = provider.tracer("switchboard");
    let sampling = Sampling::new(config.sample_ratio.0, config.heeds_clients);
    Ok((Traces::to(tracer, sampling), Export(Some(provider))))
}

impl Export {
    /// Exports what is left, for so long at most. What begins meanwhile is not traced. Cancel safe: the export goes on for as
    /// long as the process does.
    pub(crate) async fn stop(&self, patience: Duration) {
        let Some(provider) = self.0.clone() else {
            return;
        };
        let (done, stopped) = oneshot::channel();
        // Not a thread of the runtime, which would wait for it when it ends.
        let stopping = thread::Builder::new()
            .name("last spans".into())
            .spawn(move || done.send(provider.shutdown_with_timeout(patience)));
        let failed = match stopping {
            Ok(_) => match stopped.await {
                Ok(Err(error)) => error.to_string(),
                _ => return,
            },
            Err(error) => error.to_string(),
        };
        tracing::warn!(error = failed, "the last spans could not be exported");
    }
}

fn exporter(
    endpoint: &Endpoint,
    ca_file: Option<&Path>,
    counters: SpanCounters,
) -> anyhow::Result<(Counted<SpanExporter>, Arc<Waiting>)> {
    let (receiver, last) = (endpoint.as_str().parse()?, LastAttempt::default());
    let timeout = Duration::from_millis(said(&TIMEOUT_VARIABLES, TIMEOUT_MS).min(TIMEOUT_MS_MAX));
    let client = Client::new(&receiver, ca_file, timeout, last.clone())?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint.as_str())
        .build()?;
    let queue = said(&QUEUE_VARIABLES, QUEUE).min(QUEUE_MAX) as usize;
    let waiting = Waiting::new(queue, counters);
    let exporter = Counted::new(exporter, endpoint.clone(), last, waiting.clone());
    Ok((exporter, waiting))
}

fn provider(
    exporter: Counted<SpanExporter>,
    waiting: Arc<Waiting>,
    node: &NodeId,
) -> SdkTracerProvider {
    let batches = BatchConfigBuilder::default().with_max_queue_size(waiting.max());
    let processor = BatchSpanProcessor::builder(exporter)
        .with_batch_config(batches.build())
        .build();
    SdkTracerProvider::builder()
        .with_sampler(Sampler::AlwaysOn)
        .with_resource(resource(node))
        .with_span_processor(Bounded::new(processor, waiting))
        .build()
}

/// The number, not 0, that the first of these variables has that is set.
fn said(variables: &[&str], default: u64) -> u64 {
    let mut set = variables
        .iter()
        .filter_map(|name| env::var(name).ok().filter(|value| !value.is_empty()));
    let said = set.next().and_then(|value| value.trim().parse().ok());
    said.filter(|number| *number > 0).unwrap_or(default)
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
