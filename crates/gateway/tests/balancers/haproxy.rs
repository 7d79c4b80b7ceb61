//! haproxy: it asks `/readyz`, and is told of a new gateway while it runs.

use std::process::Command;

use switchboard_local::{Balance, Haproxy, HaproxyPlan, Slot};

use crate::stage::{Clients, Stage, drain_first, show};

fn in_front_of(stage: &Stage) -> Haproxy {
    let slots = (0..4).map(|index| {
        let name = format!("gw-{}", index + 1);
        match stage.gateways.get(index) {
            Some(gateway) => Slot::of(name, gateway),
            None => Slot::free(name),
        }
    });
    let plan = HaproxyPlan {
        public: None,
        balance: Balance::Leastconn,
        slowstart: None,
        slots: slots.collect(),
    };
    Haproxy::start(&plan, stage.folder()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_drains_and_another_one_is_added_behind_haproxy() {
    // Two checks that fail take haproxy a second.
    let mut stage = Stage::start(3, 3000);
    let mut haproxy = in_front_of(&stage);
    let clients = Clients::through(haproxy.public()).await;
    let first = stage.spread();
    show("haproxy, three gateways", &first);
    assert_eq!(first, [10, 10, 10]);

    let (came, welcomed) = drain_first(&mut stage, &clients, haproxy.public()).await;
    println!("haproxy, gw-1 drains: of {came} that came meanwhile {welcomed} came to gw-1");
    assert!(welcomed * 3 < came, "haproxy sends newcomers to the others");

    stage.add();
    haproxy.remove("gw-1").unwrap();
    haproxy.add("gw-4", &stage.gateways[3]).unwrap();
    let uneven = stage.settled_spread().await;
    show("haproxy, gw-1 gone and gw-4 added", &uneven);
    assert_eq!(uneven[3], 0, "nobody moves by himself");
    haproxy.wait_until_started("gw-4").unwrap();
    stage.move_share(&[1, 2], "33%");
    clients.settle().await;
    let evened = stage.settled_spread().await;
    show("haproxy, after drain --share 33% on gw-2 and gw-3", &evened);
    assert!(
        evened[1..].iter().all(|count| (8..=12).contains(count)),
        "{evened:?}"
    );
    clients.end_well().await;
}

/// `haproxy -c`, not even a warning.
#[test]
fn haproxy_has_nothing_to_say_about_its_file() {
    let stage = Stage::start(1, 0);
    let _haproxy = in_front_of(&stage);
    let path = std::env::var("PATH").unwrap_or_default();
    let checked = Command::new("haproxy")
        .env("PATH", format!("{path}:/usr/sbin"))
        .arg("-c")
        .arg("-f")
        .arg(stage.folder().join("haproxy.cfg"))
        .output()
        .unwrap();
    let said = [checked.stdout, checked.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(
        checked.status.success() && !said.contains("WARNING"),
        "{said}"
    );
}
