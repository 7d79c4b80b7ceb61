//! Reads the metrics of all gateways again and again, for the plot.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use switchboard_local::Gateway;

use crate::metrics::Reading;

/// Often enough to see the last who move.
const EVERY: Duration = Duration::from_millis(100);

/// What one gateway's metrics said, from its start to its end.
#[derive(Debug, Clone)]
pub(crate) struct Curve {
    pub(crate) name: String,
    ops: SocketAddr,
    /// Whether it has ended.
    has_ended: bool,
    /// With the time since the beginning, in seconds.
    pub(crate) readings: Vec<(f64, Reading)>,
}

/// Stops when dropped.
pub(crate) struct Watch {
    began: Instant,
    curves: Arc<Mutex<Vec<Curve>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins, with no gateways yet.
    pub(crate) fn start() -> Self {
        let curves = Arc::<Mutex<Vec<Curve>>>::default();
        let stop = Arc::<AtomicBool>::default();
        let (shared, told) = (curves.clone(), stop.clone());
        let began = Instant::now();
        let thread = thread::spawn(move || {
            while !told.load(Ordering::Relaxed) {
                read_all(&shared, began);
                thread::sleep(EVERY);
            }
        });
        Self {
            began,
            curves,
            stop,
            thread: Some(thread),
        }
    }

    /// From now on this one as well.
    pub(crate) fn add(&self, gateway: &Gateway) {
        lock(&self.curves).push(Curve {
            name: gateway.program().name().to_owned(),
            ops: gateway.ops(),
            has_ended: false,
            readings: Vec::new(),
        });
    }

    /// One that has ended, and has no sessions any more.
    pub(crate) fn ended(&self, gateway: &Gateway) {
        let mut curves = lock(&self.curves);
        let curve = curves.iter_mut().find(|it| it.ops == gateway.ops());
        let Some(curve) = curve else {
            return;
        };
        curve.has_ended = true;
        let last = curve.readings.last().map(|(_, reading)| *reading);
        let end = Reading {
            sessions: 0.0,
            remaining: 0.0,
            ..last.unwrap_or_default()
        };
        curve
            .readings
            .push((self.began.elapsed().as_secs_f64(), end));
    }

    /// Connections that the drain under way waits for.
    pub(crate) fn remaining(&self, gateway: &Gateway) -> u64 {
        let curves = lock(&self.curves);
        let curve = curves.iter().find(|curve| curve.ops == gateway.ops());
        let last = curve.and_then(|curve| curve.readings.last());
        last.map_or(0, |(_, reading)| reading.remaining as u64)
    }

    /// Ends, and gives what was read.
    pub(crate) fn end(self) -> Vec<Curve> {
        std::mem::take(&mut lock(&self.curves))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // One that panicked has said so.
            let _ = thread.join();
        }
    }
}

fn read_all(curves: &Mutex<Vec<Curve>>, began: Instant) {
    let running: Vec<_> = {
        let curves = lock(curves);
        let running = curves.iter().filter(|curve| !curve.has_ended);
        running.map(|curve| curve.ops).collect()
    };
    for ops in running {
        // One that starts or has just ended does not answer.
        let Ok(text) = Gateway::metrics(ops) else {
            continue;
        };
        let reading = (began.elapsed().as_secs_f64(), Reading::of(&text));
        let mut curves = lock(curves);
        let running = curves.iter_mut().find(|it| it.ops == ops && !it.has_ended);
        if let Some(curve) = running {
            curve.readings.push(reading);
        }
    }
}

fn lock(curves: &Mutex<Vec<Curve>>) -> MutexGuard<'_, Vec<Curve>> {
    curves.lock().expect("nobody panics with it")
}
