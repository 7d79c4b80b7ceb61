//! One client of a pair: sends numbered signals to the other all the time, and writes down what came of them and what it
//! got.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde::Deserialize;
use switchboard_client::{
    Client, ConnectionState, Event, Events, Options, Outcome, Outcomes, RequestError,
};
use switchboard_protocol::server_message::Signal;
use switchboard_protocol::{Connection, Encoding, Payload, PeerId, RoomId};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::door::Door;
use crate::look::Look;

/// Every so many signals one is as long as an offer; the others are as long as candidates.
const OFFER_EVERY: u64 = 10;
/// The last signal is answered by its deadline (45 s), which counts anew where its sender resumes.
const ANSWERED_WITHIN: Duration = Duration::from_secs(100);
const OFFER_BYTES: usize = 2500;
const CANDIDATE_BYTES: usize = 200;

/// A client in its room.
pub(crate) struct Caller {
    pub(crate) client: Client,
    pub(crate) door: Arc<Door>,
    pub(crate) stream: Arc<Stream>,
    pub(crate) room: RoomId,
    pub(crate) look: Look,
    events: Events,
}

/// What one client sends to the other, as far as it has come.
#[derive(Default)]
pub(crate) struct Stream {
    sent: AtomicU64,
    received: AtomicU64,
    /// Microseconds: the longest time between two signals since it was last taken.
    longest_gap: AtomicU64,
}

impl Stream {
    /// How many signals the client has sent; they are numbered from 1.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// The longest time between two signals that the other one got, since this was last called.
    pub(crate) fn take_longest_gap(&self) -> Duration {
        Duration::from_micros(self.longest_gap.swap(0, Ordering::Relaxed))
    }

    /// The highest number that the other one got.
    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

/// The answers to a sender's signals, the first signal's first; `None`: there was none.
pub(crate) type Answers = Vec<Option<Result<Outcome, RequestError>>>;

/// What a receiver got.
#[derive(Default)]
pub(crate) struct Got {
    pub(crate) numbers: HashSet<u64>,
    pub(crate) repeated: u64,
    pub(crate) out_of_order: u64,
    pub(crate) longest_gap: Duration,
    /// How often its connection was lost.
    pub(crate) dropped: u64,
    /// How often it saw the other one away.
    pub(crate) away_seen: u64,
    /// How often it was told of a state of the other one that the other one never had.
    pub(crate) misreported: u64,
    /// Its session is another one than at first, or over, or the other one left.
    pub(crate) session_lost: bool,
    pub(crate) highest: u64,
    pub(crate) last_at: Option<Instant>,
}

#[derive(Deserialize)]
struct Body {
    n: u64,
}

impl Caller {
    pub(crate) async fn open(door: Arc<Door>, room: RoomId, look: Look) -> Result<Self> {
        let mut options = Options::new(door.url());
        options.name = Some(look.name.clone());
        let connected = Client::connect(options).await;
        let (client, events) = connected.context("a client cannot connect")?;
        let joined = client.join(&room, Some(look.state.clone()), None).await;
        joined.with_context(|| format!("a client cannot enter {room}"))?;
        Ok(Self {
            client,
            door,
            stream: Arc::default(),
            room,
            look,
            events,
        })
    }

    /// For the one that talks with it.
    pub(crate) fn end(&self) -> End {
        End {
            peer: self.client.peer(),
            look: self.look.clone(),
            stream: self.stream.clone(),
        }
    }

