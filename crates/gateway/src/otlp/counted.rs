//! What becomes of each span: exported, failed or dropped. The SDK counts none of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};
use switchboard_cluster::Repeated;

use crate::config::Endpoint;
use crate::metrics::{SpanCounters, SpanOutcome};

/// Spans between their end and their export.
#[derive(Debug)]
pub(super) struct Waiting {
    count: AtomicUsize,
    max: usize,
    counters: SpanCounters,
}

impl Waiting {
    /// At most so many.
    pub(super) fn new(max: usize, counters: SpanCounters) -> Arc<Self> {
        Arc::new(Self {
            count: AtomicUsize::new(0),
            max,
            counters,
        })
    }

    /// False: there are as many as there may be, and this one is dropped.
    fn enter(&self) -> bool {
        let entered = self.count.fetch_add(1, Ordering::Relaxed) < self.max;
        if !entered {
            self.count.fetch_sub(1, Ordering::Relaxed);
            self.counters.count(SpanOutcome::Dropped, 1);
        }
        entered
    }

    fn leave(&self, spans: usize, outcome: SpanOutcome) {
        self.count.fetch_sub(spans, Ordering::Relaxed);
        self.counters.count(outcome, spans);
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

/// Counts what came of each batch, and says so when the receiver does not take them.
#[derive(Debug)]
pub(super) struct Counted<E> {
    next: E,
    endpoint: Endpoint,
    waiting: Arc<Waiting>,
    fails: Repeated,
}

impl<E> Counted<E> {
    pub(super) fn new(next: E, endpoint: Endpoint, waiting: Arc<Waiting>) -> Self {
        Self {
            next,
            endpoint,
            waiting,
            fails: Repeated::new(),
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
        if let Err(error) = &exported
            && let Some(said) = self.fails.happened()
        {
            tracing::warn!(%error, endpoint = self.endpoint.as_str(), spans, "spans could not be exported and are lost; calls go on{said}");
        }
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
