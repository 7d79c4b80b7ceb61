//! Everything that runs, started in order.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::Result;
use switchboard_local::{
    Gateway, GatewayPlan, Haproxy, HaproxyPlan, Program, Prometheus, Redis, Slot,
};

use crate::Cli;
use crate::folder::Folder;

/// The addresses of clients come from haproxy.
const TRUSTED: &str = "proxy.trusted=127.0.0.1";

/// Everything that runs.
pub(crate) struct Cluster {
    pub(crate) gateways: Vec<Gateway>,
    haproxy: Haproxy,
    prometheus: Prometheus,
    redis: Redis,
    folder: Folder,
    /// Process ids of programs whose end was reported.
    told: Vec<u32>,
}

impl Cluster {
    /// Starts everything, and waits until clients can come. `None` if it was told to stop before that.
    pub(crate) fn start(
        cli: &Cli,
        binary: &Path,
        mut is_told_to_stop: impl FnMut() -> bool,
    ) -> Result<Option<Self>> {
        let held = Folder::take(&cli.folder)?;
        let folder = held.path();
        println!(
            "starting Redis, {} gateways, haproxy and Prometheus",
            cli.gateways
        );
        println!(
            "(the first gateway makes sure for four seconds that a fresh Redis is no forgetful one)"
        );
        let redis = Redis::start(folder)?;
        let mut gateways = Vec::new();
        for number in 1..=cli.gateways {
            let plan = GatewayPlan {
                binary: binary.into(),
                name: format!("gw-{number}"),
                redis_url: redis.url(),
                log_format: "pretty",
                settings: [TRUSTED.into()]
                    .into_iter()
                    .chain(cli.set.clone())
                    .collect(),
            };
            gateways.push(Gateway::start(&plan, folder)?);
            if is_told_to_stop() {
                return Ok(None);
            }
        }
        let haproxy = start_haproxy(cli, &gateways, folder)?;
        let targets: Vec<_> = gateways.iter().map(Gateway::ops).collect();
        let prometheus = Prometheus::start(&targets, folder)?;
        Ok(Some(Self {
            gateways,
            haproxy,
            prometheus,
            redis,
            folder: held,
            told: Vec::new(),
        }))
    }

    /// Reports each program that has ended, once, with the reason. The others continue to run, for people to watch.
    pub(crate) fn tell_who_ended(&mut self) {
        let mut told = std::mem::take(&mut self.told);
        for program in self.programs() {
            let pid = program.pid();
            if !told.contains(&pid)
                && let Some(status) = program.ended()
            {
                eprintln!("\n{}", program.obituary(status));
                told.push(pid);
            }
        }
        self.told = told;
    }

    /// All of them, the gateways first.
    pub(crate) fn programs(&mut self) -> impl Iterator<Item = &mut Program> {
        let gateways = self.gateways.iter_mut().map(Gateway::program_mut);
        let others = [
            self.haproxy.program_mut(),
            self.prometheus.program_mut(),
            self.redis.program_mut(),
        ];
        gateways.chain(others)
    }
}

/// Where everything is, for people.
impl fmt::Display for Cluster {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let public = self.haproxy.public();
        writeln!(out, "\npage        http://{public}/#kitchen (in two tabs)")?;
        writeln!(out, "clients     ws://{public}/v1/connect")?;
        for gateway in &self.gateways {
            let (name, pid) = (gateway.program().name(), gateway.program().pid());
            let (listen, ops) = (gateway.listen(), gateway.ops());
            writeln!(
                out,
                "{name:<12}http://{listen}  ops http://{ops}/metrics  pid {pid}"
            )?;
        }
        writeln!(out, "redis       {}", self.redis.url())?;
        writeln!(
            out,
            "haproxy     http://{} (who has how many)",
            self.haproxy.stats()
        )?;
        writeln!(
            out,
            "prometheus  http://{} (with the alerts)",
            self.prometheus.address()
        )?;
        writeln!(out, "logs        {}/*.log", self.folder.path().display())?;
        writeln!(
            out,
            "\nSend a gateway SIGTERM (kill <pid>) to see it drain. Ctrl-C stops everything."
        )
    }
}

fn start_haproxy(cli: &Cli, gateways: &[Gateway], folder: &Path) -> Result<Haproxy> {
    let slot = |gateway: &Gateway| Slot::of(gateway.program().name(), gateway);
    let plan = HaproxyPlan {
        public: cli
            .port
            .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        balance: cli.balance,
        slowstart: None,
        slots: gateways.iter().map(slot).collect(),
    };
    Haproxy::start(&plan, folder)
}
