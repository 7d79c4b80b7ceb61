//! Pairs of peers: one sends from the first gateway, the other receives at the second.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use switchboard_client::Acknowledger;
use switchboard_client::connection::{Connection, Options};
use switchboard_protocol::client_message::{Join, Signal};
use switchboard_protocol::{ClientMessage, Encoding, Payload, PeerId, ServerMessage};
use tokio::time::sleep_until;

use super::bed::Bed;

/// How fast signals come.
#[derive(Clone, Copy)]
pub(crate) enum Pace {
    /// Each pair keeps so many unanswered.
    Window(usize),
    /// All pairs together.
    PerSecond(u32),
}

pub(crate) struct Load {
    pairs: Vec<Pair>,
    pace: Pace,
    payload_bytes: usize,
    started: Instant,
}

pub(crate) struct Outcome {
    pub(crate) signals: u64,
    pub(crate) elapsed: Duration,
    latency: Histogram<u64>,
}

struct Pair {
    sender: Connection,
    receiver: Connection,
    to: PeerId,
    room: String,
    next_id: u64,
    in_flight: usize,
    acknowledger: Acknowledger,
}

impl Outcome {
    fn record(&mut self, latency: Duration) {
        self.latency
            .record(latency.as_micros() as u64)
            .expect("the histogram grows by itself");
    }

    pub(crate) fn percentile(&self, quantile: f64) -> Duration {
        Duration::from_micros(self.latency.value_at_quantile(quantile))
    }
}

impl Load {
    pub(crate) async fn open(bed: &Bed, pairs: usize, payload_bytes: usize, pace: Pace) -> Self {
        let mut open = Vec::new();
        for index in 0..pairs {
            open.push(Pair::open(bed, format!("bench-{index}")).await);
        }
        Self {
            pairs: open,
            pace,
            payload_bytes,
            started: Instant::now(),
        }
    }

    /// Sends for `time`, then waits for the last answers.
    pub(crate) async fn run(&mut self, time: Duration) -> Outcome {
        let mut outcome = Outcome {
            signals: 0,
            elapsed: Duration::ZERO,
            latency: Histogram::new(3).expect("three digits are a valid precision"),
        };
        let start = Instant::now();
        let mut sent = 0;
        while start.elapsed() < time {
            let due = match self.pace {
                Pace::Window(_) => u64::MAX,
                Pace::PerSecond(rate) => {
                    (start.elapsed().as_secs_f64() * f64::from(rate)) as u64 + 1
                }
            };
            self.send(&mut sent, due);
            let wake = match self.pace {
                Pace::Window(_) => start + time,
                Pace::PerSecond(rate) => {
                    start + Duration::from_secs_f64(sent as f64 / f64::from(rate))
                }
            };
            tokio::select! {
                () = poll_fn(|cx| self.poll(cx, &mut outcome)) => {}
                () = sleep_until(wake.into()) => {}
            }
        }
        outcome.elapsed = start.elapsed();
        while self.pairs.iter().any(|pair| pair.in_flight > 0) {
            poll_fn(|cx| self.poll(cx, &mut outcome)).await;
        }
        outcome
    }

    fn send(&mut self, sent: &mut u64, due: u64) {
        let count = self.pairs.len() as u64;
        let window = match self.pace {
            Pace::Window(window) => window,
            Pace::PerSecond(_) => 512,
        };
        let now = self.started.elapsed();
        if due == u64::MAX {
            for pair in &mut self.pairs {
                while pair.in_flight < window {
                    pair.send(now, self.payload_bytes);
                    *sent += 1;
                }
                pair.sender.try_flush();
            }
            return;
        }
        while *sent < due {
            let pair = &mut self.pairs[(*sent % count) as usize];
            if pair.in_flight < window {
                pair.send(now, self.payload_bytes);
                pair.sender.try_flush();
            }
            *sent += 1;
        }
    }

    /// Ready as soon as anything was read.
    fn poll(&mut self, cx: &mut Context<'_>, outcome: &mut Outcome) -> Poll<()> {
        let now = self.started.elapsed();
        let mut read = false;
        for pair in &mut self.pairs {
            read |= pair.poll(cx, now, outcome);
        }
        if read { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Pair {
    async fn open(bed: &Bed, room: String) -> Self {
        let open = async |index: usize| {
            Connection::open(&Options::new(bed.gateways[index].url()))
                .await
                .expect("the gateway welcomes")
        };
        let ((mut sender, _), (mut receiver, welcome)) = (open(0).await, open(1).await);
        join(&mut sender, &room).await;
        join(&mut receiver, &room).await;
        loop {
            if let ServerMessage::Ready(_) = sender.next().await.expect("the connection holds") {
                break;
            }
        }
        let acknowledger = Acknowledger::default();
        Self {
            sender,
            receiver,
            to: welcome.peer,
            room,
            next_id: 2,
            in_flight: 0,
            acknowledger,
        }
    }

    /// The payload starts with the time, microseconds, and is filled up to its size.
    fn send(&mut self, now: Duration, payload_bytes: usize) {
        let payload = format!(
            "\"{:020}{}\"",
            now.as_micros(),
            "x".repeat(payload_bytes - 22)
        );
        let signal = Signal {
            id: self.next_id,
            room: self.room.as_str().into(),
            to: Some(self.to.as_str().into()),
            kind: "candidate".into(),
            payload: Payload {
                encoding: Encoding::Json,
                bytes: payload.as_bytes(),
            },
            traceparent: None,
        };
        self.sender
            .feed(&ClientMessage::Signal(signal))
            .expect("the signal can be written");
        self.next_id += 1;
        self.in_flight += 1;
    }

    fn poll(&mut self, cx: &mut Context<'_>, now: Duration, outcome: &mut Outcome) -> bool {
        let mut read = false;
        while let Poll::Ready(message) = self.poll_receiver(cx) {
            read = true;
            if let ServerMessage::Signal(signal) = message {
                let sent = std::str::from_utf8(&signal.payload.bytes[1..21])
                    .ok()
                    .and_then(|text| text.parse().ok());
                let sent = Duration::from_micros(sent.expect("the payload starts with the time"));
                outcome.record(now.saturating_sub(sent));
                self.acknowledger.handled(signal.from, signal.id);
            }
        }
        while let Poll::Ready(message) = self.sender.poll_next(cx) {
            read = true;
            match message.expect("the connection holds") {
                ServerMessage::Delivered(_) => {
                    outcome.signals += 1;
                    self.in_flight -= 1;
                }
                ServerMessage::Undelivered(lost) => panic!("nothing should be lost here: {lost:?}"),
                _ => {}
            }
        }
        read
    }

    /// The receiver's next message. As a client does, it says `received` once for each batch that it has read.
    fn poll_receiver(&mut self, cx: &mut Context<'_>) -> Poll<ServerMessage> {
        let message = match self.receiver.try_next().expect("the connection holds") {
            Some(message) => return Poll::Ready(message),
            None => {
                for receipt in self.acknowledger.take_receipts() {
                    self.receiver
                        .feed(&receipt)
                        .expect("a receipt can be written");
                }
                self.receiver.poll_next(cx)
            }
        };
        message.map(|message| message.expect("the connection holds"))
    }
}

async fn join(connection: &mut Connection, room: &str) {
    let join = Join {
        id: 1,
        room: room.into(),
        state: None,
        capacity: None,
    };
    connection
        .feed(&ClientMessage::Join(join))
        .expect("a join can be written");
    while !matches!(
        connection.next().await.expect("the connection holds"),
        ServerMessage::Joined(_)
    ) {}
}
