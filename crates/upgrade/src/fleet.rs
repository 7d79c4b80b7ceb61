//! The processes: gateways in haproxy's places, around a Redis.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use switchboard_local::{Gateway, GatewayPlan, Haproxy, HaproxyPlan, Redis, Slot};

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
    redis: Redis,
    /// One more than there are gateways: a new one comes before an old one goes.
    free_slot: String,
    settings: Vec<String>,
    folder: PathBuf,
    started: usize,
}

impl Fleet {
    /// Starts everything with the first build, and waits until clients can come. Blocks.
    pub(crate) fn start(plan: &Plan) -> Result<Self> {
        fs::create_dir_all(&plan.folder)
            .with_context(|| format!("cannot make the folder {}", plan.folder.display()))?;
        let folder = fs::canonicalize(&plan.folder)?;
        let redis = Redis::start(&folder)?;
        let slots = (0..=plan.gateways).map(|number| Slot {
            name: format!("place-{number}"),
            gateway: None,
        });
        let slots: Vec<_> = slots.collect();
        let mut names = slots.iter().map(|slot| slot.name.clone());
        let free_slot = names.next().context("there is a place at least")?;
        let haproxy = HaproxyPlan {
            public: None,
            balance: plan.balance,
            slowstart: Some(plan.drain.slowstart()),
            slots: slots.clone(),
        };
        let haproxy = Haproxy::start(&haproxy, &folder)?;
        let mut fleet = Self {
            members: Vec::new(),
            haproxy,
            redis,
            free_slot,
            settings: plan.drain.settings().into(),
            folder,
            started: 0,
        };
        let build = plan.builds.first().context("there is a build at least")?;
        for slot in names {
            let gateway = fleet.start_gateway(build)?;
            fleet.haproxy.add(&slot, &gateway)?;
            fleet.members.push(Member { gateway, slot });
        }
        Ok(fleet)
    }

    /// Where clients connect.
    pub(crate) fn public(&self) -> SocketAddr {
        self.haproxy.public()
    }

    /// Starts a gateway more, and waits until it is ready and haproxy knows. It has no place among the members yet.
    pub(crate) fn add(&mut self, build: &Build) -> Result<Member> {
        let gateway = self.start_gateway(build)?;
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

    fn start_gateway(&mut self, build: &Build) -> Result<Gateway> {
        self.started += 1;
        let plan = GatewayPlan {
            binary: build.binary.clone(),
            name: format!("gw-{}", self.started),
            redis_url: self.redis.url(),
            log_format: "json",
            settings: self.settings.clone(),
        };
        let mut gateway = Gateway::start(&plan, &self.folder)?;
        gateway.wait_until_ready()?;
        Ok(gateway)
    }
}
