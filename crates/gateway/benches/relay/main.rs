//! What a signal costs: two gateways, one Redis, pairs of peers across the two. Prints CPU time for each signal, its
//! receipt included, by process; nothing is asserted.
//!
//! ```text
//! cargo bench -p switchboard-gateway --bench relay [-- --quick]
//! ```

mod bed;
mod load;

use std::time::Duration;

use bed::{Bed, Cpu};
use load::{Load, Outcome, Pace};

const PAYLOAD_BYTES: usize = 200;
const PAIRS: usize = 32;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let time = Duration::from_secs(if quick { 2 } else { 8 });
    println!(
        "cross-node relay, {PAYLOAD_BYTES} B payload, {PAIRS} pairs, receipts on, {} s each\n",
        time.as_secs()
    );
    println!(
        "{:<18}{:>10}{:>9}{:>9}{:>9}{:>9}{:>10}{:>10}",
        "load", "signals/s", "gw A", "gw B", "redis", "total", "p50", "p99"
    );
    println!(
        "{:<18}{:>10}{:>9}{:>9}{:>9}{:>9}{:>10}{:>10}",
        "", "", "µs CPU", "µs CPU", "µs CPU", "µs CPU", "ms", "ms"
    );
    let loads = [
        ("saturated", Pace::Window(64), "at most 15"),
        ("10k/s steady", Pace::PerSecond(10_000), "at most 45"),
        ("1k/s calm", Pace::PerSecond(1_000), ""),
    ];
    for (name, pace, goal) in loads {
        let bed = Bed::start().await;
        let mut load = Load::open(&bed, PAIRS, PAYLOAD_BYTES, pace).await;
        load.run(Duration::from_secs(1)).await;
        bed.reset_redis_stats();
        let before = bed.cpu();
        let outcome = load.run(time).await;
        let spent = bed.cpu() - before;
        print_row(name, &outcome, spent, goal);
        println!("{}", bed.redis_stats());
    }
}

fn print_row(name: &str, outcome: &Outcome, cpu: Cpu, goal: &str) {
    let per_signal = |cpu: Duration| cpu.as_secs_f64() * 1e6 / outcome.signals as f64;
    let rate = outcome.signals as f64 / outcome.elapsed.as_secs_f64();
    println!(
        "{name:<18}{rate:>10.0}{:>9.1}{:>9.1}{:>9.1}{:>9.1}{:>10.2}{:>10.2}   {goal}",
        per_signal(cpu.gateways[0]),
        per_signal(cpu.gateways[1]),
        per_signal(cpu.redis),
        per_signal(cpu.gateways[0] + cpu.gateways[1] + cpu.redis),
        outcome.percentile(0.5).as_secs_f64() * 1e3,
        outcome.percentile(0.99).as_secs_f64() * 1e3,
    );
}
