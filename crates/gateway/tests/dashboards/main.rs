//! Every query of every dashboard, and every series that a rule looks at, has an answer: from a real Prometheus, with the
//! repository's configuration and rules, that scraped real gateways under traffic, a restart of Redis and a drain.
//!
//! A name that is spelt wrong, a label that nothing has, a counter that first appears at 1: each of them is a panel that stays
//! empty or an alert that never fires, and nobody notices until the night when it was needed.

mod load;
mod questions;
mod selectors;
mod stage;

use std::time::Duration;

use load::Load;
use stage::Stage;

/// Of a range query, so that what was so for a moment counts.
const STEP: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn every_query_of_every_dashboard_and_rule_has_an_answer() {
    let mut stage = Stage::start();
    let load = Load::start(&stage.url()).await;
    stage.wait_for("sum(rate(switchboard_signals_total{outcome=\"delivered\"}[5s])) > 0");

    stage.restart_redis();
    stage.wait_for("sum(increase(switchboard_restored_total[1m])) > 0");

    stage.drain_one();
    stage.wait_for("max(switchboard_drain_share) == 1");
    stage.wait_for("sum(increase(switchboard_resumes_total{outcome=\"resumed\"}[1m])) > 0");

    let questions = [questions::of_dashboards(), questions::of_rules(&stage)].concat();
    assert!(questions.len() > 150, "only {} queries", questions.len());
    stage.wait_for_answers(&questions);
    load.stop().await;
}
