//! Socket.IO: two Node servers as a tutorial has them beside two gateways, under the same clients.

pub(crate) mod packet;
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

Needs redis-server, node and npm. Of each pair of peers the sender is on one server, the receiver on
the other: five ICE candidates of some 200 B, then one offer of 2.5 KB. CPU is the user and system
time of each server's process and of Redis, for each signal that arrived.

The two take turns under each load. A ratio is Switchboard's figure divided by that of the Node
servers in the same round, so that the machine's moods fall out of it. Absolute rates and latencies
do not transfer to other machines: what makes the load shares the processors with the servers.";

/// At first, saturated: Node compiles what is called often, and takes seconds for it at a calm pace.
const FIRST_WARM_UP: Duration = Duration::from_secs(4);
/// Before each measurement, at its own pace: buffers and windows are filled.
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
    /// How long each measurement takes. At most 20: the other servers' peers answer no ping meanwhile. Default: 8.
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(1..=20))]
    seconds: Option<u32>,
}

/// Starts what is measured, lets it take turns, and prints the table.
pub(crate) async fn measure(options: &Options) -> Result<()> {
    let mut beds = Vec::new();
    for kind in options.kinds() {
        beds.push((kind, start(kind).with_context(|| kind.to_string())?));
    }
    // Only now: a build takes longer than servers wait for an answer to a ping.
    let mut subjects = Vec::new();
    for (kind, bed) in beds {
        let subject = Subject::open(kind, bed, options).await;
        subjects.push(subject.with_context(|| kind.to_string())?);
    }
    let paces = options.paces();
    let bar = progress_bar(paces.len() * subjects.len() * options.rounds() as usize)?;
    let mut rows = Vec::new();
    for pace in paces {
        rows.push(take_turns(&mut subjects, pace, options, &bar).await?);
    }
    bar.finish_and_clear();
    println!("{}", Report(&rows));
    Ok(())
}

/// All rounds under one load. Who comes first changes from round to round: what drifts favours neither.
async fn take_turns(
    subjects: &mut [Subject],
    pace: Pace,
    options: &Options,
    bar: &ProgressBar,
) -> Result<Row> {
    let mut figures: Vec<_> = subjects.iter().map(|it| (it.kind, Vec::new())).collect();
    for round in 1..=options.rounds() {
        let mut turns: Vec<_> = subjects.iter_mut().zip(&mut figures).collect();
        if round % 2 == 0 {
            turns.reverse();
        }
        for (subject, (kind, figures)) in turns {
            bar.set_message(format!("{pace}, round {round}, {kind}"));
            let measured = subject.measure(pace, options.time()).await;
            let measured = measured.with_context(|| format!("{kind} at {pace}"))?;
            bar.suspend(|| eprintln!("{pace}, round {round}, {kind}: {measured}"));
            bar.inc(1);
            figures.push(measured);
        }
    }
    Ok(Row { pace, figures })
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

/// The servers, built first if need be.
fn start(kind: Kind) -> Result<Bed> {
    match kind {
        Kind::Node => {
            prepare::npm_packages(NodeServer::folder())?;
            Bed::of_node()
        }
        Kind::Switchboard => Ok(Bed::of_switchboard(&prepare::gateway()?)),
    }
}

/// What is measured, and its clients.
struct Subject {
    kind: Kind,
    bed: Bed,
    peers: Peers,
}

impl Subject {
    async fn open(kind: Kind, bed: Bed, options: &Options) -> Result<Self> {
        let mut peers = Peers::open(bed.addresses(), options.pairs.into()).await?;
        let saturated = Pace::Window(options.window);
        peers.run(saturated, FIRST_WARM_UP).await?;
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
