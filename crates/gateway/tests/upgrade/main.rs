//! A rolling upgrade behind a real haproxy, small: what `cargo xtask upgrade` does at length. No signal is lost, repeated or
//! out of order, nobody is seen away, and who is sent on goes to the gateway that is new and stays there.

use std::time::Duration;

use switchboard_local::Balance;
use switchboard_upgrade::{Build, DrainTimes, Plan, ProgressBar, complaints, draw, run, table};
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn nobody_notices_that_gateways_are_replaced() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let build = Build {
        name: "present".into(),
        binary: env!("CARGO_BIN_EXE_switchboard").into(),
    };
    let plan = Plan {
        builds: vec![build.clone(), build],
        gateways: 2,
        balance: Balance::Leastconn,
        pairs: 10,
        pace: Duration::from_millis(100),
        calm: Duration::from_millis(300),
        drain: DrainTimes {
            grace: Duration::from_secs(2),
            window: Duration::from_secs(2),
        },
        browsers: None,
        folder: folder.path().into(),
    };
    let progress = ProgressBar::hidden();
    let upgrades = run(&plan, &progress, &CancellationToken::new()).await;
    let upgrades = upgrades.unwrap_or_else(|error| panic!("{error:#}"));
    let [upgrade] = &upgrades[..] else {
        panic!("one upgrade was planned");
    };
    let (table, complaints) = (table(&upgrades), complaints(upgrade));
    println!("{table}");
    assert_eq!(complaints, [""; 0], "{table}");

    let picture = folder.path().join("upgrade.svg");
    draw(upgrade, &picture).expect("it can be drawn");
    let picture = std::fs::read_to_string(picture).expect("it was drawn");
    for name in ["gw-1", "gw-2", "gw-3", "gw-4"] {
        assert!(picture.contains(name), "{name} is not in the picture");
    }
}
