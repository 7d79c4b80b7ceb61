//! A master, its replica and the Sentinels that watch them.

use crate::buckets;
use crate::redis_process::{RedisProcess, Role};
use crate::wait::until;

/// The name under which the Sentinels know the master.
const NAME: &str = "mymaster";

/// One master, one replica, three Sentinels. All are killed when dropped.
pub struct RedisSentinel {
    /// The master is the first one, until it is failed over.
    servers: Vec<RedisProcess>,
    master: usize,
    sentinels: Vec<RedisProcess>,
}

impl RedisSentinel {
    /// Starts them, looking as if a cluster had used them before, and waits until they would survive a failover.
    pub fn start() -> Self {
        let arguments = ["--repl-diskless-sync-delay", "0"];
        let master = RedisProcess::start(Role::Server, &arguments);
        let port = master.port().to_string();
        let replica = [&arguments[..], &["--replicaof", "127.0.0.1", &port]].concat();
        let replica = RedisProcess::start(Role::Server, &replica);
        buckets::mark_all(|_| master.client());
        let watch = [
            format!("sentinel monitor {NAME} 127.0.0.1 {port} 2"),
            format!("sentinel down-after-milliseconds {NAME} 1000"),
            format!("sentinel failover-timeout {NAME} 3000"),
        ];
        let watch = watch.each_ref().map(String::as_str);
        let sentinels = (0..3).map(|_| RedisProcess::start(Role::Sentinel, &watch));
        let these = Self {
            servers: vec![master, replica],
            master: 0,
            sentinels: sentinels.collect(),
        };
        these.wait_until_safe();
        these
    }

    /// `redis-sentinel://…`, naming every Sentinel.
    pub fn url(&self) -> String {
        let [first, rest @ ..] = &self.sentinels[..] else {
            unreachable!("there are three")
        };
        let nodes = rest
            .iter()
            .map(|sentinel| format!("&node=127.0.0.1:{}", sentinel.port()));
        format!(
            "redis-sentinel://127.0.0.1:{}?sentinelServiceName={NAME}{}",
            first.port(),
            nodes.collect::<String>()
        )
    }

    /// Where the master of the moment listens.
    pub fn master_port(&self) -> u16 {
        self.servers[self.master].port()
    }

    /// Kills the master (SIGKILL), and waits until the Sentinels name the replica in its place.
    pub fn fail_over(&mut self) {
        self.servers[self.master].wait_for(&self.servers[1 - self.master]);
        self.servers[self.master].kill();
        self.wait_for_the_other();
    }

    /// Freezes the master (SIGSTOP), and waits until the Sentinels name the replica in its place.
    pub fn fail_over_frozen(&mut self) {
        self.servers[self.master].wait_for(&self.servers[1 - self.master]);
        self.servers[self.master].pause();
        self.wait_for_the_other();
    }

    /// Lets the former master go on, or starts it again: it becomes the replica of the present one.
    pub fn bring_back(&mut self) {
        let former = &mut self.servers[1 - self.master];
        if former.is_running() {
            former.resume();
        } else {
            former.restart();
        }
        self.wait_until_safe();
    }

    fn wait_for_the_other(&mut self) {
        self.master = 1 - self.master;
        let port = self.master_port().to_string();
        until("the Sentinels name another master", || {
            let named = |sentinel: &RedisProcess| {
                let command = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME];
                sentinel.client().call(&command).lines().nth(1) == Some(&port)
            };
            let role = self.servers[self.master].client().call(&["ROLE"]);
            self.sentinels.iter().all(named) && role.starts_with("master")
        });
    }

    fn wait_until_safe(&self) {
        let replica = &self.servers[1 - self.master];
        until("the replica follows the master", || {
            let info = replica.client().call(&["INFO", "replication"]);
            info.contains("role:slave") && info.contains("master_link_status:up")
        });
        until("the Sentinels know the replica and one another", || {
            self.sentinels.iter().all(|sentinel| {
                let mut client = sentinel.client();
                let quorum = client.call(&["SENTINEL", "CKQUORUM", NAME]);
                let others = client.call(&["SENTINEL", "MASTER", NAME]);
                let has = |field: &str, value: &str| {
                    let mut lines = others.lines().skip_while(|line| *line != field);
                    lines.nth(1) == Some(value)
                };
                quorum.starts_with("OK 3") && has("num-slaves", "1") && has("flags", "master")
            })
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_master_that_is_killed_is_replaced_and_may_come_back_as_a_replica() {
        let mut sentinel = RedisSentinel::start();
        let first = sentinel.master_port();
        sentinel.fail_over();
        assert_ne!(sentinel.master_port(), first);
        sentinel.bring_back();
        sentinel.fail_over();
        assert_eq!(sentinel.master_port(), first);
    }
}
