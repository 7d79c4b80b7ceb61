//! Every fault on real processes, small: what `cargo xtask chaos` does at length. No signal is lost, repeated or out of
//! order, every sender is told the truth, and every client keeps its session.

use std::time::Duration;

use switchboard_chaos::{Fault, Plan, complaints, run, table};

const BINARY: &str = env!("CARGO_BIN_EXE_switchboard");

async fn survive(fault: Fault) {
    survive_as(fault, Plan::small(BINARY.into())).await;
}

async fn survive_as(fault: Fault, plan: Plan) {
    let account = run(fault, &plan).await;
    let account = account.unwrap_or_else(|error| panic!("{}: {error:#}", fault.name()));
    let complaints = complaints(&account, fault);
    let table = table(&[(fault, account)]);
    println!("{table}");
    assert!(complaints.is_empty(), "{complaints:?}\n{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_happens() {
    survive(Fault::None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_lose_their_connections() {
    survive(Fault::SocketLost).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_lose_their_connections_again_and_again() {
    survive(Fault::SocketFlapping).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_of_clients_fall_silent() {
    survive(Fault::SocketSilent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_is_killed() {
    survive(Fault::GatewayKilled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_gateway_is_killed_at_once() {
    survive(Fault::EveryGatewayKilled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_and_redis_are_killed_together_and_redis_is_back_empty() {
    survive(Fault::GatewayAndRedisKilled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_is_frozen_and_goes_on() {
    survive(Fault::GatewayFrozen).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_is_frozen_until_its_clients_have_moved_and_goes_on() {
    let plan = Plan {
        gateway_frozen: Duration::from_secs(12),
        ..Plan::small(BINARY.into())
    };
    survive_as(Fault::GatewayFrozen, plan).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_is_drained_and_nobody_is_seen_away() {
    survive(Fault::GatewayDrained).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_gateways_are_replaced_one_after_another_and_nobody_is_seen_away() {
    survive(Fault::RollingRestart).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_killed_and_back_empty() {
    survive(Fault::RedisEmptied).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_frozen_and_goes_on() {
    survive(Fault::RedisFrozen).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_gone_for_a_while_and_comes_back_empty() {
    survive(Fault::RedisGone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_fail_over() {
    survive(Fault::SentinelFailover).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_of_a_redis_cluster_is_killed() {
    survive(Fault::ClusterMasterKilled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_closes_the_subscriptions() {
    survive(Fault::SubscriptionKilled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_closes_the_subscriptions_all_the_time() {
    survive(Fault::SubscriptionFlapping).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_takes_no_writes() {
    survive(Fault::RedisRefusing).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_slow() {
    survive(Fault::RedisSlow).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_the_logs() {
    survive(Fault::StderrBroken).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_take_all_the_files() {
    survive(Fault::FilesExhausted).await;
}
