//! One cluster, upgraded from build to build under traffic.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indicatif::ProgressBar;
use switchboard_local::Balance;
use switchboard_traffic::Account;
use tokio::task::spawn_blocking;

use crate::browsers::{Browsers, Person};
use crate::clients::Clients;
use crate::fleet::Fleet;
use crate::plan::{Build, Plan};
use crate::roll::roll;
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
/// one with each gateway that is replaced.
///
/// # Errors
///
/// A process did not do what it should. What clients should not have seen is no error here: see
/// [`complaints`](crate::complaints).
pub async fn run(plan: &Plan, progress: &ProgressBar) -> Result<Vec<Upgrade>> {
    progress.set_message("a cluster starts");
    let starting = plan.clone();
    let mut fleet = blocking(move || Fleet::start(&starting)).await?;
    let mut browsers = None;
    if let Some(programs) = &plan.browsers {
        progress.set_message("two browsers enter a call");
        browsers = Some(Browsers::start(programs, fleet.public(), &plan.folder).await?);
    }
    let mut upgrades = Vec::new();
    for step in plan.builds.windows(2) {
        let upgraded = upgrade(fleet, plan, step, browsers.as_mut(), progress).await?;
        fleet = upgraded.0;
        upgrades.push(upgraded.1);
    }
    if let Some(browsers) = browsers {
        browsers.end().await?;
    }
    Ok(upgrades)
}

async fn upgrade(
    mut fleet: Fleet,
    plan: &Plan,
    step: &[Build],
    mut browsers: Option<&mut Browsers>,
    progress: &ProgressBar,
) -> Result<(Fleet, Upgrade)> {
    let [from, to] = step else {
        anyhow::bail!("an upgrade is from one build to another");
    };
    progress.set_message(format!("{} clients come", 2 * plan.pairs));
    let watch = Watch::start();
    fleet.members.iter().for_each(|it| watch.add(&it.gateway));
    let clients = Clients::start(plan, fleet.public()).await?;
    if let Some(browsers) = &mut browsers {
        // What they saw until now was another upgrade's.
        browsers.report().await?;
    }
    let (build, drain, bar) = (to.clone(), plan.drain, progress.clone());
    let began = Instant::now();
    let rolled = blocking(move || {
        let fullest = roll(&mut fleet, &build, drain, &watch, &bar)?;
        Ok((fleet, fullest, watch))
    });
    let (fleet, fullest, watch) = rolled.await?;
    let took = began.elapsed();
    progress.set_message("clients say what they saw");
    let people = match &mut browsers {
        Some(browsers) => browsers.report().await?,
        None => Vec::new(),
    };
    let account = clients.end(plan).await?;
    let upgrade = Upgrade {
        from: from.name.clone(),
        to: to.name.clone(),
        balance: plan.balance,
        gateways: plan.gateways,
        account,
        fullest,
        people,
        took,
        curves: watch.end(),
    };
    Ok((fleet, upgrade))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    spawn_blocking(work).await.context("a thread panicked")?
}
