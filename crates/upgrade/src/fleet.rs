//! The processes: gateways in haproxy's places, around a Redis.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use switchboard_local::{Gateway, GatewayPlan, Haproxy, HaproxyPlan, Redis, Slot};
use tokio_util::sync::CancellationToken;

use crate::metrics::Reading;
use crate::plan::{Build, Plan};

/// A gateway in its place.
pub(crate) struct Member {
    pub(crate) gateway: Gateway,
    slot: String,
}

/// Everything that runs.
pub(crate) struct Fleet {
    pub(crate) members: Vec<Member>,
    haproxy: Haproxy,
    /// One more than there are gateways: a new one comes before an old one goes.
    free_slot: String,
    starter: Starter,
    redis: Redis,
}

impl Fleet {
    /// Starts everything with the first build, and waits until clients can come. Blocks.
    pub(crate) fn start(plan: &Plan, stop: &CancellationToken) -> Result<Self> {
        fs::create_dir_all(&plan.folder)
            .with_context(|| format!("cannot make the folder {}", plan.folder.display()))?;
        let folder = fs::canonicalize(&plan.folder)?;
        let redis = Redis::start(&folder)?;
        let mut starter = Starter {
            redis_url: redis.url(),
            settings: plan.drain.settings().into(),
            folder,
            started: 0,
        };
        let build = plan.builds.first().context("there is a build at least")?;
        let mut members = Vec::new();
        for number in 1..=plan.gateways {
            ensure!(!stop.is_cancelled(), "told to stop");
            let gateway = starter.start(build)?;
            let slot = place(number);
            members.push(Member { gateway, slot });
        }
        Ok(Self {
            haproxy: start_haproxy(plan, &members, &starter.folder)?,
            members,
            free_slot: place(0),
            starter,
            redis,
        })
    }

    /// Where clients connect.
    pub(crate) fn public(&self) -> SocketAddr {
        self.haproxy.public()
    }

    /// Starts a gateway more, and waits until it is ready and haproxy knows. It has no place among the members yet.
    pub(crate) fn add(&mut self, build: &Build) -> Result<Member> {
        let gateway = self.starter.start(build)?;
        let slot = self.free_slot.clone();
        self.haproxy.add(&slot, &gateway)?;
        Ok(Member { gateway, slot })
    }

    /// Puts it where the one was that has ended.
    pub(crate) fn replace(&mut self, index: usize, new: Member) -> Result<()> {
        let old = std::mem::replace(&mut self.members[index], new);
        self.haproxy.remove(&old.slot)?;
        self.free_slot = old.slot;
        Ok(())
    }

    /// Whether everything runs that should, while the gateway of this index stops and the new one comes in its place.
    ///
    /// # Errors
    ///
    /// Names one that has ended, with its last lines.
    pub(crate) fn others_must_run(&mut self, index: usize, new: &mut Member) -> Result<()> {
        let others = self.members.iter_mut().enumerate();
        let others = others.filter(|(other, _)| *other != index);
        let others = others.map(|(_, member)| member).chain([new]);
        let gateways = others.map(|member| member.gateway.program_mut());
        let rest = [self.haproxy.program_mut(), self.redis.program_mut()];
        for program in gateways.chain(rest) {
            if let Some(status) = program.ended() {
                bail!("{}", program.obituary(status));
            }
        }
        Ok(())
    }

    /// What the gateway with the most sessions has, of its share.
    pub(crate) fn fullest(&self) -> Result<f64> {
        let mut sessions = Vec::new();
        for member in &self.members {
            let metrics = Gateway::metrics(member.gateway.ops())?;
            sessions.push(Reading::of(&metrics).sessions);
        }
        let all: f64 = sessions.iter().sum();
        let most = sessions.iter().copied().fold(0.0, f64::max);
        ensure!(all > 0.0, "no gateway has a session");
        Ok(most / (all / sessions.len() as f64))
    }
}

/// haproxy's name for it.
fn place(number: usize) -> String {
    format!("place-{number}")
}

/// With the gateways in their places from its start: of those that come later it takes each for a new one, which gets its share
/// little by little, so that the clients of the beginning would be spread by the order in which they were told.
fn start_haproxy(plan: &Plan, members: &[Member], folder: &Path) -> Result<Haproxy> {
    let taken = members
        .iter()
        .map(|Member { gateway, slot }| Slot::of(slot, gateway));
    let haproxy = HaproxyPlan {
        public: None,
        balance: plan.balance,
        slowstart: Some(plan.drain.slowstart()),
        slots: taken.chain([Slot::free(place(0))]).collect(),
    };
    Haproxy::start(&haproxy, folder)
}

/// Starts gateways, one like the other.
struct Starter {
    redis_url: String,
    settings: Vec<String>,
    folder: PathBuf,
    started: usize,
}

impl Starter {
    /// Waits until it is ready.
    fn start(&mut self, build: &Build) -> Result<Gateway> {
        self.started += 1;
        let plan = GatewayPlan {
            binary: build.binary.clone(),
            name: format!("gw-{}", self.started),
            redis_url: self.redis_url.clone(),
            log_format: "json",
            settings: self.settings.clone(),
        };
        Gateway::start(&plan, &self.folder)
    }
}
