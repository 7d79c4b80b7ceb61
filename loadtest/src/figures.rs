//! What one measurement says.

use std::fmt;
use std::ops::AddAssign;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::tally::Counts;

/// What the receivers saw.
pub(crate) struct Outcome {
    pub(crate) counts: Counts,
    /// Microseconds.
    latency: Histogram<u64>,
    /// From the start to the last arrival.
    elapsed: Duration,
}

/// One measurement.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    pub(crate) signals_per_second: f64,
    /// CPU microseconds for each signal that arrived: the first server, the second one, Redis.
    pub(crate) cpu: [f64; 3],
    /// Milliseconds.
    pub(crate) p50: f64,
    /// Milliseconds.
    pub(crate) p99: f64,
    pub(crate) counts: Counts,
}

impl Default for Outcome {
    fn default() -> Self {
        Self {
            counts: Counts::default(),
            latency: Histogram::new(3).expect("three digits are a valid precision"),
            elapsed: Duration::ZERO,
        }
    }
}

impl Outcome {
    /// Takes note of an arrival, so long after the start.
    pub(crate) fn arrived(&mut self, elapsed: Duration, latency: Duration) {
        self.elapsed = elapsed;
        self.latency
            .record(latency.as_micros() as u64)
            .expect("the histogram grows by itself");
    }

    fn milliseconds(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1000.0
    }
}

impl AddAssign for Outcome {
    fn add_assign(&mut self, other: Self) {
        self.counts += other.counts;
        self.latency += other.latency;
        self.elapsed = self.elapsed.max(other.elapsed);
    }
}

impl Figures {
    pub(crate) fn new(outcome: &Outcome, spent: [Duration; 3]) -> Self {
        let arrived = outcome.counts.arrived as f64;
        Self {
            signals_per_second: arrived / outcome.elapsed.as_secs_f64(),
            cpu: spent.map(|cpu| cpu.as_secs_f64() * 1e6 / arrived),
            p50: outcome.milliseconds(0.5),
            p99: outcome.milliseconds(0.99),
            counts: outcome.counts,
        }
    }

    /// Of all processes together.
    pub(crate) fn cpu_total(&self) -> f64 {
        self.cpu.iter().sum()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.1} µs a signal, {:.0} signals/s, p50 {:.2} ms, {} out of order, {} lost",
            self.cpu_total(),
            self.signals_per_second,
            self.p50,
            self.counts.out_of_order,
            self.counts.lost
        )
    }
}
