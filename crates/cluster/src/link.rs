//! This node's conversation with one other node, and the one place that makes pub/sub reliable.
//!
//! While one publish is in flight, what arrives meanwhile is gathered and goes as one frame: no delay when idle, large
//! batches under load. Frames are numbered, kept until the other side confirms them, and repeated; one out of order is
//! dropped, not held (go-back-N).
//!
//! ```text
//! enqueue ─► gathered ──(one publish at a time)──► bus ⇢ other node: judge ─► envelopes
//!                          └► unconfirmed ◄── seen ─────────────────┘
//! ```

mod batches;
pub mod envelope;
pub mod frame;
mod incoming;
pub(crate) mod keyring;
pub(crate) mod links;
mod loopback;
mod notices;
mod outgoing;
mod rate;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use switchboard_protocol::NodeId;
use switchboard_traces::{FrameAbout, Span, Traces};
use tokio::sync::Notify;
use tokio::time::{Duration, Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use self::batches::Batch;
use self::incoming::{Incoming, Order};
use self::outgoing::{Next, Outgoing, Restart};
use self::rate::Rate;
use crate::backend::bus::{Bus, BusError};
use crate::link::envelope::Envelope;
use crate::link::frame::Header;
use crate::link::keyring::Keyring;
use crate::observe::{Observation, Observe};

pub(crate) use self::outgoing::{Full, Position};

/// Receipts wait this long for company.
const RECEIPT_WAIT: Duration = Duration::from_millis(10);

/// How long an envelope may wait for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Not at all, except for the linger that a high rate brings.
    Now,
    /// As long as a receipt may.
    Receipt,
}

/// What follows from a frame of the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heard {
    /// Whether its envelopes are next.
    pub(crate) is_next: bool,
    pub(crate) repair: Repair,
}

/// What a link needs after a frame of the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repair {
    None,
    /// The other side started a new generation and has forgotten what was not confirmed: both resync.
    Resync,
    /// The other side has forgotten what it had confirmed: this side starts a new generation.
    Restart,
    /// The link was full and is drained now: this side starts a new generation, for what found no place.
    RestartDrained,
}

/// What all links of a node have in common.
pub(crate) struct Shared {
    /// The node itself.
    pub(crate) own: NodeId,
    pub(crate) keyring: Arc<Keyring>,
    /// How long an envelope may wait for others where the rate makes it pay.
    pub(crate) linger_max: Duration,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) observe: Arc<dyn Observe>,
    pub(crate) traces: Traces,
}

pub(crate) struct Link {
    to: NodeId,
    shared: Arc<Shared>,
    state: Mutex<State>,
    wake: Notify,
    /// The other node is no more.
    closed: AtomicBool,
}

struct State {
    outgoing: Outgoing,
    incoming: Incoming,
    rate: Rate,
    /// Until when the task sleeps; `None`: it does not, and looks again by itself before it does.
    asleep_until: Option<Instant>,
}

/// Far enough away to mean «until woken».
const LONG: Duration = Duration::from_secs(3600);

impl Link {
    pub(crate) fn new(to: NodeId, generation: u64, shared: Arc<Shared>) -> Self {
        let state = State {
            outgoing: Outgoing::new(generation),
            incoming: Incoming::default(),
            rate: Rate::default(),
            asleep_until: None,
        };
        Self {
            to,
            shared,
            state: Mutex::new(state),
            wake: Notify::new(),
            closed: AtomicBool::new(false),
        }
    }

    pub(crate) fn to(&self) -> &NodeId {
        &self.to
    }

    pub(crate) fn generation(&self) -> u64 {
        self.state.lock().outgoing.generation()
    }

    /// Queues an envelope. Where it went tells later whether it was published.
    pub(crate) fn enqueue(
        &self,
        envelope: &Envelope<'_>,
        urgency: Urgency,
    ) -> Result<Position, Full> {
        self.enqueue_in(None, envelope, urgency)
    }

