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

pub mod envelope;
pub mod frame;
mod incoming;
pub(crate) mod keyring;
pub(crate) mod loopback;
mod outgoing;
mod rate;
pub(crate) mod resync;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use switchboard_protocol::NodeId;
use tokio::sync::Notify;
use tokio::time::{Duration, Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use self::incoming::Incoming;
use self::outgoing::{Next, Outgoing};
use self::rate::Rate;
use crate::backend::bus::{Bus, BusError};
use crate::link::envelope::Envelope;
use crate::link::frame::Header;
use crate::link::keyring::Keyring;
use crate::observe::{Observation, Observe};

pub(crate) use self::incoming::Verdict;
pub(crate) use self::outgoing::{Anew, Full, Position};

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

/// What came of a confirmation or a frame from the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heard {
    /// What to do with the frame's envelopes.
    pub(crate) verdict: Verdict,
    /// Whether this side has to start anew.
    pub(crate) anew: Anew,
}

pub(crate) struct Link {
    own: NodeId,
    to: NodeId,
    keyring: Arc<Keyring>,
    linger_max: Duration,
    bus: Arc<dyn Bus>,
    observe: Arc<dyn Observe>,
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
    pub(crate) fn new(
        own: NodeId,
        to: NodeId,
        keyring: Arc<Keyring>,
        generation: u64,
        linger_max: Duration,
        bus: Arc<dyn Bus>,
        observe: Arc<dyn Observe>,
    ) -> Self {
        let state = State {
            outgoing: Outgoing::new(generation),
            incoming: Incoming::default(),
            rate: Rate::default(),
            asleep_until: None,
        };
        Self {
            own,
            to,
            keyring,
            linger_max,
            bus,
            observe,
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

    /// Queues an envelope if the link still is in `generation`, where one is given; else it counts as full: whoever asks
    /// has older envelopes to queue first.
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
            Urgency::Now => now + state.rate.linger(self.linger_max),
            Urgency::Receipt => now + RECEIPT_WAIT,
        };
        let position = state.outgoing.gather(now, due, |out| envelope.write(out))?;
        self.wake_if_needed(state);
        Ok(position)
    }

    /// Takes note of a frame from the other side.
    pub(crate) fn heard(&self, header: &Header) -> Heard {
        let now = Instant::now();
        let mut state = self.state.lock();
        // A repeated frame says what had been seen when it was made: only a confirmation by itself says what is so now.
        let seen = (header.seen_generation, header.seen);
        let confirms_alone = header.number == 0;
        let anew = state
            .outgoing
            .confirmed(seen, confirms_alone, now, |confirmed| {
                self.observe.observe(Observation::FrameConfirmed {
                    envelopes: confirmed.envelopes,
                    after: confirmed.after,
                });
            });
        let verdict = state.incoming.judge(header, now);
        self.wake_if_needed(state);
        Heard { verdict, anew }
    }

    /// Forgets everything unconfirmed and starts a new generation. Who resets must [resync](crate::link::resync).
    pub(crate) fn reset(&self, generation: u64) {
        let mut state = self.state.lock();
        state.outgoing.reset(generation);
        self.observe.observe(Observation::LinkReset);
        self.wake_if_needed(state);
    }

    /// Whether the envelope at `position` may have reached the other side.
    pub(crate) fn may_be_published(&self, position: Position) -> bool {
        self.state.lock().outgoing.may_be_published(position)
    }

    /// Nobody is on the other side any more.
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
                } => {
                    let result = self.bus.publish(&self.to, frame).await;
                    self.published(generation, number, result);
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

    fn step(&self) -> Step {
        let now = Instant::now();
        let mut state = self.state.lock();
        state.asleep_until = None;
        let generation = state.outgoing.generation();
        let confirm = state.confirm_at().is_some_and(|at| at <= now);
        if confirm && !state.outgoing.has_new(now) {
            let frame = self.seal(&mut state, 0, &[]);
            return Step::Publish {
                generation,
                number: 0,
                frame,
            };
        }
        match state.outgoing.take(now) {
            Some(Next::New {
                number,
                envelopes,
                count,
                since,
            }) => {
                state.rate.sent(count, now);
                self.observe
                    .observe(Observation::FramePublished { envelopes: count });
                let frame = self.seal(&mut state, number, &envelopes);
                let contents = (count, envelopes.len(), since);
                state.outgoing.keep(frame.clone(), contents, now);
                Step::Publish {
                    generation,
                    number,
                    frame,
                }
            }
            Some(Next::Again { number, frame }) => {
                self.observe.observe(Observation::FrameRepeated);
                Step::Publish {
                    generation,
                    number,
                    frame: frame::seal_again(&self.keyring.agreed(), &self.to, frame),
                }
            }
            None => {
                let until = state.wake_at().unwrap_or(now + LONG);
                state.asleep_until = Some(until);
                Step::Sleep(until)
            }
        }
    }

    fn seal(&self, state: &mut State, number: u64, envelopes: &[u8]) -> bytes::Bytes {
        let (seen_generation, seen) = state.incoming.confirm();
        let header = Header {
            from: self.own.clone(),
            generation: state.outgoing.generation(),
            number,
            seen_generation,
            seen,
        };
        frame::seal(&self.keyring.agreed(), &self.to, &header, envelopes)
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
                self.observe.observe(Observation::PublishFailed);
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
        frame: bytes::Bytes,
    },
    Sleep(Instant),
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use async_trait::async_trait;
    use bytes::Bytes;
    use tokio::time::timeout;

    use super::*;
    use crate::backend::bus::Inbox;
    use crate::link::keyring::ClusterKey;

    /// Counts what it does not publish.
    #[derive(Default)]
    struct Gone(AtomicUsize);

    #[async_trait]
    impl Bus for Gone {
        async fn publish(&self, _: &NodeId, _: Bytes) -> Result<u64, BusError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Err(BusError::Unreachable("it is gone".into()))
        }

        async fn subscribe(&self, _: &NodeId) -> Result<Box<dyn Inbox>, BusError> {
            Err(BusError::Unreachable("it is gone".into()))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_bus_is_gone_a_due_confirmation_waits_without_haste() {
        let (bus, keyring) = (Arc::new(Gone::default()), Arc::new(Keyring::default()));
        keyring.set(ClusterKey::random());
        let link = Link::new(
            NodeId::start("own"),
            NodeId::start("other"),
            keyring,
            1,
            Duration::ZERO,
            bus.clone(),
            Arc::new(()),
        );
        let tell = |link: &Link| {
            let revisions = Envelope::Revisions(crate::link::envelope::Revisions {
                rooms: Vec::new(),
                answer: false,
            });
            link.enqueue(&revisions, Urgency::Now).expect("room");
        };
        tell(&link);
        let heard = async {
            for number in 1.. {
                tokio::time::sleep(Duration::from_millis(100)).await;
                tell(&link);
                link.heard(&Header {
                    from: link.to.clone(),
                    generation: 1,
                    number,
                    seen_generation: 0,
                    seen: 0,
                });
            }
        };
        let running = async { tokio::join!(link.run(CancellationToken::new()), heard) };
        let _ = timeout(Duration::from_secs(20), running).await;
        let tries = bus.0.load(Ordering::Relaxed);
        assert!((10..100).contains(&tries), "{tries} tries in 20 s");
    }
}
