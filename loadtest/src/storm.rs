//! A node is lost, and all its clients come to the other one in the same moments.
//!
//! They are honest clients: they come back when those of their kind do, and take the first answer that lets them in. What is
//! shown is how long that takes, how often they were turned away, and that the node did not take them for a flood.

mod http;
mod native;
mod socketio;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use hdrhistogram::Histogram;
use switchboard_testkit::{GatewayProcess, RedisServer, cpu_time};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::prepare;

const EXAMPLES: &str = "\
Examples:
  cargo run --release -p switchboard-loadtest -- storm socketio
      5,000 Socket.IO clients with default transports: long polling first, then a WebSocket
  cargo run --release -p switchboard-loadtest -- storm native
      10,000 native clients, which resume their sessions
  cargo run --release -p switchboard-loadtest -- storm native --clients 2000 --within 60

Needs redis-server, and files: three for each Socket.IO client, one for each native one, here and in the
node. All clients have one address. Fails where one of them is not back in time.";

/// So many come at once while the stage is set.
const AT_ONCE: usize = 200;

/// Kill a node and see its clients come to the other one.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// What the clients speak.
    #[arg(value_enum)]
    kind: Kind,
    /// How many. Default: 5000 of Socket.IO, 10000 native.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=18_000))]
    clients: Option<u16>,
    /// All are to be back by then.
    #[arg(long, value_name = "S", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=600))]
    within: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Socketio,
    Native,
}

/// What every client knows.
struct Stage {
    nodes: [SocketAddr; 2],
    /// The first node is killed: the moment of that.
    killed: watch::Receiver<Option<Instant>>,
    /// Connections that were tried since.
    tries: AtomicU64,
    /// Why they came to nothing, and how often.
    failed: Mutex<BTreeMap<String, u64>>,
    back: mpsc::UnboundedSender<Back>,
}

/// A client is back.
struct Back {
    after: Duration,
    /// It has the session that it had.
    resumed: bool,
}