    /// Begins to send to `other`, one signal every `pace` until `sending` is over, and to read what comes from it until
    /// `reading` is.
    pub(crate) fn talk(
        self,
        other: End,
        pace: Duration,
        sending: CancellationToken,
        reading: CancellationToken,
    ) -> Talk {
        let sender = Sender {
            client: self.client.clone(),
            room: self.room,
            to: other.peer,
            stream: self.stream,
        };
        Talk {
            client: self.client,
            door: self.door,
            answers: tokio::spawn(sender.run(pace, sending)),
            got: tokio::spawn(receive(self.events, other, reading)),
        }
    }
}

/// What one of a pair has to know of the other.
#[derive(Clone)]
pub(crate) struct End {
    pub(crate) peer: PeerId,
    pub(crate) look: Look,
    pub(crate) stream: Arc<Stream>,
}

/// A client at work.
pub(crate) struct Talk {
    pub(crate) client: Client,
    pub(crate) door: Arc<Door>,
    /// Ends once sending is over and everything is answered, or its time for that is up.
    pub(crate) answers: JoinHandle<Answers>,
    pub(crate) got: JoinHandle<Got>,
}

struct Sender {
    client: Client,
    room: RoomId,
    to: PeerId,
    stream: Arc<Stream>,
}

impl Sender {
    async fn run(self, pace: Duration, sending: CancellationToken) -> Answers {
        let mut answers = Answers::new();
        let mut awaited = FuturesUnordered::new();
        let mut ticks = interval(pace);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = sending.cancelled() => break,
                Some((n, answer)) = awaited.next() => note(&mut answers, n, answer, self.to),
                _ = ticks.tick() => {
                    let n = self.stream.sent() + 1;
                    // Waits while there is no connection and much is waiting already.
                    let queued = self.client.queue_signal(&self.room, self.to, kind(n), payload(n)).await;
                    self.stream.sent.store(n, Ordering::Relaxed);
                    answers.push(None);
                    match queued {
                        Ok(answer) => awaited.push(async move { (n, answer.await) }),
                        Err(error) => note(&mut answers, n, Err(error), self.to),
                    }
                }
            }
        }
        // Whatever is not answered by then stays without an answer, which is a finding.
        let _ = timeout(ANSWERED_WITHIN, async {
            while let Some((n, answer)) = awaited.next().await {
                note(&mut answers, n, answer, self.to);
            }
        })
        .await;
        answers
    }
}

fn note(answers: &mut Answers, n: u64, answer: Result<Outcomes, RequestError>, to: PeerId) {
    let index = usize::try_from(n).expect("a run is short") - 1;
    answers[index] = match answer {
        Ok(outcomes) => outcomes.of(to).map(Ok),
        Err(error) => Some(Err(error)),
    };
}

fn kind(n: u64) -> &'static str {
    if n % OFFER_EVERY == 1 {
        "offer"
    } else {
        "candidate"
    }
}

fn payload(n: u64) -> Payload {
    let bytes = match kind(n) {
        "offer" => OFFER_BYTES,
        _ => CANDIDATE_BYTES,
    };
    let text = format!(r#"{{"n":{n},"sdp":"{}"}}"#, "x".repeat(bytes));
    Payload {
        encoding: Encoding::Json,
        bytes: text.into(),
    }
}

async fn receive(mut events: Events, other: End, reading: CancellationToken) -> Got {
    let (from, mut got) = (other.peer, Got::default());
    while let Some(Some(event)) = reading.run_until_cancelled(events.next()).await {
        match event {
            Event::Signal(signal) if signal.from == from => got.take(&signal, &other.stream),
            Event::MemberUpdated(updated) if updated.peer == from => {
                got.away_seen += u64::from(updated.connection == Some(Connection::Away));
                let state = updated.state.as_ref();
                got.misreported += u64::from(state.is_some_and(|state| *state != other.look.state));
            }
            Event::MemberLeft(left) => got.session_lost |= left.peer == from,
            Event::Connection(ConnectionState::Reconnecting(_)) => got.dropped += 1,
            Event::Connection(ConnectionState::Live(welcome)) => {
                got.session_lost |= !welcome.resumed;
            }
            Event::Connection(_) | Event::Rejoined(_) | Event::RoomLost { .. } => {
                got.session_lost = true;
            }
            _ => {}
        }
    }
    got
}

impl Got {
    fn take(&mut self, signal: &Signal, incoming: &Stream) {
        let body: Body =
            serde_json::from_slice(&signal.payload.bytes).expect("the other one wrote it");
        if !self.numbers.insert(body.n) {
            self.repeated += 1;
            return;
        }
        if body.n < self.highest {
            self.out_of_order += 1;
        }
        self.highest = self.highest.max(body.n);
        incoming.received.store(self.highest, Ordering::Relaxed);
        let now = Instant::now();
        if let Some(last_at) = self.last_at.replace(now) {
            let gap = now - last_at;
            self.longest_gap = self.longest_gap.max(gap);
            let micros = u64::try_from(gap.as_micros()).unwrap_or(u64::MAX);
            incoming.longest_gap.fetch_max(micros, Ordering::Relaxed);
        }
    }
}
