//! How each fault is brought about.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use switchboard_testkit::GatewayProcess;

use crate::balancer::Door;
use crate::fault::Fault;
use crate::run::Plan;
use crate::stage::{Redis, Stage};

/// Until a gateway that was killed is replaced, and until a Redis that was killed is back at once.
const SOON: Duration = Duration::from_secs(2);
/// Between two connections that break.
const BREAK_EVERY: Duration = Duration::from_millis(100);
/// How often all connections are cut, and what is between at most, milliseconds: a resume takes about ten.
const FLAPS: u32 = 30;
const FLAP_MS_MAX: u64 = 300;
/// How often subscriptions are killed, and what is between.
const KILLS: u32 = 3;
const KILL_EVERY: Duration = Duration::from_secs(1);

/// Brings the fault about, from its beginning to its end: afterwards everything runs that should. Blocks; the pauses are
/// the faults' own length.
pub(crate) fn inflict(fault: Fault, plan: &Plan, stage: &mut Stage, doors: &[Arc<Door>]) {
    match fault {
        Fault::None => {}
        Fault::SocketLost => one_after_another(doors, Door::cut),
        Fault::SocketFlapping => {
            for _ in 0..FLAPS {
                doors.iter().for_each(|door| door.cut());
                sleep(Duration::from_millis(fastrand::u64(0..FLAP_MS_MAX)));
            }
        }
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
        Fault::RedisFrozen => {
            let redis = stage.redis.server();
            redis.pause();
            sleep(plan.redis_frozen);
            redis.resume();
        }
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
        Fault::SubscriptionKilled => {
            for _ in 0..KILLS {
                let killed = stage.redis.server();
                killed.call(&["CLIENT", "KILL", "TYPE", "pubsub"]);
                sleep(KILL_EVERY);
            }
        }
    }
}

/// Each client once, in no order.
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
