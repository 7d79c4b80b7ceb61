//! One build after the other, gateway by gateway.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use indicatif::ProgressBar;
use tokio_util::sync::CancellationToken;

use crate::fleet::{Fleet, Member};
use crate::plan::{Build, DrainTimes};
use crate::watch::Watch;

const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Beyond the deadline of a drain: a loaded machine may take its time.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// How gateways are replaced.
pub(crate) struct Turns<'a> {
    /// What new ones run.
    pub(crate) build: &'a Build,
    pub(crate) times: DrainTimes,
    pub(crate) watch: &'a Watch,
    pub(crate) progress: &'a ProgressBar,
    pub(crate) stop: &'a CancellationToken,
}

impl Turns<'_> {
    /// Replaces every gateway, as the chart's Deployment does: a new one is started and ready before an old one is told to
    /// stop (`maxSurge: 1`, `maxUnavailable: 0`), and the next one has its turn when that one's clients have moved
    /// (`minReadySeconds` is longer than a drain). Gives what the fullest gateway had of its share after a turn, at most.
    /// Blocks.
    pub(crate) fn take(&self, fleet: &mut Fleet) -> Result<f64> {
        let mut fullest = 0.0_f64;
        for index in 0..fleet.members.len() {
            ensure!(!self.stop.is_cancelled(), "told to stop");
            self.progress.set_message("a new gateway starts");
            let mut new = fleet.add(self.build)?;
            self.watch.add(&new.gateway);
            self.drain(fleet, index, &mut new)?;
            self.watch.ended(&fleet.members[index].gateway);
            fleet.replace(index, new)?;
            fullest = fullest.max(fleet.fullest()?);
            self.progress.inc(1);
        }
        Ok(fullest)
    }

    /// Tells one to stop, and waits until it has; all others must run meanwhile, the new one as well.
    fn drain(&self, fleet: &mut Fleet, index: usize, new: &mut Member) -> Result<()> {
        fleet.members[index].gateway.program().terminate();
        let deadline = Instant::now() + self.times.deadline() + ENDS_WITHIN;
        let status = loop {
            let old = &mut fleet.members[index].gateway;
            if let Some(status) = old.program_mut().wait(LOOK_EVERY) {
                break status;
            }
            let (name, remaining) = (old.program().name(), self.watch.remaining(old));
            let message = format!("{name} drains, {remaining} connections to go");
            self.progress.set_message(message);
            ensure!(!self.stop.is_cancelled(), "told to stop");
            if Instant::now() > deadline {
                let tail = old.program().last_lines();
                bail!("{name} does not end; it wrote last\n{tail}");
            }
            fleet.others_must_run(index, new)?;
        };
        let program = fleet.members[index].gateway.program();
        ensure!(status.success(), "{}", program.obituary(status));
        let (name, log) = (program.name(), program.log());
        let has_panicked = fs::read_to_string(log)?.contains("panicked");
        ensure!(!has_panicked, "{name} panicked: see {}", log.display());
        Ok(())
    }
}
