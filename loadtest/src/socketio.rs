//! Socket.IO: two Node servers as a tutorial has them beside two gateways, under the same clients.

mod packet;
mod pair;
mod peers;
mod signal;
mod socket;

use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::bed::{Bed, Kind};
use crate::figures::Figures;
use crate::node_server::NodeServer;
use crate::pace::Pace;
use crate::prepare;
use crate::report::{Report, Row};
use peers::Peers;

const EXAMPLES: &str = "\
Examples:
  cargo run --release -p switchboard-loadtest -- socketio
      both, at 1,000 and 5,000 signals a second and saturated; about six minutes
  cargo run --release -p switchboard-loadtest -- socketio --quick
      does it work? The figures of so short a run are rough
  cargo run --release -p switchboard-loadtest -- socketio --only node --rate 2000
      the Node servers alone, at another rate and saturated

Needs redis-server, node and npm. Of each pair of peers the sender is on one server, the receiver on the other:
five ICE candidates of some 200 B, then one offer of 2.5 KB. CPU is the user and system time of each server's
process and of Redis. The two take turns under each load, and a ratio is Switchboard's figure divided by
that of the Node servers in the same round: the machine's moods fall out of it. Absolute rates and latencies
do not transfer to other machines: the load is made on the same one.";

/// Before each measurement, at its own pace: code is compiled, buffers and windows are filled.
const WARM_UP: Duration = Duration::from_secs(1);

/// Measure what a signal of a Socket.IO client costs.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Two rounds of two seconds, unless said otherwise.
    #[arg(long)]
    quick: bool,
    /// Only these servers.
    #[arg(long, value_enum, value_name = "SERVERS")]
    only: Option<Kind>,
    /// Signals a second, all pairs together; may be given several times. Default: 1000 and 5000.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Vec<u32>,
    /// Pairs of peers.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=4000))]
    pairs: u16,
    /// Signals that each pair keeps on their way where it is saturated.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=512))]
    window: u32,
    /// How often each is measured under each load. Default: 5.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// How long each measurement takes. At most 30: meanwhile the other servers' peers answer no ping. Default: 8.
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(1..=30))]
    seconds: Option<u32>,
}

/// Starts what is measured, lets it take turns, and prints the table.
pub(crate) async fn measure(options: &Options) -> Result<()> {
    let mut subjects = Vec::new();
    for kind in options.kinds() {
        let subject = Subject::start(kind, options.pairs).await;
        subjects.push(subject.with_context(|| kind.to_string())?);
    }
    let (paces, rounds) = (options.paces(), options.rounds());
    let bar = progress_bar(paces.len() * subjects.len() * rounds as usize)?;
    let mut rows = Vec::new();
    for pace in paces {
        let mut figures = vec![Vec::new(); subjects.len()];
        for round in 1..=rounds {
            for (subject, figures) in subjects.iter_mut().zip(&mut figures) {
                let kind = subject.kind;
                bar.set_message(format!("{pace}, round {round} of {rounds}, {kind}"));
                let measured = subject.measure(pace, options.time()).await;
                let measured = measured.with_context(|| format!("{kind} at {pace}"))?;
                bar.suspend(|| eprintln!("{pace}, round {round}, {kind}: {measured}"));
                bar.inc(1);
                figures.push(measured);
            }
        }
        let figures = subjects.iter().map(|subject| subject.kind).zip(figures);
        rows.push(Row {
            pace,
            figures: figures.collect(),
        });
    }
    bar.finish_and_clear();
    println!("{}", Report(&rows));
    Ok(())
}

impl Options {
    fn kinds(&self) -> Vec<Kind> {
        self.only
            .map_or_else(|| vec![Kind::Node, Kind::Switchboard], |kind| vec![kind])
    }

    fn paces(&self) -> Vec<Pace> {
        let rates = match &self.rate[..] {
            [] => &[1000, 5000],
            rates => rates,
        };
        let steady = rates.iter().copied().map(Pace::PerSecond);
        steady.chain([Pace::Window(self.window)]).collect()
    }

    fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(if self.quick { 2 } else { 5 })
    }

    fn time(&self) -> Duration {
        let seconds = self.seconds.unwrap_or(if self.quick { 2 } else { 8 });
        Duration::from_secs(seconds.into())
    }
}

/// What is measured, and its clients.
struct Subject {
    kind: Kind,
    bed: Bed,
    peers: Peers,
}

impl Subject {
    async fn start(kind: Kind, pairs: u16) -> Result<Self> {
        let bed = match kind {
            Kind::Node => {
                prepare::npm_packages(NodeServer::folder())?;
                Bed::of_node()?
            }
            Kind::Switchboard => Bed::of_switchboard(&prepare::gateway()?),
        };
        let peers = Peers::open(bed.addresses(), pairs.into()).await?;
        Ok(Self { kind, bed, peers })
    }

    async fn measure(&mut self, pace: Pace, time: Duration) -> Result<Figures> {
        self.peers.run(pace, WARM_UP).await?;
        let before = self.bed.cpu();
        let outcome = self.peers.run(pace, time).await?;
        let after = self.bed.cpu();
        let spent = [0, 1, 2].map(|process| after[process] - before[process]);
        Ok(Figures::new(&outcome, spent))
    }
}

fn progress_bar(runs: usize) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template("[{elapsed_precise}] {wide_bar} {pos}/{len}  {msg}")?;
    Ok(ProgressBar::new(runs as u64).with_style(style))
}
