//! The processes under test.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::ops::Sub;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use switchboard_testkit::{GatewayProcess, RedisServer, cpu_time};

/// Limits that a build of before v0.3 does not have.
const LATER: [&str; 2] = [
    "limits.requests_per_second=1000000",
    "limits.bytes_per_second=67108864",
];

/// Two gateways and the Redis between them.
pub(crate) struct Bed {
    redis: RedisServer,
    pub(crate) gateways: [GatewayProcess; 2],
}

/// CPU time, user and system.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cpu {
    pub(crate) gateways: [Duration; 2],
    pub(crate) redis: Duration,
}

impl Sub for Cpu {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        let [a, b] = self.gateways;
        let [earlier_a, earlier_b] = earlier.gateways;
        Self {
            gateways: [a - earlier_a, b - earlier_b],
            redis: self.redis - earlier.redis,
        }
    }
}

impl Bed {
    pub(crate) async fn start(switchboard: &Path, settings: &[String]) -> Self {
        let redis = RedisServer::start();
        let url = format!("redis.url={}", redis.url());
        let own = [
            &*url,
            "limits.signals_per_second=1000000",
            "limits.burst=1000000",
            "log.filter=warn,switchboard_gateway::serve=info",
        ];
        let settings: Vec<_> = own
            .into_iter()
            .chain(settings.iter().map(String::as_str))
            .chain(
                LATER
                    .into_iter()
                    .filter(|setting| takes(switchboard, setting)),
            )
            .collect();
        let start = || GatewayProcess::start_ready(switchboard, &settings);
        Self {
            gateways: [start(), start()],
            redis,
        }
    }

    pub(crate) fn cpu(&self) -> Cpu {
        Cpu {
            gateways: [0, 1].map(|index| cpu_time(self.gateways[index].pid())),
            redis: cpu_time(self.redis.pid()),
        }
    }

    pub(crate) fn reset_redis_stats(&self) {
        self.ask_redis("CONFIG RESETSTAT");
    }

    /// Redis' own count of what it was asked.
    pub(crate) fn redis_stats(&self) -> String {
        let stats = self.ask_redis("INFO commandstats");
        let lines = stats
            .lines()
            .filter(|line| line.starts_with("cmdstat_publish"));
        lines
            .map(|line| format!("    redis: {}\n", line.trim()))
            .collect()
    }

    fn ask_redis(&self, command: &str) -> String {
        let mut stream =
            TcpStream::connect(("127.0.0.1", self.redis.port())).expect("Redis listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .expect("a time-out can be set");
        stream
            .write_all(format!("{command}\r\nQUIT\r\n").as_bytes())
            .expect("Redis reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("Redis answers");
        answer
    }
}

/// Whether a build knows a setting.
fn takes(switchboard: &Path, setting: &str) -> bool {
    let mut check = Command::new(switchboard);
    let checked = check.args(["check-config", "--set", setting]).output();
    checked.is_ok_and(|output| output.status.success())
}
