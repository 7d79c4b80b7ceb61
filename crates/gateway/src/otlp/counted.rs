//! What becomes of each span: exported, failed or dropped. The SDK counts none of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};
use switchboard_cluster::Repeated;

use super::client::Failure;
use crate::config::Endpoint;
use crate::metrics::{SpanCounters, SpanOutcome};

/// Spans between their end and their export.
#[derive(Debug)]
pub(super) struct Waiting {
    count: AtomicUsize,
    max: usize,
    counters: SpanCounters,
    drops: Repeated,
}

impl Waiting {
    /// At most so many.
    pub(super) fn new(max: usize, counters: SpanCounters) -> Arc<Self> {
        Arc::new(Self {
            count: AtomicUsize::new(0),
            max,
            counters,
            drops: Repeated::new(),
        })
    }

    /// As many as there may be.
    pub(super) fn max(&self) -> usize {
        self.max
    }

    /// False: there are as many as there may be, and this one is dropped.
    fn enter(&self) -> bool {
        let entered = self.count.fetch_add(1, Ordering::Relaxed) < self.max;
        if !entered {
            self.count.fetch_sub(1, Ordering::Relaxed);
            self.counters.count(SpanOutcome::Dropped, 1);
            if let Some(said) = self.drops.happened() {
                let max = self.max;
                tracing::warn!(
                    max,
                    "spans are dropped because too many wait for the receiver; calls go on{said}"
                );
            }
        }
        entered
    }

    fn leave(&self, spans: usize, outcome: SpanOutcome) {
        self.count.fetch_sub(spans, Ordering::Relaxed);
        self.counters.count(outcome, spans as u64);
    }
}

/// Lets no more spans wait than may.
#[derive(Debug)]
pub(super) struct Bounded<P> {
    next: P,
    waiting: Arc<Waiting>,
}

impl<P> Bounded<P> {
    pub(super) fn new(next: P, waiting: Arc<Waiting>) -> Self {
        Self { next, waiting }
    }
}

impl<P: SpanProcessor> SpanProcessor for Bounded<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.next.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if self.waiting.enter() {
            self.next.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}

/// Counts what became of each batch, and says so when the receiver does not take them.
#[derive(Debug)]
pub(super) struct Counted<E> {
    next: E,
    endpoint: Endpoint,
    failure: Failure,
    waiting: Arc<Waiting>,
    fails: Repeated,
}

impl<E> Counted<E> {
    /// Around an exporter whose client says in `failure` why it got no answer.
    pub(super) fn new(
        next: E,
        endpoint: Endpoint,
        failure: Failure,
        waiting: Arc<Waiting>,
    ) -> Self {
        Self {
            next,
            endpoint,
            failure,
            waiting,
            fails: Repeated::new(),
        }
    }
}

impl<E> Counted<E> {
    /// Logs that it fails, and that it is over.
    fn tell(&self, spans: usize, exported: &OTelSdkResult) {
        let endpoint = self.endpoint.as_str();
        match exported {
            Ok(()) => {
                if let Some(lasted) = self.fails.ended() {
                    tracing::info!(endpoint, "spans are exported again (it failed {lasted})");
                }
            }
            Err(error) => {
                let cause = self.failure.take();
                let error = cause.unwrap_or_else(|| error.to_string());
                if let Some(said) = self.fails.happened() {
                    tracing::warn!(
                        error,
                        endpoint,
                        spans,
                        "spans could not be exported and are lost; calls go on{said}"
                    );
                }
            }
        }
    }
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let exported = self.next.export(batch).await;
        let outcome = match &exported {
            Ok(()) => SpanOutcome::Exported,
            Err(_) => SpanOutcome::Failed,
        };
        self.waiting.leave(spans, outcome);
        self.tell(spans, &exported);
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}
