//! What becomes of each span: exported, failed or dropped. The SDK counts none of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};
use switchboard_cluster::Repeated;

use super::attempt::{Attempt, LastAttempt, Rejected};
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

/// Counts what became of each batch, and says so when the receiver does not take it, or not all of it.
#[derive(Debug)]
pub(super) struct Counted<E> {
    next: E,
    endpoint: Endpoint,
    last: LastAttempt,
    waiting: Arc<Waiting>,
    fails: Repeated,
    rejections: Repeated,
}

impl<E> Counted<E> {
    /// Around an exporter whose client notes in `last` what each attempt came to.
    pub(super) fn new(
        next: E,
        endpoint: Endpoint,
        last: LastAttempt,
        waiting: Arc<Waiting>,
    ) -> Self {
        Self {
            next,
            endpoint,
            last,
            waiting,
            fails: Repeated::new(),
            rejections: Repeated::new(),
        }
    }

    /// The receiver took a batch, except for what it rejected.
    fn taken(&self, spans: usize, rejected: Option<Rejected>) {
        let endpoint = self.endpoint.as_str();
        if let Some(lasted) = self.fails.ended() {
            tracing::info!(endpoint, "spans are exported again (it failed {lasted})");
        }
        let lost = rejected.as_ref().map_or(0, |rejected| rejected.spans);
        let lost = lost.min(spans);
        self.waiting.leave(lost, SpanOutcome::Failed);
        self.waiting.leave(spans - lost, SpanOutcome::Exported);
        if let Some(Rejected { message, .. }) = rejected
            && let Some(said) = self.rejections.happened()
        {
            tracing::warn!(
                error = message,
                endpoint,
                spans = lost,
                "the receiver rejected spans, which are lost; calls go on{said}"
            );
        }
    }

    fn not_taken(&self, spans: usize, error: &str) {
        self.waiting.leave(spans, SpanOutcome::Failed);
        if let Some(said) = self.fails.happened() {
            let endpoint = self.endpoint.as_str();
            tracing::warn!(
                error,
                endpoint,
                spans,
                "spans could not be exported and are lost; calls go on{said}"
            );
        }
    }
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let exported = self.next.export(batch).await;
        match (&exported, self.last.take()) {
            (Ok(()), Attempt::Rejected(rejected)) => self.taken(spans, Some(rejected)),
            (Ok(()), _) => self.taken(spans, None),
            (Err(_), Attempt::Unanswered(cause)) => self.not_taken(spans, &cause),
            (Err(error), _) => self.not_taken(spans, &error.to_string()),
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