    /// Queues an envelope if the link still is in `generation`, where one is given; else it counts as full: the caller has
    /// older envelopes to queue first.
    pub(crate) fn enqueue_in(
        &self,
        generation: Option<u64>,
        envelope: &Envelope<'_>,
        urgency: Urgency,
    ) -> Result<Position, Full> {
        let now = Instant::now();
        let mut state = self.state.lock();
        if generation.is_some_and(|wanted| wanted != state.outgoing.generation()) {
            return Err(Full);
        }
        let due = match urgency {
            Urgency::Now => now + state.rate.linger(self.shared.linger_max),
            Urgency::Receipt => now + RECEIPT_WAIT,
        };
        let position = state.outgoing.gather(now, due, |out| envelope.write(out))?;
        if let Some(traced) = self.shared.traces.traced(envelope.traceparent()) {
            state.outgoing.trace(traced);
        }
        self.wake_if_needed(state);
        Ok(position)
    }

    /// Takes note of a frame from the other side: what it confirms, and whether it is the next one.
    pub(crate) fn heard(&self, header: &Header) -> Heard {
        let now = Instant::now();
        let mut state = self.state.lock();
        // A repeated frame has what was seen when it was made: only a confirmation by itself has what is seen now.
        let seen = (header.seen_generation, header.seen);
        let confirms_alone = header.number == 0;
        let restart = state
            .outgoing
            .confirmed(seen, confirms_alone, now, |confirmed| {
                self.shared.observe.observe(Observation::FrameConfirmed {
                    envelopes: confirmed.envelopes,
                    after: confirmed.after,
                });
            });
        let order = state.incoming.judge(header, now);
        self.wake_if_needed(state);
        Heard {
            is_next: order != Order::Other,
            repair: match (restart, order) {
                (Restart::Drained, _) => Repair::RestartDrained,
                (Restart::Forgotten, _) => Repair::Restart,
                (Restart::No, Order::Restarted) => Repair::Resync,
                (Restart::No, Order::Next | Order::Other) => Repair::None,
            },
        }
    }

    /// Forgets everything unconfirmed and starts a new generation. The caller queues again what is unanswered, and compares
    /// revisions with the other side.
    pub(crate) fn reset(&self, generation: u64) {
        let mut state = self.state.lock();
        state.outgoing.reset(generation);
        self.shared.observe.observe(Observation::LinkReset);
        self.wake_if_needed(state);
    }

    /// Whether the envelope at `position` may have reached the other side.
    pub(crate) fn may_be_published(&self, position: Position) -> bool {
        self.state.lock().outgoing.may_be_published(position)
    }

