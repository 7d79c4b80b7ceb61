//! Each fault, step by step.

use std::net::TcpStream;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use switchboard_testkit::GatewayProcess;
use switchboard_traffic::Door;

use crate::fault::Fault;
use crate::run::Plan;
use crate::stage::{FILES, Redis, Stage};

/// Time until a killed gateway is replaced, and until a killed Redis is back «at once».
const SOON: Duration = Duration::from_secs(2);
/// Time between two connections that break.
const BREAK_EVERY: Duration = Duration::from_millis(100);
/// How often all connections are cut, and the longest pause between, in milliseconds: a resume takes about ten.
const FLAPS: u32 = 30;
const FLAP_MS_MAX: u64 = 300;
/// How often subscriptions are killed, and the pause between.
const KILLS: u32 = 3;
const KILL_EVERY: Duration = Duration::from_secs(1);
/// Longer than it takes to subscribe again, and too short for much else.
const FLAP_EVERY: Duration = Duration::from_millis(1500);
/// The delay of each way to and from a slow Redis, and its variation.
const SLOW: Duration = Duration::from_millis(500);
const SLOW_JITTER: Duration = Duration::from_millis(200);

/// Causes the fault and ends it: afterwards everything runs again. Blocks; its pauses are the length of the fault.
pub(crate) fn inflict(fault: Fault, plan: &Plan, stage: &mut Stage, doors: &[Arc<Door>]) {
    match fault {
        Fault::None => {}
        Fault::SocketLost => one_after_another(doors, Door::cut),
        Fault::SocketFlapping => flap(doors),
        Fault::SocketSilent => one_after_another(doors, Door::mute),
        Fault::GatewayKilled => {
            stage.gateways[0].kill();
            sleep(SOON);
            stage.replace(0, |_| {});
        }
        Fault::EveryGatewayKilled => {
            stage.gateways.iter_mut().for_each(GatewayProcess::kill);
            sleep(SOON);
            (0..stage.gateways.len()).for_each(|index| stage.replace(index, |_| {}));
        }
        Fault::GatewayAndRedisKilled => {
            stage.gateways[0].kill();
            without_redis(stage, SOON);
            stage.replace(0, |_| {});
        }
        Fault::GatewayFrozen => {
            stage.gateways[0].pause();
            sleep(plan.gateway_frozen);
            stage.gateways[0].resume();
        }
        Fault::GatewayDrained => drain(stage, 0),
        Fault::RollingRestart => (0..stage.gateways.len()).for_each(|index| drain(stage, index)),
        Fault::RedisEmptied => without_redis(stage, SOON),
        Fault::RedisFrozen => freeze_redis(stage, plan.redis_frozen),
        Fault::RedisGone => without_redis(stage, plan.redis_gone),
        Fault::SentinelFailover => {
            if let Redis::Sentinel(sentinel) = &mut stage.redis {
                sentinel.fail_over();
            }
        }
        Fault::ClusterMasterKilled => {
            if let Redis::Cluster(cluster) = &mut stage.redis {
                cluster.kill_master(0);
            }
        }
        Fault::SubscriptionKilled => kill_subscriptions(stage, KILL_EVERY, KILLS * KILL_EVERY),
        Fault::SubscriptionFlapping => kill_subscriptions(stage, FLAP_EVERY, plan.impaired),
        Fault::RedisRefusing => refuse_writes(stage, plan.impaired),
        Fault::RedisSlow => slow_redis(stage, plan.impaired),
        Fault::StderrBroken => {
            stage.log_readers.clear();
            freeze_redis(stage, plan.redis_frozen);
        }
        Fault::FilesExhausted => {
            let idle = fill(stage);
            one_after_another(doors, Door::cut);
            sleep(plan.impaired);
            drop(idle);
        }
    }
}

fn flap(doors: &[Arc<Door>]) {
    for _ in 0..FLAPS {
        doors.iter().for_each(|door| door.cut());
        sleep(Duration::from_millis(fastrand::u64(0..FLAP_MS_MAX)));
    }
}

fn freeze_redis(stage: &mut Stage, during: Duration) {
    let redis = stage.redis.server();
    redis.pause();
    sleep(during);
    redis.resume();
}

/// Redis refuses writes for one half of the time because its memory is full, for the other because it has no replica.
fn refuse_writes(stage: &mut Stage, during: Duration) {
    for (key, refuse, take) in [("maxmemory", "1", "0"), ("min-replicas-to-write", "1", "0")] {
        let redis = stage.redis.server();
        redis.call(&["CONFIG", "SET", key, refuse]);
        sleep(during / 2);
        redis.call(&["CONFIG", "SET", key, take]);
    }
}

fn slow_redis(stage: &Stage, during: Duration) {
    if let Redis::Slow(_, proxy) = &stage.redis {
        proxy.slow_down(SLOW, SLOW_JITTER);
        sleep(during);
        proxy.slow_down(Duration::ZERO, Duration::ZERO);
    }
}

fn kill_subscriptions(stage: &mut Stage, every: Duration, during: Duration) {
    let end = Instant::now() + during;
    while Instant::now() < end {
        let redis = stage.redis.server();
        redis.call(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        sleep(every);
    }
}

/// Connections that say nothing, more than each gateway may have: those that it takes are open until they are dropped,
/// or it ends them.
fn fill(stage: &Stage) -> Vec<TcpStream> {
    let addresses = stage.gateways.iter().map(GatewayProcess::address);
    let many = addresses.flat_map(|address| (0..2 * FILES).map(move |_| address));
    many.filter_map(|address| TcpStream::connect_timeout(&address, SOON).ok())
        .collect()
}

/// Each client once, in random order.
fn one_after_another(doors: &[Arc<Door>], breaks: impl Fn(&Door)) {
    let mut doors = doors.to_vec();
    fastrand::shuffle(&mut doors);
    for door in doors {
        breaks(&door);
        sleep(BREAK_EVERY);
    }
}

fn drain(stage: &mut Stage, index: usize) {
    stage.replace(index, |old| {
        old.terminate();
        let status = old.wait();
        assert!(status.success(), "it ended with {status}:\n{}", old.log());
    });
}

fn without_redis(stage: &mut Stage, pause: Duration) {
    let redis = stage.redis.server();
    redis.kill();
    sleep(pause);
    redis.restart();
}
