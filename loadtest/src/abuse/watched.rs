//! Gateways under abuse, and what they have used since it began.

use std::fs;
use std::time::Duration;

use switchboard_testkit::{GatewayProcess, cpu_time};
use tokio::time::{Instant, sleep};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// Gateways and how they were.
pub(super) struct Watched<'g> {
    gateways: Vec<&'g GatewayProcess>,
    cpu: Duration,
    resident: u64,
    most: u64,
}

impl<'g> Watched<'g> {
    pub(super) fn new(gateways: Vec<&'g GatewayProcess>) -> Self {
        let mut watched = Self {
            gateways,
            cpu: Duration::ZERO,
            resident: 0,
            most: 0,
        };
        watched.cpu = watched.cpu();
        watched.resident = watched.resident();
        watched
    }

    /// Watches until so long after `begun`: memory that was given back by then counts, too.
    pub(super) async fn watch(&mut self, begun: Instant, time: Duration) {
        while begun.elapsed() < time {
            sleep(LOOK).await;
            self.most = self.most.max(self.resident());
        }
    }

    /// Since it began.
    pub(super) fn cpu_seconds(&self) -> f64 {
        (self.cpu() - self.cpu).as_secs_f64()
    }

    /// At most, beyond what there was before.
    pub(super) fn resident_more(&self) -> u64 {
        self.most.saturating_sub(self.resident)
    }

    /// So many clients were closed for not reading.
    pub(super) fn slow_ones(&self) -> f64 {
        let closed = self.gateways.iter();
        let closed =
            closed.map(|gateway| gateway.metric("switchboard_closes_total{code=\"4413\"}"));
        closed.sum()
    }

    fn cpu(&self) -> Duration {
        self.gateways
            .iter()
            .map(|gateway| cpu_time(gateway.pid()))
            .sum()
    }

    fn resident(&self) -> u64 {
        self.gateways
            .iter()
            .map(|gateway| resident_bytes(gateway.pid()))
            .sum()
    }
}

fn resident_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
