//! Clients that cost everybody: what a few of them make a gateway write, compute and keep.

mod chat;
mod client;
mod joins;
mod lists;
mod probe;
mod watched;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use comfy_table::{Table, presets};

use crate::prepare;

const EXAMPLES: &str = "\
Examples:
  cargo run --release -p switchboard-loadtest -- abuse
      all of them, about a minute after a release build
  cargo run --release -p switchboard-loadtest -- abuse --only joins
      one of them
  cargo run --release -p switchboard-loadtest -- abuse --binary ./switchboard-0.1
      another build of the gateway

Needs redis-server. `in` and `out` are what the abusing clients, and those who share a room with them, write
and read; CPU and resident memory are the gateways'. `from Redis` is what Redis wrote. p99 is that of
signals between two other clients, before and meanwhile.";

/// Measure what abusive clients cost.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Only this one.
    #[arg(long, value_enum, value_name = "ABUSE")]
    only: Option<Abuse>,
    /// The gateway's program, where it is not to be built.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// Ways to cost others much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Abuse {
    /// 100 clients of the MDN chat, each of which takes 100 names
    Chat,
    /// STOMP subscriptions to the members of a room of 100; three who do so do not read
    Lists,
    /// 5 clients who join and leave a room of 150 with the largest profiles, for 5 seconds
    Joins,
}

/// What it came to.
#[derive(Default)]
struct Figures {
    bytes_in: u64,
    bytes_out: u64,
    cpu_seconds: f64,
    resident_bytes: u64,
    from_redis: Option<u64>,
    p99_ms: Option<[f64; 2]>,
    remarks: String,
}

pub(crate) async fn measure(options: &Options) -> Result<()> {
    let binary = match &options.binary {
        Some(binary) => binary.clone(),
        None => prepare::gateway()?,
    };
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(HEAD);
    for abuse in Abuse::value_variants() {
        if options.only.is_some_and(|only| only != *abuse) {
            continue;
        }
        let figures = match abuse {
            Abuse::Chat => chat::measure(&binary).await?,
            Abuse::Lists => lists::measure(&binary).await?,
            Abuse::Joins => joins::measure(&binary).await?,
        };
        table.add_row(row(*abuse, &figures));
    }
    println!("{table}");
    Ok(())
}

const HEAD: [&str; 8] = [
    "abuse",
    "in, MB",
    "out, MB",
    "CPU, s",
    "resident, MB more",
    "from Redis, MB",
    "p99, ms",
    "",
];

fn row(abuse: Abuse, figures: &Figures) -> [String; HEAD.len()] {
    let megabytes = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
    let [before, meanwhile] = figures.p99_ms.unwrap_or_default();
    [
        format!("{abuse:?}").to_lowercase(),
        megabytes(figures.bytes_in),
        megabytes(figures.bytes_out),
        format!("{:.1}", figures.cpu_seconds),
        megabytes(figures.resident_bytes),
        figures.from_redis.map(megabytes).unwrap_or_default(),
        match figures.p99_ms {
            Some(_) => format!("{before:.1} → {meanwhile:.1}"),
            None => String::new(),
        },
        figures.remarks.clone(),
    ]
}