    /// The other node is no more: `idle` does not wait for it.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Waits until everything that was queued is confirmed, and everything heard as well. Cancel safe.
    pub(crate) async fn idle(&self) {
        while !self.closed.load(Ordering::Relaxed) && !self.state.lock().is_idle() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn wake_if_needed(&self, state: parking_lot::MutexGuard<'_, State>) {
        let wake = state
            .asleep_until
            .is_some_and(|until| state.wake_at().is_some_and(|at| at < until));
        drop(state);
        if wake {
            self.wake.notify_one();
        }
    }

    /// Publishes what is due until cancelled. One publish is in flight at a time.
    pub(crate) async fn run(&self, cancel: CancellationToken) {
        loop {
            match self.step() {
                Step::Publish {
                    generation,
                    number,
                    frame,
                    span,
                } => {
                    let publishing = self.publish(generation, number, frame);
                    let published = Traces::carry(span.as_deref(), publishing).await;
                    end_publishing(span, published);
                }
                Step::Sleep(until) => tokio::select! {
                    biased;
                    () = self.wake.notified() => {}
                    () = sleep_until(until) => {}
                    () = cancel.cancelled() => return,
                },
            }
            if cancel.is_cancelled() {
                return;
            }
        }
    }

    /// True: it is published, as far as is known.
    async fn publish(&self, generation: u64, number: u64, frame: Bytes) -> bool {
        let result = self.shared.bus.publish(&self.to, frame).await;
        let is_published = result.is_ok();
        self.published(generation, number, result);
        is_published
    }

    fn step(&self) -> Step {
        let now = Instant::now();
        let mut state = self.state.lock();
        state.asleep_until = None;
        let generation = state.outgoing.generation();
        let confirm = state.confirm_at().is_some_and(|at| at <= now);
        let (number, frame, span) = if confirm && !state.outgoing.has_new(now) {
            (0, self.seal(&mut state, 0, &[]), None)
        } else {
            match state.outgoing.take(now) {
                Some(Next::New { number, batch }) => {
                    let frame = self.seal_batch(&mut state, number, &batch, now);
                    let span = self.publishing(batch, frame.len());
                    (number, frame, span)
                }
                Some(Next::Again { number, frame }) => {
                    self.shared.observe.observe(Observation::FrameRepeated);
                    let key = self.shared.keyring.agreed();
                    (number, frame::seal_again(&key, &self.to, frame), None)
                }
                None => {
                    let until = state.wake_at().unwrap_or(now + LONG);
                    state.asleep_until = Some(until);
                    return Step::Sleep(until);
                }
            }
        };
        Step::Publish {
            generation,
            number,
            frame,
            span,
        }
    }

    /// A new frame, which is kept until it is confirmed.
    fn seal_batch(&self, state: &mut State, number: u64, batch: &Batch, now: Instant) -> Bytes {
        let envelopes = batch.count;
        state.rate.sent(envelopes, now);
        let published = Observation::FramePublished { envelopes };
        self.shared.observe.observe(published);
        let frame = self.seal(state, number, &batch.envelopes);
        state.outgoing.keep(frame.clone(), batch, now);
        frame
    }

    /// The span of a new frame, if envelopes in it are traced.
    fn publishing(&self, batch: Batch, bytes: usize) -> Option<Box<Span>> {
        let about = FrameAbout {
            to: &self.to,
            envelopes: batch.count as usize,
            bytes,
        };
        self.shared.traces.publish_frame(batch.traced, about)
    }

    fn seal(&self, state: &mut State, number: u64, envelopes: &[u8]) -> Bytes {
        let (seen_generation, seen) = state.incoming.confirm();
        let header = Header {
            from: self.shared.own.clone(),
            generation: state.outgoing.generation(),
            number,
            seen_generation,
            seen,
        };
        frame::seal(&self.shared.keyring.agreed(), &self.to, &header, envelopes)
    }

    fn published(&self, generation: u64, number: u64, result: Result<u64, BusError>) {
        let mut state = self.state.lock();
        match result {
            // 0 receivers is a hint only: the frame is repeated soon, as any unconfirmed one.
            Ok(_) => state.outgoing.published(generation, number, true),
            Err(error) => {
                let went_out = matches!(error, BusError::Unanswered(_));
                state.outgoing.published(generation, number, went_out);
                state.outgoing.pause(Instant::now());
                self.shared.observe.observe(Observation::PublishFailed);
                tracing::debug!(node.id = %self.to, %error, "a frame could not be published; it will be repeated");
            }
        }
    }
}

impl State {
    fn is_idle(&self) -> bool {
        self.outgoing.bytes() == 0 && self.incoming.confirm_at().is_none()
    }

    fn wake_at(&self) -> Option<Instant> {
        [self.outgoing.wake_at(), self.confirm_at()]
            .into_iter()
            .flatten()
            .min()
    }

    /// While the bus cannot be reached, a confirmation waits as well.
    fn confirm_at(&self) -> Option<Instant> {
        let pause = self.outgoing.pause_until();
        let at = self.incoming.confirm_at()?;
        Some(pause.map_or(at, |until| at.max(until)))
    }
}

enum Step {
    Publish {
        generation: u64,
        number: u64,
        frame: Bytes,
        /// Of a new one in which signals are traced.
        span: Option<Box<Span>>,
    },
    Sleep(Instant),
}

fn end_publishing(span: Option<Box<Span>>, is_published: bool) {
    if let Some(mut span) = span {
        match is_published {
            true => span.outcome("published", false),
            false => span.outcome("to be repeated", true),
        }
    }
}

#[cfg(test)]
mod tests;
