//! The end of a cluster: gateways first, as an operator would, then what they need.

use std::io::{Write, stderr, stdout};
use std::thread::sleep;
use std::time::{Duration, Instant};

use switchboard_local::Gateway;

use crate::cluster::Cluster;

/// All gateways stop, so clients cannot move: it makes no sense to wait for a whole drain, which takes a minute.
const DRAIN_FOR: Duration = Duration::from_secs(10);
/// The time that a gateway gets after it was hurried.
const HURRY_FOR: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Lets the gateways drain for a while, then hurries them; a second Ctrl-C hurries them sooner. Those that are left are
/// killed.
pub(crate) fn stop(mut cluster: Cluster, mut is_hurried: impl FnMut() -> bool) {
    // The terminal may be gone (SIGHUP). The gateways drain all the same.
    let _ = writeln!(
        stdout(),
        "\nstopping: gateways drain, {} s at most; Ctrl-C again hurries",
        DRAIN_FOR.as_secs()
    );
    terminate(&cluster);
    let gone = wait(&mut cluster, DRAIN_FOR, &mut is_hurried);
    if !gone {
        terminate(&cluster);
        wait(&mut cluster, HURRY_FOR, &mut || false);
    }
    let ended = |gateway: &mut Gateway| gateway.program_mut().ended().is_some();
    let left = cluster.gateways.iter_mut().filter_map(|gateway| {
        let has_ended = ended(gateway);
        (!has_ended).then(|| gateway.program().name().to_owned())
    });
    let left: Vec<_> = left.collect();
    if !left.is_empty() {
        let names = left.join(", ");
        let _ = writeln!(stderr(), "killed because they did not end: {names}");
    }
    drop(cluster);
    let _ = writeln!(stdout(), "stopped");
}

fn terminate(cluster: &Cluster) {
    for gateway in &cluster.gateways {
        gateway.program().terminate();
    }
}

/// Whether all gateways have ended; `false`: hurried, or the time is up.
fn wait(cluster: &mut Cluster, within: Duration, is_hurried: &mut impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + within;
    loop {
        let mut gateways = cluster.gateways.iter_mut();
        if gateways.all(|gateway| gateway.program_mut().ended().is_some()) {
            return true;
        }
        if is_hurried() || Instant::now() > deadline {
            return false;
        }
        sleep(LOOK_EVERY);
    }
}
