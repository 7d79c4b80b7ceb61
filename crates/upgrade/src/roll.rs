//! One build after the other, gateway by gateway.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use indicatif::ProgressBar;

use crate::fleet::{Fleet, Member};
use crate::plan::{Build, DrainTimes};
use crate::watch::Watch;

const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Beyond the deadline of a drain: a loaded machine may take its time.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// Replaces every gateway, as the chart's Deployment does: a new one is started and ready before an old one is told to
/// stop (`maxSurge: 1`, `maxUnavailable: 0`), and the next one has its turn when that one's clients have moved
/// (`minReadySeconds` is longer than a drain). Gives what the fullest gateway had of its share after a turn, at most. Blocks.
pub(crate) fn roll(
    fleet: &mut Fleet,
    build: &Build,
    times: DrainTimes,
    watch: &Watch,
    progress: &ProgressBar,
) -> Result<f64> {
    let mut fullest = 0.0_f64;
    for index in 0..fleet.members.len() {
        progress.set_message("a new gateway starts");
        let new = fleet.add(build)?;
        watch.add(&new.gateway);
        drain(&mut fleet.members[index], times, watch, progress)?;
        watch.ended(&fleet.members[index].gateway);
        fleet.replace(index, new)?;
        fullest = fullest.max(fleet.fullest()?);
        progress.inc(1);
    }
    Ok(fullest)
}

/// Tells it to stop, and waits until it has.
fn drain(old: &mut Member, times: DrainTimes, watch: &Watch, progress: &ProgressBar) -> Result<()> {
    old.gateway.program().terminate();
    let deadline = Instant::now() + times.deadline() + ENDS_WITHIN;
    let name = old.gateway.program().name().to_owned();
    let status = loop {
        if let Some(status) = old.gateway.program_mut().wait(LOOK_EVERY) {
            break status;
        }
        let remaining = watch.remaining(&old.gateway);
        progress.set_message(format!("{name} drains, {remaining} connections to go"));
        if Instant::now() > deadline {
            let tail = old.gateway.program().last_lines();
            bail!("{name} does not end; it wrote last\n{tail}");
        }
    };
    let program = old.gateway.program();
    ensure!(status.success(), "{}", program.obituary(status));
    let log = fs::read_to_string(program.log())?;
    ensure!(
        !log.contains("panicked"),
        "{name} panicked: see {}",
        program.log().display()
    );
    Ok(())
}
