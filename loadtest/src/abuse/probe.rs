//! Two clients who have nothing to do with it, one on each gateway: how long their signals take. On a thread of its own:
//! what others read must not count.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use hdrhistogram::Histogram;
use std::sync::Mutex;
use tokio::time::{MissedTickBehavior, interval};

use super::client::{Bytes, native};

const PAUSE: Duration = Duration::from_millis(10);
const ROOM: &str = "calm";

pub(super) struct Probe {
    /// Microseconds.
    latencies: Arc<Mutex<Histogram<u64>>>,
}

impl Probe {
    pub(super) fn start(gateways: [SocketAddr; 2]) -> Result<Self> {
        let latencies = Arc::new(Mutex::new(Histogram::new(3)?));
        let noted = latencies.clone();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        thread::spawn(move || {
            if let Err(error) = runtime.block_on(signal(gateways, &noted)) {
                eprintln!("the two calm clients ended: {error:#}");
            }
        });
        Ok(Self { latencies })
    }

    /// Of those since the last call, milliseconds.
    pub(super) fn p99_ms(&mut self) -> f64 {
        let mut latencies = self.latencies.lock().expect("nobody panics with it");
        let p99 = latencies.value_at_quantile(0.99) as f64 / 1000.0;
        latencies.reset();
        p99
    }
}

async fn signal(gateways: [SocketAddr; 2], latencies: &Mutex<Histogram<u64>>) -> Result<()> {
    let bytes = Arc::new(Bytes::default());
    let mut receiver = native(gateways[1], ("receiver", ""), &bytes).await?;
    let mut sender = native(gateways[0], ("sender", ""), &bytes).await?;
    for client in [&mut receiver, &mut sender] {
        client
            .write(format!(r#"{{"type":"join","id":1,"room":"{ROOM}"}}"#))
            .await?;
        client.until("\"joined\"").await?;
    }
    receiver.until("\"ready\"").await?;
    let start = Instant::now();
    let mut ticks = interval(PAUSE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let sending = async {
        for id in 2_u64.. {
            ticks.tick().await;
            let at = start.elapsed().as_micros();
            let signal = format!(
                r#"{{"type":"signal","id":{id},"room":"{ROOM}","kind":"at","payload":{at}}}"#
            );
            sender.write(signal).await?;
            // Its answers are to be read, too.
            sender.read_for(Duration::from_micros(1)).await;
        }
        anyhow::Ok(())
    };
    let receiving = async {
        loop {
            let text = receiver.until("\"payload\":").await?;
            let now = start.elapsed().as_micros() as u64;
            let sent = text.split_once("\"payload\":").map_or("", |(_, rest)| rest);
            let sent: String = sent.chars().take_while(char::is_ascii_digit).collect();
            let latency = now.saturating_sub(sent.parse()?);
            latencies
                .lock()
                .expect("nobody panics with it")
                .record(latency)?;
        }
    };
    tokio::select! {
        sent = sending => sent,
        received = receiving => received,
    }
}
