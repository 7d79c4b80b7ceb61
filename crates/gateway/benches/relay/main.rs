//! What a signal costs: two gateways, one Redis, pairs of peers across the two. Prints CPU time for each signal, its
//! receipt included, by process; nothing is asserted.
//!
//! ```text
//! cargo bench -p switchboard-gateway --bench relay [-- [--quick] [--beside path/to/another/switchboard | --traced 0.01,1]]
//! ```

mod bed;
mod load;
mod otlp;

use std::path::{Path, PathBuf};
use std::time::Duration;

use bed::{Bed, Cpu};
use clap::Parser;
use load::{Load, Outcome, Pace};

const PAYLOAD_BYTES: usize = 200;
const PAIRS: usize = 32;

/// What a signal costs, by load.
#[derive(Parser)]
struct Options {
    /// Two seconds for each load instead of eight.
    #[arg(long)]
    quick: bool,
    /// Another build of the gateway: both are measured in turn, and compared.
    #[arg(long, value_name = "SWITCHBOARD")]
    beside: Option<PathBuf>,
    /// Shares of signals that are traced: each is measured in turn with a gateway that traces nothing, and compared.
    #[arg(
        long,
        value_name = "RATIO",
        value_delimiter = ',',
        conflicts_with = "beside"
    )]
    traced: Vec<f64>,
    /// How often each is measured, where there are several.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let options = Options::parse();
    let time = Duration::from_secs(if options.quick { 2 } else { 8 });
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
    let this = Path::new(env!("CARGO_BIN_EXE_switchboard"));
    let (baseline, variants) = variants(&options, this).await;
    for (name, pace, goal) in loads {
        if variants.is_empty() {
            measure(&baseline, (name, pace, goal), time).await;
            continue;
        }
        let mut ratios: Vec<_> = variants.iter().map(|_| Vec::new()).collect();
        for _ in 0..options.rounds {
            let beside = measure(&baseline, (name, pace, &baseline.name), time).await;
            for (variant, ratios) in variants.iter().zip(&mut ratios) {
                ratios.push(measure(variant, (name, pace, &variant.name), time).await / beside);
            }
        }
        for (variant, ratios) in variants.iter().zip(ratios) {
            print_ratios(name, (&variant.name, &baseline.name), ratios);
        }
    }
}

/// A gateway to measure.
struct Variant {
    name: String,
    switchboard: PathBuf,
    settings: Vec<String>,
}

/// What is measured first, and what is compared with it.
async fn variants(options: &Options, this: &Path) -> (Variant, Vec<Variant>) {
    let variant = |name: &str, switchboard: &Path| Variant {
        name: name.into(),
        switchboard: switchboard.into(),
        settings: Vec::new(),
    };
    if let Some(other) = &options.beside {
        return (variant("the other", other), vec![variant("this", this)]);
    }
    if options.traced.is_empty() {
        return (variant("this", this), Vec::new());
    }
    let receiver = otlp::receiver().await;
    let traced = options.traced.iter().map(|ratio| Variant {
        settings: vec![
            format!("otlp.endpoint=http://{receiver}"),
            format!("otlp.sample_ratio={ratio}"),
        ],
        ..variant(&format!("traced {ratio}"), this)
    });
    (variant("not traced", this), traced.collect())
}

/// The CPU time of one signal, in µs, everywhere.
async fn measure(variant: &Variant, (name, pace, note): (&str, Pace, &str), time: Duration) -> f64 {
    let bed = Bed::start(&variant.switchboard, &variant.settings).await;
    let mut load = Load::open(&bed, PAIRS, PAYLOAD_BYTES, pace).await;
    load.run(Duration::from_secs(1)).await;
    bed.reset_redis_stats();
    let before = bed.cpu();
    let outcome = load.run(time).await;
    let spent = bed.cpu() - before;
    let total = print_row(name, &outcome, spent, note);
    println!("{}", bed.redis_stats());
    total
}

fn print_row(name: &str, outcome: &Outcome, cpu: Cpu, note: &str) -> f64 {
    let per_signal = |cpu: Duration| cpu.as_secs_f64() * 1e6 / outcome.signals as f64;
    let rate = outcome.signals as f64 / outcome.elapsed.as_secs_f64();
    let total = per_signal(cpu.gateways[0] + cpu.gateways[1] + cpu.redis);
    println!(
        "{name:<18}{rate:>10.0}{:>9.1}{:>9.1}{:>9.1}{total:>9.1}{:>10.2}{:>10.2}   {note}",
        per_signal(cpu.gateways[0]),
        per_signal(cpu.gateways[1]),
        per_signal(cpu.redis),
        outcome.percentile(0.5).as_secs_f64() * 1e3,
        outcome.percentile(0.99).as_secs_f64() * 1e3,
    );
    total
}

fn print_ratios(name: &str, (variant, baseline): (&str, &str), mut ratios: Vec<f64>) {
    ratios.sort_by(f64::total_cmp);
    if let (Some(least), Some(most)) = (ratios.first(), ratios.last()) {
        let median = ratios[ratios.len() / 2];
        println!(
            "{name:<18}CPU, {variant} beside {baseline}: {median:.2} ({least:.2}–{most:.2})\n"
        );
    }
}
