//! A master, its replica and the Sentinels that watch them.

use crate::buckets;
use crate::redis_process::{RedisProcess, Role};
use crate::wait::until;

/// The name under which the Sentinels know the master.
const NAME: &str = "mymaster";

/// One master, one replica, three Sentinels. All are killed when dropped.
pub struct RedisSentinel {
    servers: Vec<RedisProcess>,
    /// Which of the servers is the master, as the Sentinels said last.
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
        let mut these = Self {
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

    /// Lets the former master go on, or starts it again, and waits until one of the two follows the other.
    ///
    /// As a rule the former master becomes the replica. On a loaded machine the Sentinels may take the present master
    /// for dead as soon as there is another one to choose, and fail over once more: then
    /// [`master_port`](Self::master_port) is the former one's again.
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
        let other = 1 - self.master;
        until("the Sentinels name another master", || {
            let role = self.servers[other].client().call(&["ROLE"]);
            self.named() == Some(other) && role.starts_with("master") && self.at_rest()
        });
        self.master = other;
    }

    fn wait_until_safe(&mut self) {
        until(
            "a replica follows the master that the Sentinels name",
            || {
                let Some(master) = self.named() else {
                    return false;
                };
                self.master = master;
                let info = self.servers[1 - master]
                    .client()
                    .call(&["INFO", "replication"]);
                let follows = format!("master_port:{}", self.servers[master].port());
                let has = |line: &str| info.lines().any(|other| other == line);
                has("role:slave")
                    && has(&follows)
                    && has("master_link_status:up")
                    && self.would_survive()
            },
        );
    }

    /// The server that all Sentinels name as the master.
    fn named(&self) -> Option<usize> {
        let mut named = self.sentinels.iter().map(|sentinel| {
            let command = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME];
            let address = sentinel.client().call(&command);
            let port = address.lines().nth(1)?.parse::<u16>().ok()?;
            self.servers.iter().position(|server| server.port() == port)
        });
        let first = named.next()??;
        named.all(|other| other == Some(first)).then_some(first)
    }

    /// Whether every Sentinel has heard from its master since it took it for that, and has no failover under way. One
    /// that has not even connected to a new master after a second would vote for the next failover.
    fn at_rest(&self) -> bool {
        self.sentinels.iter().all(|sentinel| {
            let has = |field: &str, value: &str| of_master(sentinel, field) == value;
            has("flags", "master") && has("role-reported", "master") && !has("info-refresh", "0")
        })
    }

    /// Whether every Sentinel knows the replica and the other Sentinels.
    fn would_survive(&self) -> bool {
        self.sentinels.iter().all(|sentinel| {
            let quorum = sentinel.client().call(&["SENTINEL", "CKQUORUM", NAME]);
            quorum.starts_with("OK 3") && of_master(sentinel, "num-slaves") == "1"
        })
    }
}

/// What a Sentinel says of the master under the name of a field.
fn of_master(sentinel: &RedisProcess, field: &str) -> String {
    let master = sentinel.client().call(&["SENTINEL", "MASTER", NAME]);
    let mut lines = master.lines().skip_while(|line| *line != field);
    lines.nth(1).unwrap_or_default().to_owned()
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
        let second = sentinel.master_port();
        sentinel.fail_over();
        assert_ne!(sentinel.master_port(), second);
    }
}
