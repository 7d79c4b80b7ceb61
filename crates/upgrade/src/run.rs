//! One cluster, upgraded from build to build under traffic.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use indicatif::ProgressBar;
use switchboard_local::Balance;
use switchboard_traffic::Account;
use tokio::task::block_in_place;
use tokio_util::sync::CancellationToken;

use crate::browsers::{Browsers, Person};
use crate::clients;
use crate::fleet::Fleet;
use crate::plan::{Build, Plan};
use crate::turns::Turns;
use crate::watch::{Curve, Watch};

/// One upgrade, as its clients saw it.
#[derive(Debug)]
pub struct Upgrade {
    /// The build before.
    pub from: String,
    /// The build after.
    pub to: String,
    /// How haproxy chose.
    pub balance: Balance,
    /// How many gateways were replaced.
    pub gateways: usize,
    /// What became of the signals, and how often clients moved.
    pub account: Account,
    /// The longest time between two signals of one stream before, while nothing happened: what this machine makes of it.
    pub calm_gap: Duration,
    /// The same while gateways were replaced.
    pub gap: Duration,
    /// What the fullest gateway had of its share after one was replaced, at most.
    pub fullest: f64,
    /// The two in a call, if there were any.
    pub people: Vec<Person>,
    /// From the first new gateway to the end of the last old one.
    pub took: Duration,
    pub(crate) curves: Vec<Curve>,
}

impl Upgrade {
    /// How gateways were chosen, and from which build to which, where they are two.
    pub fn title(&self) -> String {
        let balance = self.balance.name();
        if self.from == self.to {
            balance.to_owned()
        } else {
            format!("{balance}, {} to {}", self.from, self.to)
        }
    }
}

/// Starts a cluster, and upgrades it to each further build in turn. Needs a runtime of several threads. `progress` goes on by
/// one with each gateway that is replaced. Once `stop` is cancelled it ends soon, with an error.
///
/// # Errors
///
/// A process did not do what it should. What clients should not have seen is no error here: see
/// [`complaints`](crate::complaints).
pub async fn run(
    plan: &Plan,
    progress: &ProgressBar,
    stop: &CancellationToken,
) -> Result<Vec<Upgrade>> {
    tokio::select! {
        upgrades = upgrade_all(plan, progress, stop) => upgrades,
        () = stop.cancelled() => bail!("told to stop"),
    }
}

/// What blocks in it looks at `stop` by itself.
async fn upgrade_all(
    plan: &Plan,
    progress: &ProgressBar,
    stop: &CancellationToken,
) -> Result<Vec<Upgrade>> {
    progress.set_message("a cluster starts");
    let mut fleet = block_in_place(|| Fleet::start(plan, stop))?;
    let mut browsers = None;
    if let Some(programs) = &plan.browsers {
        progress.set_message("two browsers enter a call");
        let public = fleet.public();
        let started = block_in_place(|| Browsers::start(programs, public, &plan.folder, stop));
        browsers = Some(started?);
    }
    let mut upgrades = Vec::new();
    for step in plan.builds.windows(2) {
        let scene = Scene {
            plan,
            fleet: &mut fleet,
            browsers: browsers.as_mut(),
            progress,
            stop,
        };
        upgrades.push(scene.upgrade(&step[0], &step[1]).await?);
    }
    if let Some(browsers) = browsers {
        block_in_place(|| browsers.end())?;
    }
    Ok(upgrades)
}

/// What an upgrade happens to.
struct Scene<'a> {
    plan: &'a Plan,
    fleet: &'a mut Fleet,
    browsers: Option<&'a mut Browsers>,
    progress: &'a ProgressBar,
    stop: &'a CancellationToken,
}

impl Scene<'_> {
    async fn upgrade(mut self, from: &Build, to: &Build) -> Result<Upgrade> {
        let Self { plan, progress, .. } = self;
        progress.set_message(format!("{} clients come", 2 * plan.pairs));
        let watch = Watch::start();
        for member in &self.fleet.members {
            watch.add(&member.gateway);
        }
        let traffic = clients::let_in(plan, self.fleet.public()).await?;
        // What they saw until now was no part of this.
        self.people()?;
        let calm_gap = traffic.take_longest_gap();
        let began = Instant::now();
        let fullest = block_in_place(|| {
            let turns = Turns {
                build: to,
                times: plan.drain,
                watch: &watch,
                progress,
                stop: self.stop,
            };
            turns.take(self.fleet)
        })?;
        let (took, gap) = (began.elapsed(), traffic.take_longest_gap());
        progress.set_message("clients say what they saw");
        let people = self.people()?;
        clients::settle(&traffic, plan).await?;
        let curves = watch.end();
        Ok(Upgrade {
            from: from.name.clone(),
            to: to.name.clone(),
            balance: plan.balance,
            gateways: plan.gateways,
            account: traffic.end().await?,
            calm_gap,
            gap,
            fullest,
            people,
            took,
            curves,
        })
    }

    /// What the two in the call saw since this was last asked; nothing where there is no call.
    fn people(&mut self) -> Result<Vec<Person>> {
        let Some(browsers) = &mut self.browsers else {
            return Ok(Vec::new());
        };
        block_in_place(|| browsers.report())
    }
}