impl Stage {
    /// Notes that a client tries to come back.
    fn tries(&self) {
        self.tries.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that nothing came of it.
    fn failed(&self, why: &impl fmt::Display) {
        let mut failed = self.failed.lock().expect("nobody panics with it");
        *failed.entry(why.to_string()).or_default() += 1;
    }

    /// Notes that a client is back, and keeps it there: until the end nobody closes it.
    fn is_back(&self, resumed: bool) {
        let killed = *self.killed.borrow();
        let after = killed.map_or(Duration::ZERO, |killed| killed.elapsed());
        // Nobody counts any more where the time is up.
        let _ = self.back.send(Back { after, resumed });
    }
}

/// Sets the stage, kills the node, and prints how all came back.
pub(crate) async fn measure(options: &Options) -> Result<()> {
    let clients = options.clients();
    let redis = RedisServer::start();
    let binary = prepare::gateway()?;
    let url = format!("redis.url={}", redis.url());
    let settings = [
        &*url,
        "log.filter=warn,switchboard_gateway::serve=info",
        // All clients are on this machine.
        "limits.sessions_per_address=0",
    ];
    let start = || GatewayProcess::start_ready(&binary, &settings);
    let (mut first, second) = (start(), start());

    let (killed, is_killed) = watch::channel(None);
    let (back, mut backs) = mpsc::unbounded_channel();
    let stage = Arc::new(Stage {
        nodes: [first.address(), second.address()],
        killed: is_killed,
        tries: AtomicU64::new(0),
        failed: Mutex::default(),
        back,
    });
    let mut running = JoinSet::new();
    let began = Instant::now();
    for batch in 0..clients.div_ceil(AT_ONCE) {
        let batch = batch * AT_ONCE..clients.min((batch + 1) * AT_ONCE);
        come(options.kind, batch, &stage, &mut running).await?;
    }
    eprintln!(
        "{clients} clients are at the first node after {:.1?}",
        began.elapsed()
    );

    let cpu = cpu_time(second.pid());
    killed.send_replace(Some(Instant::now()));
    first.kill();
    let mut report = Report::new(options.kind, clients);
    let all = async {
        while report.back() < clients as u64 {
            let back = backs.recv().await.context("all clients are gone")?;
            report.enter(&back);
        }
        anyhow::Ok(())
    };
    let in_time = timeout(Duration::from_secs(options.within), all).await;
    report.cpu = cpu_time(second.pid()) - cpu;
    report.tries = stage.tries.load(Ordering::Relaxed);
    report.shed = shed(&second);
    report.live = second.metric(&format!(
        "switchboard_sessions{{dialect=\"{}\",state=\"live\"}}",
        options.kind.dialect()
    ));
    println!("{report}");
    for (why, times) in stage.failed.lock().expect("nobody panics with it").iter() {
        println!("{times} tries: {why}");
    }
    running.abort_all();
    in_time.context("not all came back in time")??;
    ensure!(report.live >= clients as f64, "some are gone again");
    Ok(())
}

/// Connections that the node cut off, for whichever reason.
fn shed(node: &GatewayProcess) -> f64 {
    let metric = |reason| format!("switchboard_connections_shed_total{{reason=\"{reason}\"}}");
    let reasons = ["no-hello", "http", "open-files"];
    reasons
        .map(|reason| node.metric(&metric(reason)))
        .iter()
        .sum()
}

/// Brings these clients to the first node; they go on as tasks of their own.
async fn come(
    kind: Kind,
    batch: std::ops::Range<usize>,
    stage: &Arc<Stage>,
    running: &mut JoinSet<()>,
) -> Result<()> {
    let mut coming = JoinSet::new();
    for number in batch {
        let stage = stage.clone();
        match kind {
            Kind::Socketio => coming.spawn(async move {
                let client = socketio::Client::open(stage, number).await?;
                Ok(Come::SocketIo(Box::new(client)))
            }),
            Kind::Native => coming.spawn(async move {
                let client = native::Client::open(stage).await?;
                Ok(Come::Native(Box::new(client)))
            }),
        };
    }
    while let Some(client) = coming.join_next().await {
        let client: Result<Come> = client.context("a client failed")?;
        match client.context("a client cannot come")? {
            Come::SocketIo(client) => running.spawn(client.run()),
            Come::Native(client) => running.spawn(client.run()),
        };
    }
    Ok(())
}

enum Come {
    SocketIo(Box<socketio::Client>),
    Native(Box<native::Client>),
}

impl Options {
    fn clients(&self) -> usize {
        let default = match self.kind {
            Kind::Socketio => 5000,
            Kind::Native => 10_000,
        };
        self.clients.unwrap_or(default).into()
    }
}

impl Kind {
    fn dialect(self) -> &'static str {
        match self {
            Self::Socketio => "socketio",
            Self::Native => "native",
        }
    }
}

struct Report {
    kind: Kind,
    clients: usize,
    /// Milliseconds from the kill.
    after: Histogram<u64>,
    resumed: u64,
    tries: u64,
    cpu: Duration,
    shed: f64,
    live: f64,
}

impl Report {
    fn new(kind: Kind, clients: usize) -> Self {
        Self {
            kind,
            clients,
            after: Histogram::new_with_max(3_600_000, 3).expect("an hour at three digits"),
            resumed: 0,
            tries: 0,
            cpu: Duration::ZERO,
            shed: 0.0,
            live: 0.0,
        }
    }

    fn enter(&mut self, back: &Back) {
        let millis = u64::try_from(back.after.as_millis()).unwrap_or(u64::MAX);
        self.after.saturating_record(millis);
        self.resumed += u64::from(back.resumed);
    }

    fn back(&self) -> u64 {
        self.after.len()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |quantile| self.after.value_at_quantile(quantile) as f64 / 1000.0;
        writeln!(
            f,
            "| clients | back | resumed | p50, s | p99, s | all, s | tries | cut off or shed | CPU of the node, s |"
        )?;
        writeln!(f, "| --- | --- | --- | --- | --- | --- | --- | --- | --- |")?;
        write!(
            f,
            "| {} {} | {} | {} | {:.1} | {:.1} | {:.1} | {} | {} | {:.1} |",
            self.clients,
            self.kind.dialect(),
            self.back(),
            self.resumed,
            seconds(0.5),
            seconds(0.99),
            seconds(1.0),
            self.tries,
            self.shed,
            self.cpu.as_secs_f64(),
        )
    }
}
